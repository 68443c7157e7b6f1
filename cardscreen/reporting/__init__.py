"""The page that people look at in the morning: one file, made of the tables and records that it is given."""
