"""A source's own files become listings, or rejects, or the file is refused."""
