"""The command line: parse, one public call, write a file, print a summary."""
