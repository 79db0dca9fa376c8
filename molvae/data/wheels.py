"""Fetches wheels that carry data, from PyPI or the user's mirror of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from molvae.errors import DataError


def fetch_wheel(requirement: str, digest: str, folder: Path, what: str, otherwise: str) -> Path:
    """Path of a wheel, fetched by pip, which knows the user's mirrors and proxies and keeps what it has in its own cache.

    Args:
        requirement: name and version ("molscore==1.9.5").
        digest: SHA-256 of the wheel; any other file is refused.
        folder: where it is put.
        what: what it is fetched for, for the message.
        otherwise: what a user without a network can do, for the message.

    Raises:
        DataError: there is no network, no pip, or another file.
    """
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{digest}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "5", "--dest", str(folder), "-r", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
        raise DataError(
            f"{what} could not be fetched ({said[-1] if said else 'pip failed'}); try again when the network is there, or {otherwise}"
        )
    return wheels[0]
