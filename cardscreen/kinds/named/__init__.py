"""What is a name and no number: addresses of e-mail, handles, identifiers of your own."""
