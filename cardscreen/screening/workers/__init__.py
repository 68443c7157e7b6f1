"""The same pass in parts, by processes that share files."""
