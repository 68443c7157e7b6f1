"""What is known about telephone numbering: libphonenumber's answers, in bulk."""
