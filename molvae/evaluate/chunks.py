"""Work on many molecules: in chunks, in several processes where that pays, with word of the progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import joblib

from molvae.evaluate.metrics import Progress

_AT_ONCE = 1_000
_PAYS = 4_000  # molecules from which on other processes are worth their start
_T = TypeVar("_T")


def in_chunks(
    work: Callable[[list[str]], _T], smiles: Sequence[str], jobs: int, progress: Progress | None = None, what: str = ""
) -> Iterator[_T]:
    """What `work` gives of each thousand of the SMILES, in their order.

    Args:
        work: a function of a module, so that other processes find it.
        smiles: what it works on.
        jobs: processes; -1 is one a core. Few molecules are worked on in this one.
        progress: told `what` and the number of molecules done and in all after every chunk.
        what: what is being done, for `progress`.

    >>> list(in_chunks(len, ["C"] * 2500, jobs=1))
    [1000, 1000, 500]
    """
    chunks = [list(smiles[start : start + _AT_ONCE]) for start in range(0, len(smiles), _AT_ONCE)]
    parallel = joblib.Parallel(n_jobs=jobs if len(smiles) >= _PAYS else 1, return_as="generator")
    done = 0
    for chunk, result in zip(chunks, parallel(joblib.delayed(work)(chunk) for chunk in chunks), strict=True):
        done += len(chunk)
        if progress is not None:
            progress(what, done, len(smiles))
        yield result
