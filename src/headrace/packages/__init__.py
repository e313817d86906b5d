"""Export and import archives."""
