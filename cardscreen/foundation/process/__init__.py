"""The process and its machine: what it may take, and what is better done in another."""
