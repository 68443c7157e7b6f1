"""TOML files that persons write, and every mistake in them with its line."""
