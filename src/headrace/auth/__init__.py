"""Signatures, tokens, passwords, sealing of secrets."""
