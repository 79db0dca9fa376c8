"""Files and strings to arrays and back."""
