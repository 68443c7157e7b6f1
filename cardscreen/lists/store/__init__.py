"""The versioned store of listings."""
