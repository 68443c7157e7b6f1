"""What follows from hits: rules, clearances, levels and actions."""
