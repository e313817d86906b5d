"""Use cases of data migration."""
