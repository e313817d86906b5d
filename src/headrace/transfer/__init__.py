"""Moves data between two systems as a stream of Arrow record batches."""
