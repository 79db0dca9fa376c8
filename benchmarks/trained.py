"""Models that a benchmark trains for itself, and what is measured on more than one of them.

Everything made is kept in a work folder: a model that is there is not trained again, figures that are there are not measured again.
What is there must have been asked for in the same words, or DataError is raised.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import common
from matplotlib.figure import Figure

from molvae import MolVAE
from molvae.data.cache import cache_folder
from molvae.data.formats import read_rows
from molvae.data.moses import moses_file
from molvae.errors import DataError, Interrupted
from molvae.evaluate.chemnet import frechet, moses_statistics, statistics
from molvae.files import replacing
from molvae.training.recipe import Recipe

RECIPE = Path(__file__).parents[1] / "recipes" / "moses.toml"
_LEAST = 0.1  # share of the molecules asked for below which no FCD is given: it falls with their number


def toml(recipe: Recipe) -> str:
    """A recipe as the text of its file; what is None is left out.

    >>> Recipe.parse(toml(Recipe())) == Recipe()
    True
    """
    parts = recipe.model_dump(mode="json")
    lines = [
        [f"[{part}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None)] for part, keys in parts.items()
    ]
    return "\n\n".join("\n".join(part) for part in lines) + "\n"


def trained(folder: Path, recipe: Recipe, devices: str, start: str | None = None) -> MolVAE:
    """The model of a recipe, trained by `molvae train` in `folder` unless it is there.

    Args:
        folder: receives recipe.toml and the model.
        recipe: with the data to train on in it.
        devices: as the option of `molvae train`.
        start: model whose weights to start from.

    Raises:
        DataError: training failed, or the model in the folder was trained after another recipe.
        Interrupted: stopped; the model is trained anew the next time.
    """
    model, order = folder / "model", f"# devices: {devices}, start: {start or 'none'}\n{toml(recipe)}"
    if not model.exists():
        with replacing(folder / "recipe.toml") as partial:
            partial.write_text(order, encoding="utf-8")
        _train(folder, model, devices, start)
    if (folder / "recipe.toml").read_text(encoding="utf-8") != order:
        raise DataError(f"the model in {folder} was trained after another recipe (recipe.toml in it); choose another folder with --work")
    return MolVAE.from_pretrained(model)


def _train(folder: Path, model: Path, devices: str, start: str | None) -> None:
    """In a process of its own, since more devices than one start the command anew for each."""
    unfinished = folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [sys.executable, "-m", "molvae", "train", str(folder / "recipe.toml"), "--out", str(unfinished), "--devices", devices]
    common.say(f"training {folder.name}")
    code = subprocess.run([*command, *(["--start", start] if start else [])], check=False).returncode
    if code == 130:
        raise Interrupted(f"training of {folder.name} was stopped")
    if code:
        raise DataError(f"training of {folder.name} failed with exit code {code}; what it said stands above")
    unfinished.rename(model)


def kept(path: Path, settings: dict[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Figures of a JSON file, measured and written there unless it is there.

    Raises:
        DataError: the file holds figures of other settings.
    """
    if not path.exists():
        figures = measure()
        with replacing(path) as partial:
            partial.write_text(json.dumps({"settings": settings, "figures": figures}), encoding="utf-8")
    found = json.loads(path.read_text(encoding="utf-8"))
    other = [name for name in settings if found["settings"].get(name) != settings[name]]
    if other:
        raise DataError(f"{path} was measured with another {', '.join(other)}; choose another folder with --work")
    return dict(found["figures"])


@cache
def moses_test() -> tuple[str, ...]:
    """The MOSES test set in an order drawn at random."""
    rows = [row.text for row in read_rows(moses_file("test"))]
    return tuple(random.Random(0).sample(rows, len(rows)))


def exact_reconstruction(model: MolVAE, count: int) -> float:
    """Share of `count` MOSES test molecules that come back exactly, greedy from the mean."""
    return float(model.reconstruct(moses_test()[:count])["exact"].mean())


def fcd_test(smiles: Sequence[str], asked: int) -> float | None:
    """FCD to the MOSES test set, None for less than a tenth of the molecules asked for (empty texts do not count)."""
    written = [text for text in smiles if text]
    return frechet(statistics(written), moses_statistics("test")) if len(written) >= max(2, _LEAST * asked) else None


def text_of(value: float | None, decimals: int = 3) -> str:
    """A number of a table.

    >>> text_of(0.12345), text_of(None)
    ('0.123', 'too few')
    """
    return "too few" if value is None else f"{value:,.{decimals}f}"


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; it replaces what is there only when whole."""
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=160, facecolor="white")


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Places of labels as near to `places` as they may stand when each is at least `gap` above the one below.

    Labels that would touch stand around the mean of their places.

    >>> apart([3.0, 0.0, 0.2], 1.0)
    [3.0, -0.4, 0.6]
    """
    order = sorted(range(len(places)), key=lambda row: places[row])
    groups: list[list[int]] = []
    for row in order:
        groups.append([row])
        while len(groups) > 1 and _top(groups[-2], places, gap) + gap > _bottom(groups[-1], places, gap):
            groups[-2:] = [groups[-2] + groups[-1]]
    found = [0.0] * len(places)
    for group in groups:
        for number, row in enumerate(group):
            found[row] = round(_bottom(group, places, gap) + number * gap, 9)
    return found


def _bottom(group: Sequence[int], places: Sequence[float], gap: float) -> float:
    return sum(places[row] for row in group) / len(group) - gap * (len(group) - 1) / 2


def _top(group: Sequence[int], places: Sequence[float], gap: float) -> float:
    return _bottom(group, places, gap) + gap * (len(group) - 1)


def add_training_arguments(parser: Any, work: str, seconds: float) -> None:
    """The options of benchmarks that train models."""
    parser.add_argument("--data", default="moses", help="moses, or a file of molecules to train on; tests are those of MOSES either way")
    parser.add_argument("--seconds", type=float, default=seconds, help="of training, for each model")
    parser.add_argument("--devices", default="2", help="processes that train, of one thread each")
    parser.add_argument("--reconstructed", type=int, default=1_000, help="molecules of the MOSES test set")
    parser.add_argument("--seed", type=int, default=1, help="of the samples")
    parser.add_argument("--work", type=Path, default=cache_folder() / "benchmarks" / work, help="where models and figures are kept")
    parser.add_argument("--out", type=Path, default=common.RESULTS / f"{work}.json", help="JSON to write; table and picture go beside it")
