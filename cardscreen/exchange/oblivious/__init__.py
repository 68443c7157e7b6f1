"""Oblivious tokens (RFC 9497): one side learns which of its own values are listed, the other one not which it asked."""
