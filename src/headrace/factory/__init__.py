"""Use cases of data development."""
