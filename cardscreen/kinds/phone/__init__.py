"""Phone numbers, read exactly as `phonenumbers` reads them, from tables."""
