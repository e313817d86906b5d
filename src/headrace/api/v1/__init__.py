"""Factory API v1, one function per operation."""
