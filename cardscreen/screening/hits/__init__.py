"""What follows for rows that may match: the listings of a value, hits and decisions, part after part."""
