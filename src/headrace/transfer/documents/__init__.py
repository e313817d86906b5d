"""Sources and targets that keep documents or keys rather than tables."""
