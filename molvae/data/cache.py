"""Where downloads and encoded corpora are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """$MOLVAE_CACHE, else $XDG_CACHE_HOME/molvae, else ~/.cache/molvae; not created here."""
    if own := os.environ.get("MOLVAE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "molvae"
