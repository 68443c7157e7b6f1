"""The parts of a page, each made from the tables and the summary."""
