"""Many molecules to several processes, through joblib: on this machine, or wherever `joblib.parallel_config` sends the work."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain

import joblib

from molvae.optimize.oracles.base import Answer

#: What judges a part of the molecules: one answer each, in their order.
Judge = Callable[[Sequence[str]], list[Answer]]


def spread(judge: Judge, smiles: Sequence[str], jobs: int | None, at_once: int) -> list[Answer]:
    """One answer a molecule, in their order, whatever the number of processes.

    Args:
        judge: a function that a worker process can be sent.
        smiles: the molecules.
        jobs: processes; None is one, or what `joblib.parallel_config` says (a Dask cluster, say); -1 is one a core.
        at_once: molecules in one part, at most; with several processes each gets its share of a small number.
    """
    workers = joblib.effective_n_jobs(jobs)
    size = max(1, min(at_once, math.ceil(len(smiles) / workers)))
    parts = [smiles[start : start + size] for start in range(0, len(smiles), size)]
    if len(parts) <= 1 or workers == 1:
        return list(chain.from_iterable(map(judge, parts)))
    return list(chain.from_iterable(joblib.Parallel(n_jobs=jobs)(joblib.delayed(judge)(part) for part in parts)))
