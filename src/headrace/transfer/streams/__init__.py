"""Streams of messages as sources of migrations."""
