"""Schemes and check digits of card numbers, and card numbers in text, which errors must not show."""
