"""Published: a night is one screening, compared with the night before, and appears whole or not at all."""
