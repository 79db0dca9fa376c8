"""Oracles on a Dask cluster, through joblib."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import joblib

from molvae.errors import DataError, MissingExtraError


@contextmanager
def on_cluster(address: str | None) -> Iterator[None]:
    """What oracles spread over processes goes to the workers of a Dask scheduler.

    Args:
        address: of the scheduler, such as "tcp://10.0.0.5:8786"; None keeps the work here.

    Raises:
        DataError: no scheduler answers there.
        MissingExtraError: Dask is needed.
    """
    if address is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError("oracles on a cluster need Dask: pip install 'molvae[cluster]'") from error
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise DataError(f"no Dask scheduler answers at {address}: {error}") from error
    with client, joblib.parallel_config("dask", n_jobs=-1):
        yield
