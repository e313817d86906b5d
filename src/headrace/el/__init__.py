"""The expression language: ``#{…}``, ``${name}``, simple variables and migration macros."""
