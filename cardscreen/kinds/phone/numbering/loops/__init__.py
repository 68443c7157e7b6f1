"""The compiled loops that read cells of phone numbers and write E.164 numbers; importing one has it compiled."""
