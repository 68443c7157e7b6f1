"""What may become a listing: rings, customers, reports; proposed, decided by a person or a stated rule, published."""
