"""Addresses of crypto wallets."""
