"""Screened and decided: one pass from accounts to hits, flags and rejects."""
