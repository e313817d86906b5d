"""Whatever has files: what all of them share."""
