"""Sources whose rows are objects: JSON Lines, and JSON and XML documents."""
