"""Judges sets of molecules: the metrics of MOSES and GuacaMol, and the report."""
