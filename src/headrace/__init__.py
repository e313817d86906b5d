"""Headrace: a self-hosted Data Lake Factory."""

__version__ = "0.1.0"
