"""Bank cards: PANs, whole, masked or truncated, and who issued them."""
