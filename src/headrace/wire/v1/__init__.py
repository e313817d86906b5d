"""Shapes of the Factory API v1, one module per kind of object."""
