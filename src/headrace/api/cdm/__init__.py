"""CDM API v1.1, one function per operation."""
