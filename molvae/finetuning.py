"""Tuning a trained model to a user's own molecules: more tokens, tuned weights, and what became of its samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric

from molvae.checkpoint import Checkpoint
from molvae.chem.similarity import similarity_to_nearest
from molvae.data.batching import EqualLengthBatches
from molvae.data.cache import cache_folder
from molvae.data.corpus import Corpus, Progress, build_corpus
from molvae.data.novelty import TrainingIndex
from molvae.errors import CheckpointError, DataError
from molvae.files import replacing
from molvae.fitting import check_folder, corpus_settings, launched, refusals, shared_corpus, smiles_of
from molvae.model import MolVAE
from molvae.nn.sampling import SamplingSettings
from molvae.nn.vae import VAE
from molvae.second_stage import training_molecules
from molvae.training.mixing import HELD_OUT, Material
from molvae.training.recipe import Recipe
from molvae.training.schedules import RateControl
from molvae.training.trainer import Listener, Trainer, held_out_figures

#: Usable molecules below which nothing is tuned.
LEAST = 10
_JUDGED = 1_000  # molecules sampled, and reconstructed at most
_COMPARED = 50_000  # own molecules that samples are compared with, at most
_FEWEST_OLD, _MOST_WRITTEN = 5_000, 50_000  # old molecules mixed in, and those that the model writes for that itself
_EVALUATIONS, _PATIENCE = 40, 8
_GAIN = 0.1  # of the rate control: few molecules are soon learned by heart, and the rate falls within some dozens of steps
_PARTS = ("prior", "critic", "heads")  # of a checkpoint: they were fitted to the weights as they were
_BUDGET = {"max_time"}  # may change between the start of a run and its resumption


@dataclass(frozen=True)
class Tuned:
    """A tuned model, and what tuning did.

    Attributes:
        model: the tuned model.
        own: usable own molecules, without repeats.
        known: of these, those the untuned model was trained on.
        symbols: SELFIES symbols that the vocabulary grew by.
        dropped: parts of the untuned model that fit no longer: "prior", "critic", "heads".
        before: figures of the untuned model, see `finetune`.
        after: the same of the tuned one.
    """

    model: MolVAE
    own: int
    known: int
    symbols: tuple[str, ...]
    dropped: tuple[str, ...]
    before: dict[str, float]
    after: dict[str, float]


def finetune(
    model: MolVAE,
    source: str | Path,
    out: str | Path,
    *,
    column: str | None = None,
    mix: float = 0.0,
    mix_data: str | Path | None = None,
    epochs: float | None = None,
    learning_rate: float | None = None,
    max_time: str | float = "365d",
    largest_fragment: bool = False,
    neutralize: bool = False,
    seed: int = 1,
    resume: bool = False,
    accelerator: str = "auto",
    devices: int | str = "auto",
    jobs: int = -1,
    cache: Path | None = None,
    command: str = "",
    on_rows: Progress | None = None,
    on_corpus: Callable[[Corpus], None] | None = None,
    listener: Listener | None = None,
) -> Tuned:
    """Tune a model to the molecules of a file and save the result; the model itself stays as it is.

    SELFIES symbols that the model lacks get token ids of their own, after the old ones. A tenth of the molecules is held out; training
    ends when their ELBO has not become better for 8 evaluations, and the best weights are kept. The rate is held where the model's own
    recipe ended. The learned prior, the critic and the property heads were fitted to codes and samples of the weights as they were, so
    the tuned model has none; they can be fitted anew.

    `before` and `after` in the result hold, on the own molecules held out, `held_out_elbo`, `held_out_rate`, `held_out_distortion`
    (nats a molecule), `active_units` and `exact_reconstruction`, and of 1,000 samples (Gaussian prior, round trip, no critic, repeats
    kept): `surviving` (share of the draws that survive), `unique`, `copies` (share that is one of the own molecules), `novel` (share
    in neither training set), `similarity` (mean Tanimoto similarity to the nearest own molecule, of at most 50,000), beside
    `similarity_of_held_out` (the same of the own molecules held out to those trained on, which is what new members of the series have).

    Args:
        model: the model to start from.
        source: a file of at least 10 usable molecules.
        out: folder of the new checkpoint; the state to resume from and the metrics go to training/ in it.
        column: of the SMILES; found by itself when None.
        mix: share of old molecules among those trained on, against forgetting; from 0 to below 1.
        mix_data: where they come from: a file, "moses", or None for molecules that the model writes before it is tuned.
        epochs: times each own molecule is seen, at most; when None, 300,000 molecules in all but not fewer than 3 and not more
            than 60 times each.
        learning_rate: peak of the schedule; when None, 1e-4 for 100 molecules, growing with the root of their number up to 1e-3.
        max_time: budget such as "90m"; the schedule ends with whichever budget is spent first.
        largest_fragment: keep the largest fragment of salts, from now on, where the model refused them.
        neutralize: remove charges where possible, from now on.
        seed: of the order, the noise, the held-out molecules and the samples.
        resume: go on where the run in `out` stopped; the other arguments must be the same.
        accelerator: "auto", "cpu" or "cuda".
        devices: processes on the CPU (one thread each when more than one), or GPUs.
        jobs: processes that encode the molecules.
        cache: folder of corpora; molvae's own when None.
        command: what to write in the model card as the way to make this model.
        on_rows: told the rows encoded so far.
        on_corpus: told the corpus of the own molecules once it is there.
        listener: told the figures of training.

    Raises:
        DataError: the file cannot be used, or has fewer than 10 usable molecules; or `mix` is out of range.
        CheckpointError: `out` holds a model already, or no run to resume.
        Interrupted: stopped by a signal after saving.
    """
    out, root = Path(out), cache or cache_folder()
    _check(out, resume, mix, mix_data)
    recipe = _recipe(model.checkpoint, source, column, {"largest_fragment": largest_fragment, "neutralize": neutralize}, seed)
    fabric = launched(recipe, accelerator, devices)
    own = shared_corpus(fabric, recipe, model.checkpoint.tokenizer, root, jobs, on_rows, extend=True, least=LEAST)
    if on_corpus and fabric.is_global_zero:
        on_corpus(own)
    material = Material(own, None, 0.0, seed)
    if mix:
        path = out / "training" / "mixed.smi"
        with fabric.rank_zero_first(local=True):
            if not path.exists():
                _write_old(path, model, mix_data, int(len(own) * mix / (1 - mix)), seed)
            settings = replace(corpus_settings(recipe), column=None)
            material = Material(own, build_corpus(path, root / "corpora", settings, own.tokenizer, jobs=jobs), mix, seed)
    recipe = _budgeted(recipe, material, epochs, learning_rate, max_time)
    return _tuned(model, recipe, fabric, material, out, resume, command, listener)


def _check(out: Path, resume: bool, mix: float, mix_data: str | Path | None) -> None:
    if not 0 <= mix < 1:
        raise DataError(f"mix is {mix}, expected the share of old molecules, from 0 to below 1")
    if mix_data is not None and not mix:
        raise DataError(f"{mix_data} is given to be mixed in, but mix is 0; say what share of the molecules it shall have, such as 0.5")
    if mix_data is not None and str(mix_data) != "moses" and not Path(mix_data).is_file():
        raise DataError(f"{mix_data}: no such file")
    check_folder(out, resume)
    if not resume and (out / "config.json").exists():
        raise CheckpointError(f"{out} holds a model already; choose another folder")


def _recipe(old: Checkpoint, source: str | Path, column: str | None, forms: dict[str, bool], seed: int) -> Recipe:
    """The recipe but for its budget: sizes, forms of the molecules and rate are those of the model."""
    sizes = {name: value for name, value in asdict(old.vae.sizes).items() if name not in ("vocabulary", "second_face")}
    face = {"share": 0.5 if old.vae.sizes.second_face else 0.0}
    rate = (Recipe.of(old.recipe) if old.recipe else Recipe()).rate
    data = {"source": str(source), "column": column, "vocabulary": len(old.tokenizer), "validation": HELD_OUT}
    data |= {name: asked or old.standardizer.get(name, False) for name, asked in forms.items()}
    steady = {"target": [[0.0, RateControl(rate).target(1.0)]], "gain": max(rate.gain, _GAIN)}
    return Recipe().updated(data=data, model=sizes, rate=rate.model_dump() | steady, without_code=face, train={"seed": seed})


def _write_old(path: Path, model: MolVAE, source: str | Path | None, wanted: int, seed: int) -> None:
    """Write the old molecules to mix in: of a file, or of the model's own making."""
    if source is None:
        count = min(max(wanted, _FEWEST_OLD), _MOST_WRITTEN)
        apart = seed + 1_000_000  # of the samples that tell what tuning did: the same codes would bring these very molecules again
        old = model.sample(count, seed=apart, distinct=False)["smiles"].tolist()
    else:
        old = training_molecules(source, max(wanted, _FEWEST_OLD), seed)
    with replacing(path) as partial:
        partial.write_text("".join(f"{smiles}\n" for smiles in old), encoding="utf-8")


