"""Judges a set of samples: everything in `molvae.evaluate` in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molvae.data.formats import read_rows
from molvae.data.moses import moses_file
from molvae.errors import DataError
from molvae.evaluate import chemnet, training
from molvae.evaluate.evaluation import Evaluation
from molvae.evaluate.guacamol import NUMBER, guacamol_metrics
from molvae.evaluate.latent import NAMES, LatentHealth, latent_health
from molvae.evaluate.metrics import Metrics, Progress
from molvae.evaluate.moses import moses_metrics
from molvae.evaluate.reference import Reference, references
from molvae.evaluate.samples import Samples
from molvae.evaluate.training import Training
from molvae.model import MolVAE

_ENCODED = 10_000  # molecules of the reference that the latent is measured on
_PAIRS = 24  # reconstructions in the report
_HELD_OUT = 0.01  # share trained on from which molecules are no longer called held out


def evaluate(
    samples: Samples | str | Path | Sequence[str],
    reference: str | Path = "moses",
    model: MolVAE | str | Path | None = None,
    *,
    column: str | None = None,
    reference_column: str | None = None,
    seed: int = 0,
    jobs: int = -1,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> Evaluation:
    """Judge samples by the metrics of MOSES and GuacaMol, and the latent space of the model where one is given.

    With "moses" as reference, samples are compared with its test sets, novelty is to its training set, and GuacaMol's metrics are to
    10,000 molecules of the training set. A file takes all these parts itself. The latent is measured on up to 10,000 molecules of the
    test set, or of the file, drawn at random; how many of them the model was trained on is said in the settings.

    Args:
        samples: a file of molecules, or SMILES in memory. A str is a path.
        reference: "moses" or a file of molecules.
        model: a model, a bundled name or a folder of a checkpoint; None leaves out the latent.
        column: header of the SMILES column of the samples.
        reference_column: header of the SMILES column of the reference.
        seed: of molecules and codes drawn.
        jobs: processes; -1 is one a core.
        progress: told of what is done.
        cache: folder where what is computed of the reference is kept; references/ in molvae's cache when None.

    Returns:
        What could be computed, and for the rest why not; see `molvae.evaluate.report` for the page and the JSON.

    Raises:
        DataError: a file cannot be read, there is no row of samples, the reference holds no valid molecule, or MOSES cannot be fetched.
        CheckpointError: there is no such model.
    """
    loaded = MolVAE.from_pretrained(model) if isinstance(model, (str, Path)) else model
    judged = _samples(samples, column, jobs, progress)
    others = references(reference if reference == "moses" else Path(reference), cache, reference_column, jobs, progress)
    trained_on = (
        training.of_moses(loaded, NUMBER, seed, cache, jobs, progress)
        if reference == "moses"
        else training.of_file(reference, reference_column, jobs, progress)
    )
    mine, activations = _described(judged, others, jobs, progress)
    drawn = training.draw(trained_on.molecules, NUMBER, seed)
    fcd = _guacamol_fcd(activations, drawn, cache, progress)
    guacamol = guacamol_metrics(judged, trained_on.molecules, trained_on.index, fcd, seed, jobs, progress, NUMBER)
    found = Evaluation(
        source=_name(samples),
        reference="the test sets of MOSES" if reference == "moses" else Path(reference).name,
        samples=judged,
        moses=moses_metrics(judged, others, trained_on.known, jobs, progress, mine),
        guacamol=_with_reason(guacamol, len(judged.smiles), len(drawn)),
        settings=_settings(others, trained_on, seed),
        properties={name: (values, others[0].properties[name]) for name, values in mine.properties.items()},
    )
    return found if loaded is None else _with_latent(found, loaded, model, _held_out(reference, reference_column, seed), seed, progress)


def _samples(samples: Samples | str | Path | Sequence[str], column: str | None, jobs: int, progress: Progress | None) -> Samples:
    if isinstance(samples, (str, Path)):
        return Samples.read(samples, column, jobs, progress)
    found = samples if isinstance(samples, Samples) else Samples.of(samples, jobs, progress)
    if not found.rows:
        raise DataError("there are no samples to judge, not one row")
    return found


def _name(samples: Samples | str | Path | Sequence[str]) -> str:
    return Path(samples).name if isinstance(samples, (str, Path)) else "samples"


def _described(
    judged: Samples, others: Sequence[Reference], jobs: int, progress: Progress | None
) -> tuple[Reference, NDArray[np.float32] | None]:
    """What the metrics need of the samples, and ChemNet's activations (n, 512), since GuacaMol takes those of some."""
    mine = Reference.of(judged.smiles, "samples", jobs, progress, with_chemnet=False)
    asked = len(judged.smiles) >= NUMBER or any(other.chemnet is not None for other in others)
    if not asked or len(judged.smiles) < 2 or not chemnet.available():
        return mine, None
    activations = chemnet.activations(judged.smiles, progress)
    return replace(mine, chemnet=chemnet.gaussian(activations)), activations


