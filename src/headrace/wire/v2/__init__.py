"""Shapes of the Factory, v2, on the wire."""
