"""A tiny model, trained once for all tests on molecules made here, and a browser; nothing of the user's own folders is read or written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rdkit import Chem

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ENDS = ["C", "CC", "O", "N", "F", "Cl", "C#N", "OC", "C(=O)O", "C(C)=O", "C(F)(F)F", "S(C)(=O)=O"]
CORES = ["c1ccc({a})cc1{b}", "C1CCC({a})CC1{b}", "c1cc({a})ncc1{b}", "C({a})CCN{b}"]
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_configure() -> None:
    """One thread: the network is too small for more, and the figures do not depend on the machine."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def smiles() -> list[str]:
    """444 different molecules, canonical, in an order that mixes their lengths."""
    every = {Chem.CanonSmiles(core.format(a=a, b=b)) for core, a, b in product(CORES, ENDS, ENDS)}
    return sorted(every, key=lambda text: (hash_of(text), text))


def hash_of(text: str) -> int:
    """A hash that is the same in every process."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 1009


@pytest.fixture(scope="session")
def training_file(smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of `smiles`."""
    path = tmp_path_factory.mktemp("data") / "molecules.smi"
    path.write_text("\n".join(smiles) + "\n")
    return path


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Any]:
    """Makes recipes of a tiny model: `tiny(train={"max_steps": 5})`; in float32, and the clock never ends a run."""
    from molvae.training.recipe import Recipe

    base = Recipe.of(
        {
            "data": {"vocabulary": 48, "validation": 16},
            "model": {"latent_size": 4, "embedding": 16, "encoder_hidden": 32, "decoder_hidden": 32},
            "train": {
                "batch_size": 32, "learning_rate": 1e-2, "max_time": "1000d", "max_steps": 30, "precision": "32-true",
                "evaluate_every": "1000d", "save_every": "1000d",
            },
            "rate": {"target": [[0.0, 8.0]]},
        }
    )  # fmt: skip
    return base.updated


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLVAE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def corpus(training_file: Path, tiny: Callable[..., Any], cache: Path) -> Any:
    """The corpus of `training_file`, the one that `fit` uses too."""
    from molvae.data.corpus import build_corpus
    from molvae.fitting import corpus_settings

    return build_corpus(training_file, cache / "corpora", corpus_settings(tiny()), jobs=1)


@pytest.fixture(scope="session")
def trained(training_file: Path, tiny: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny model trained for 150 steps."""
    from molvae.fitting import fit

    folder = tmp_path_factory.mktemp("run") / "model"
    fit(training_file, folder, tiny(train={"max_steps": 150}), accelerator="cpu", jobs=1)
    return folder


@pytest.fixture(scope="session")
def model(trained: Path) -> Any:
    """The tiny model, loaded."""
    from molvae import MolVAE

    return MolVAE.from_pretrained(trained)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=180_000)  # a busy machine takes long to load torch
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("the tests of pages need Chromium, and there is none: apt-get install chromium (or the like)", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()
