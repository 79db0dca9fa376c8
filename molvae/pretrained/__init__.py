"""The models that come with molvae, a folder each."""

from __future__ import annotations

from pathlib import Path

from molvae.errors import CheckpointError

#: 2,000 molecules of the MOSES training set, the first of data/moses_10k.csv, to compare others with.
MOSES_TRAINING = Path(__file__).parent / "moses_training.smi.gz"


def pretrained_names() -> list[str]:
    """Names of the bundled models."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/config.json"))


def find_pretrained(name: str | Path) -> Path:
    """Folder of a model given by bundled name or by path; raises CheckpointError that lists the bundled ones."""
    if isinstance(name, str) and name in pretrained_names():
        return Path(__file__).parent / name
    if not Path(name).is_dir():
        raise CheckpointError(f"{name} is neither a folder nor a bundled model; bundled: {', '.join(pretrained_names()) or 'none'}")
    return Path(name)
