"""What training runs on: processes, precision, signals."""

from __future__ import annotations

import platform
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import torch
from lightning_fabric import Fabric

from molvae.errors import DataError
from molvae.training.recipe import Recipe


def make_fabric(recipe: Recipe, accelerator: str = "auto", devices: int | str = "auto", nodes: int = 1) -> Fabric:
    """A Fabric for a recipe; "auto" is all CUDA GPUs, or on the CPU one process that uses all cores."""
    on_gpu = accelerator in ("auto", "cuda", "gpu") and torch.cuda.is_available()
    if accelerator == "auto":
        accelerator = "cuda" if on_gpu else "cpu"
    if devices == "auto" and not on_gpu:
        devices = 1
    precision = recipe.train.precision
    if precision == "auto":
        precision = "bf16-mixed" if (torch.cuda.is_bf16_supported() if on_gpu else cpu_has_bf16()) else "32-true"
    strategy = "auto" if devices == 1 and nodes == 1 else "ddp"
    try:
        return Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, precision=precision, strategy=strategy)
    except (RuntimeError, ValueError, ImportError) as error:
        raise DataError(f"accelerator {accelerator!r} with devices {devices!r} cannot be used: {error}") from error


def cpu_has_bf16() -> bool:
    """Whether matrix products of bfloat16 are fast on this CPU."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    supported = torch.backends.cpu.get_cpu_capability()
    return supported.startswith("AVX512") and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@contextmanager
def stop_requested() -> Iterator[Callable[[], bool]]:
    """Turn SIGINT and SIGTERM into a question; a second signal acts as it used to."""
    asked = False
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(number, found[signal.Signals(number)])

    try:
        for number in found:
            signal.signal(number, note)
    except ValueError:  # not the main thread: signals are somebody else's
        found = {}
    try:
        yield lambda: asked
    finally:
        for number, handler in found.items():
            signal.signal(number, handler)
