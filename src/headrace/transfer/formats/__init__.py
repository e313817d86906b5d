"""Formats of files, read and written as record batches."""
