"""The web page `molvae app`: sample, interpolate, neighbours and edit, optimize, map, evaluate; on this machine alone."""