def _guacamol_fcd(
    activations: NDArray[np.float32] | None, drawn: Sequence[str], cache: Path | None, progress: Progress | None
) -> float | None:
    """FCD of the first samples to the training molecules; None where there are too few of either, or no ChemNet."""
    if activations is None or min(len(activations), len(drawn)) < NUMBER:
        return None
    return chemnet.frechet(chemnet.gaussian(activations[:NUMBER]), training.kept_statistics(drawn, cache, progress))


def _with_reason(metrics: Metrics, valid: int, drawn: int) -> Metrics:
    """The same; an FCD that could not be computed although there are samples enough gets the reason for that."""
    if "fcd_score" not in metrics.missing or valid < NUMBER:
        return metrics
    why = f"needs {NUMBER:,} training molecules, got {drawn:,}" if drawn < NUMBER else chemnet.MISSING
    return replace(metrics, missing=metrics.missing | {"fcd_score": why})


def _settings(others: Sequence[Reference], trained_on: Training, seed: int) -> dict[str, object]:
    libraries = ("molvae", "rdkit", "torch", *(("fcd",) if chemnet.available() else ()))
    sizes: dict[str, object] = {f"molecules of {other.name}": other.count for other in others}
    return {"seed": seed} | sizes | {name: version(name) for name in libraries}


def _held_out(reference: str | Path, column: str | None, seed: int) -> list[str]:
    """Molecules of the test set, or of the user's file, by chance; the first of them are chance ones too."""
    path = moses_file("test") if reference == "moses" else Path(reference)
    return training.draw([row.text for row in read_rows(path, column)], _ENCODED, seed)


def _with_latent(
    found: Evaluation, loaded: MolVAE, model: MolVAE | str | Path | None, held_out: Sequence[str], seed: int, progress: Progress | None
) -> Evaluation:
    """The same with the health of the latent, all of it missing where no molecule of the reference can be encoded."""
    named: dict[str, object] = {"model": "a model in memory" if isinstance(model, MolVAE) else str(model)}
    try:
        health = latent_health(loaded, held_out, seed=seed, progress=progress)
    except DataError as error:
        return replace(found, latent=Metrics({}, dict.fromkeys(NAMES, str(error))), settings=found.settings | named)
    return replace(
        found,
        latent=health.metrics,
        settings={"verdict": health.verdict} | found.settings | named | _about(health, loaded),
        reconstructions=health.reconstructions[:_PAIRS],
        codes=health.codes,
    )


def _about(health: LatentHealth, loaded: MolVAE) -> dict[str, object]:
    """What the latent was measured on: how many molecules, what was refused of them, and the share that is not held out after all."""
    share = float(np.mean(loaded.checkpoint.index.contains(health.encoded)))
    about: dict[str, object] = {
        "molecules encoded": len(health.encoded),
        "molecules refused by the model": health.refused,
        "share of the molecules encoded that the model was trained on": share,
        "molecules decoded": len(health.reconstructions),
    }
    if share > _HELD_OUT:
        about["caution"] = f"the model was trained on {share:.0%} of the molecules its latent was measured on, which flatters it"
    return about
