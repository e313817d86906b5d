"""What relational systems share."""
