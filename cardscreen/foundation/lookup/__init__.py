"""Digits as integers, and sets and ranges of them, looked up a batch at a time."""
