"""Told: why an account was flagged, whether a run is as it was written, and what persons decide about it."""
