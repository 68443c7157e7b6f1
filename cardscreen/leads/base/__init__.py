"""The accounts behind listed ones: the rows of some accounts, or that carry some values, wherever the base lies."""
