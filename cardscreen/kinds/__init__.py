"""Normalised: what a cell of a kind means. A kind is one module, or package, and a line in the registry."""
