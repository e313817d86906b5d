"""Operations of the Factory, v2."""