def _budgeted(recipe: Recipe, material: Material, epochs: float | None, learning_rate: float | None, max_time: str | float) -> Recipe:
    """The recipe with batches, steps and learning rate for so many molecules."""
    count, turns = len(material.own), material.turns
    batch_size = min(max(int(count / (1 - material.mix)) // 8, 8), 256)
    steps = len(EqualLengthBatches(material.tokens.lengths[turns.train], batch_size))  # for so many epochs of the own molecules:
    passed = (turns.train < count).sum() / len(material.parts.train)
    epochs = epochs or min(max(300_000 / count, 3), 60)
    max_steps = max(round(epochs * steps / passed), 1)
    rate = learning_rate or min(max(1e-4 * (count / 100) ** 0.5, 1e-4), 1e-3)
    return recipe.updated(
        train={
            "batch_size": batch_size, "learning_rate": rate, "max_steps": max_steps, "max_time": max_time,
            "evaluate_steps": max(max_steps // _EVALUATIONS, 1), "patience": _PATIENCE,
        }
    )  # fmt: skip


def _tuned(model: MolVAE, recipe: Recipe, fabric: Fabric, material: Material, out: Path, resume: bool, command: str,
           listener: Listener | None) -> Tuned:  # fmt: skip
    """Train, measure, save."""
    old = model.checkpoint
    checkpoint = _grown(old, recipe, material)
    before = _figures(model, checkpoint.vae, checkpoint.index, material)
    trainer = Trainer(
        recipe,
        fabric,
        out / "training",
        listener=listener,
        on_save=lambda vae: replace(checkpoint, vae=vae).save(out),
        split=material.turns,
    )
    trainer.fit(checkpoint.vae, material.tokens, resume, _setting(old, recipe, material))
    tuned = MolVAE(checkpoint, fabric.device)
    checkpoint.figures = _figures(tuned, checkpoint.vae, checkpoint.index, material)
    known = int(old.index.holds(material.own.fingerprints).sum())
    done = Tuned(
        tuned,
        len(material.own),
        known,
        tuple(checkpoint.tokenizer.symbols[len(old.tokenizer.symbols) :]),
        tuple(name for name in _PARTS if getattr(old, name)),
        before,
        checkpoint.figures,
    )
    checkpoint.card = _card(done, material, old.card, command)
    if fabric.is_global_zero:
        checkpoint.save(out)
    return done


def _grown(old: Checkpoint, recipe: Recipe, material: Material) -> Checkpoint:
    """The checkpoint before the first step, without the parts that will fit no longer."""
    tokenizer, data = material.own.tokenizer, recipe.data
    return Checkpoint(
        old.vae.grown(len(tokenizer)),
        tokenizer,
        old.index | material.index,
        max(old.max_tokens, 2 * int(material.own.lengths.max()) + 8),
        old.standardizer | {"largest_fragment": data.largest_fragment, "neutralize": data.neutralize},
        SamplingSettings(old.sampling.temperature, old.sampling.top_p, "written" if old.vae.sizes.second_face else "gaussian"),
        recipe.model_dump(mode="json"),
        card=old.card,
    )


def _setting(old: Checkpoint, recipe: Recipe, material: Material) -> str:
    """What must be the same for a run to be gone on with."""
    digest = sha256(b"".join(tensor.cpu().numpy().tobytes() for tensor in old.vae.state_dict().values())).hexdigest()
    corpora = [corpus.folder.name for corpus in (material.own, material.mixed) if corpus]
    return json.dumps([recipe.model_dump(mode="json", exclude={"train": _BUDGET}), digest, corpora, material.mix])


def _figures(model: MolVAE, vae: VAE, index: TrainingIndex, material: Material) -> dict[str, float]:
    """What `finetune` tells of a model before and after; `vae` has its weights and the ids of the own molecules."""
    own, parts = material.own, material.parts
    held_out = smiles_of(own, parts.validation[:_JUDGED])
    figures = held_out_figures(vae, own, material.turns.validation)
    figures["exact_reconstruction"] = float(model.reconstruct(held_out)["exact"].mean())
    trained_on = smiles_of(own, np.random.default_rng(0).permutation(parts.train)[:_COMPARED])
    figures["similarity_of_held_out"] = float(similarity_to_nearest(held_out, trained_on).mean())
    try:
        samples = model.sample(_JUDGED, seed=material.seed, prior="gaussian", critic=False, distinct=False)
    except DataError:  # nothing that it writes survives the round trip
        return figures | {"surviving": 0.0}
    texts = samples["smiles"].tolist()
    return figures | {
        "surviving": float(samples.attrs["surviving"]),
        "unique": float(1 - samples["duplicate"].mean()),
        "copies": float(TrainingIndex.of(own.fingerprints).contains(texts).mean()),
        "novel": float(1 - index.contains(texts).mean()),
        "similarity": float(similarity_to_nearest(texts, trained_on + held_out).mean()),
    }


def _card(done: Tuned, material: Material, old: str, command: str) -> str:
    """Text of the tuned model's README.md, with the card of the model it was tuned from."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {done.before.get(name, float('nan')):,.4g} | {value:,.4g} |" for name, value in done.after.items()
    )
    mixed = f"; {material.mix:.0%} of the molecules of training were {len(material.mixed):,} old ones" if material.mixed else ""
    return (
        "# A tuned molvae model\n\n"
        f"Tuned to {done.own:,} molecules of `{material.own.meta['source']}` (refused: {refusals(material.own)}), of"
        f" which the untuned model knew {done.known:,}{mixed}.\n\nMade by\n\n    {command or 'molvae.MolVAE.finetune'}\n\n"
        f"with the recipe in config.json. Symbols new to the vocabulary: {' '.join(done.symbols) or 'none'}. "
        f"Parts of the untuned model that fit no longer and were left out: {', '.join(done.dropped) or 'none'}.\n\n"
        "Own molecules held out (nats are nats a molecule) and 1,000 samples (Gaussian prior, round trip, no critic); copies: samples that "
        "are own molecules; novel: in no training set; similarity: to the nearest own molecule.\n\n"
        f"| figure | untuned | tuned |\n|---|---|---|\n{rows}\n\n"
        "**Training index.** The molecules of the untuned model, the own ones (those held out too) and those mixed in.\n\n"
        f"## The model it was tuned from\n\n{old.replace(chr(10) + '#', chr(10) + '##')}\n"
    )
