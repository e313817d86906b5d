"""Operations, envelopes and routes."""
