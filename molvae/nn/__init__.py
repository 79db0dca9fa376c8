"""Tensors only. Knows no chemistry and no files."""
