"""Schedules: which instances come when, and what they wait for."""
