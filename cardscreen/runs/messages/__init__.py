"""What a night hands to others: notices, actions, releases, and the words for their causes."""
