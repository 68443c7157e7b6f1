"""What is told of one account, by its id or by its number."""
