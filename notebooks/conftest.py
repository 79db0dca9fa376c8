"""The .py files beside the notebooks are their text, not modules with doctests; importing them would run them once more."""

collect_ignore_glob = ["0*.py"]
