"""Strings and RDKit molecules. Knows no torch."""
