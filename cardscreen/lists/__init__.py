"""Listed: which values are on which lists, since when, and by whose word."""
