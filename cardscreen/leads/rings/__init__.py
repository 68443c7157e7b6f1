"""Accounts that share a phone, a card or a device with listed ones: the links, the rings, and their names."""
