"""Matching between institutions that show each other no number."""
