"""From a file of molecules to a trained model: corpus, network, loop, checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from molvae.checkpoint import Checkpoint
from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import to_smiles
from molvae.data.cache import cache_folder
from molvae.data.corpus import Corpus, CorpusSettings, Progress, build_corpus, learned_tokenizer
from molvae.data.corpus_properties import corpus_properties
from molvae.data.moses import moses_file
from molvae.data.novelty import TrainingIndex
from molvae.data.tokenizer import Tokenizer
from molvae.errors import CheckpointError, DataError, RecipeError
from molvae.model import MolVAE
from molvae.nn.sampling import SamplingSettings
from molvae.nn.vae import VAE, Sizes
from molvae.pretrained import find_pretrained
from molvae.training.engine import make_fabric
from molvae.training.recipe import Recipe
from molvae.training.trainer import Listener, Trainer, split_at_random, with_turns

_MAY_CHANGE = {"max_time", "max_steps", "evaluate_every", "save_every"}  # between the start of a run and its resumption
_JUDGED = 1_000  # molecules reconstructed and sampled at each evaluation


def fit(
    source: str | Path | None,
    out: str | Path,
    recipe: Recipe | None = None,
    *,
    start: str | Path | None = None,
    resume: bool = False,
    accelerator: str = "auto",
    devices: int | str = "auto",
    nodes: int = 1,
    jobs: int = -1,
    cache: Path | None = None,
    command: str = "",
    on_rows: Progress | None = None,
    on_corpus: Callable[[Corpus], None] | None = None,
    listener: Listener | None = None,
) -> MolVAE:
    """Train a model and save it.

    Args:
        source: a file of molecules, "moses", or None for the recipe's own.
        out: folder of the checkpoint; the state to resume from and the metrics go to training/ in it.
        recipe: defaults to `Recipe()`.
        start: a model (bundled name or folder) whose weights and tokens to start from, instead of random weights; the recipe's latent may
            have more dimensions than the model's, they carry nothing at first.
        resume: go on where the run in `out` stopped; the recipe must be the same, but for its budget.
        accelerator: "auto", "cpu" or "cuda".
        devices: processes on the CPU (one thread each when more than one), or GPUs.
        nodes: machines, when started on each by torchrun or SLURM.
        jobs: processes that encode the molecules.
        cache: folder of corpora; molvae's own when None.
        command: what to write in the model card as the way to make this model.
        on_rows: told the rows encoded so far.
        on_corpus: told the corpus once it is there.
        listener: told the figures of training.

    Raises:
        DataError: the file cannot be used.
        RecipeError: the recipe's sizes are not those of the model to start from.
        CheckpointError: `out` holds a run already, or none to resume.
        Interrupted: stopped by a signal after saving.
    """
    recipe, out = recipe or Recipe(), Path(out)
    if source is not None:
        recipe = recipe.updated(data={"source": str(source)})
    check_folder(out, resume)
    beginning = _beginning(start, recipe) if start is not None else None
    fabric = launched(recipe, accelerator, devices, nodes)
    tokenizer = beginning.tokenizer if beginning else None
    corpus = shared_corpus(fabric, recipe, tokenizer, cache or cache_folder(), jobs, on_rows)
    if on_corpus and fabric.is_global_zero:
        on_corpus(corpus)
    checkpoint = _empty_checkpoint(recipe, corpus)
    if beginning:
        checkpoint.vae.load_state_dict(beginning.vae.widened(recipe.model.latent_size, checkpoint.vae.sizes.second_face).state_dict())
    return _train(fabric, recipe, corpus, checkpoint, out, resume, command, listener)


def _beginning(start: str | Path, recipe: Recipe) -> Checkpoint:
    """The model to start from, whose sizes must be those of the recipe; its latent may be smaller."""
    checkpoint = Checkpoint.load(find_pretrained(start))
    wanted, found = recipe.model.model_dump(), asdict(checkpoint.vae.sizes)
    if found["latent_size"] < wanted["latent_size"]:
        wanted.pop("latent_size")
    wrong = [f"{name} is {value} in the recipe, {found[name]} in the model" for name, value in wanted.items() if value != found[name]]
    if wrong:
        raise RecipeError(f"cannot start from {start}: {'; '.join(wrong)}")
    return checkpoint


def launched(recipe: Recipe, accelerator: str, devices: int | str, nodes: int = 1) -> Fabric:
    """The processes of a run, started; several on one CPU have a thread each."""
    fabric = make_fabric(recipe, accelerator, devices, nodes)
    if fabric.device.type == "cpu" and fabric.world_size > 1:
        torch.set_num_threads(1)
    fabric.launch()
    return fabric


def check_folder(out: Path, resume: bool) -> None:
    """Refuse a folder that a run cannot be written to, or gone on with."""
    found = (out / "training" / "state.safetensors").exists()
    if found and not resume:
        raise CheckpointError(f"{out} holds a run already; go on with it (--resume) or choose another folder")
    if resume and not found:
        raise CheckpointError(f"{out} holds no run to resume (no training/state.safetensors in it)")
    try:  # now, not after hours of encoding
        (out / "training").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}") from error


def corpus_settings(recipe: Recipe) -> CorpusSettings:
    """What a recipe says of its corpus."""
    data = recipe.data
    return CorpusSettings(data.vocabulary, Standardizer(data.largest_fragment, data.neutralize), data.column, data.notation)


def shared_corpus(
    fabric: Fabric,
    recipe: Recipe,
    tokenizer: Tokenizer | None,
    cache: Path,
    jobs: int,
    on_rows: Progress | None,
    *,
    extend: bool = False,
    least: int = 2,
) -> Corpus:
    """The corpus of a recipe, built by the first process of each machine; see `molvae.data.corpus.build_corpus`.

    Raises:
        DataError: it holds fewer than `least` usable molecules.
    """
    settings, root = corpus_settings(recipe), cache / "corpora"
    with fabric.rank_zero_first(local=True):
        source = moses_file("train", cache / "moses") if recipe.data.source == "moses" else Path(recipe.data.source)
        if tokenizer and learned_tokenizer(source, root, settings) == tokenizer.to_json():
            tokenizer = None  # the corpus that is there already has these very tokens
        corpus = build_corpus(source, root, settings, tokenizer, extend, jobs=jobs, progress=on_rows)
    if len(corpus) < least:
        plural = "s" * (len(corpus) != 1)
        raise DataError(
            f"{source} holds {len(corpus)} usable molecule{plural} (refused: {refusals(corpus)}); at least {least} are needed to train on "
            "some and check on others"
        )
    return corpus


def new_vae(recipe: Recipe, vocabulary: int) -> VAE:
    """Untrained weights, the same for the same seed; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        return VAE(Sizes(vocabulary, second_face=recipe.without_code.share > 0, **recipe.model.model_dump()))


def _train(
    fabric: Fabric, recipe: Recipe, corpus: Corpus, checkpoint: Checkpoint, out: Path, resume: bool, command: str, listener: Listener | None
) -> MolVAE:
    held_out = held_out_smiles(recipe, corpus)

    def judge(vae: VAE) -> dict[str, float]:
        return judge_model(MolVAE(checkpoint, fabric.device), held_out, recipe.train.seed)

    def save(vae: VAE) -> None:
        replace(checkpoint, vae=vae).save(out)

    targets = _targets(fabric, recipe, corpus)
    split = split_at_random(len(corpus), recipe.data.validation, recipe.train.seed)
    if targets is not None:
        split = with_turns(split, np.asarray(np.isfinite(targets[:, 0])), recipe.properties.turns)
    trainer = Trainer(recipe, fabric, out / "training", judge, listener, save, split, targets)
    setting = json.dumps([recipe.model_dump(mode="json", exclude={"train": _MAY_CHANGE}), corpus.folder.name])
    checkpoint.figures = trainer.fit(checkpoint.vae, corpus, resume, setting)
    checkpoint.card = model_card(checkpoint, corpus, command)
    if fabric.is_global_zero:
        checkpoint.save(out)
    return MolVAE(checkpoint, fabric.device)


def _targets(fabric: Fabric, recipe: Recipe, corpus: Corpus) -> NDArray[np.float32] | None:
    """Standardised properties of all molecules that the codes are laid out by, (n, P), computed by the first process of each machine."""
    part = recipe.properties
    if not part.columns:
        return None
    with fabric.rank_zero_first(local=True):
        values = corpus_properties(corpus, part.columns, part.molecules)
    center, scale = np.nanmean(values, axis=0, dtype=np.float64), np.nanstd(values, axis=0, dtype=np.float64)
    if not scale.all():
        raise DataError(
            f"property {part.columns[int(np.argmin(scale))]!r} is the same for all molecules, so codes cannot be laid out by it"
        )
    return np.asarray((values - center) / scale, dtype=np.float32)


def _empty_checkpoint(recipe: Recipe, corpus: Corpus) -> Checkpoint:
    """The checkpoint of a run before its first step."""
    longest = int(corpus.lengths.max())
    standardizer = {"largest_fragment": recipe.data.largest_fragment, "neutralize": recipe.data.neutralize}
    vae = new_vae(recipe, len(corpus.tokenizer))
    index = TrainingIndex.of(corpus.fingerprints)
    sampling = SamplingSettings(prior="written" if vae.sizes.second_face else "gaussian")
    return Checkpoint(vae, corpus.tokenizer, index, 2 * longest + 8, standardizer, sampling, recipe.model_dump(mode="json"))


def held_out_smiles(recipe: Recipe, corpus: Corpus) -> list[str]:
    """At most 1,000 of the molecules that a recipe holds out."""
    return smiles_of(corpus, split_at_random(len(corpus), recipe.data.validation, recipe.train.seed).validation[:_JUDGED])


def smiles_of(corpus: Corpus, molecules: NDArray[np.int64]) -> list[str]:
    """SMILES of some molecules of a corpus, by number."""
    return [to_smiles(corpus.tokenizer.symbols_of(corpus[number].tolist())) for number in molecules.tolist()]


def judge_model(model: MolVAE, held_out: list[str], seed: int = 0, n: int = _JUDGED) -> dict[str, float]:
    """Exact reconstruction (greedy from the mean) of held-out molecules, and what samples from N(0, I) are worth.

    Returns:
        `exact_reconstruction`, and of `n` raw samples: `valid`, `survives` the round trip, `unique` and `novel` among the valid.
    """
    samples = model.sample(n, seed=seed, temperature=1.0, top_p=1.0, prior="gaussian", raw=True)
    written = samples[samples["valid"]]
    figures = {"valid": samples["valid"].mean(), "survives": samples["survives"].mean()}
    figures |= {"unique": 1 - written["duplicate"].mean(), "novel": written["novel"].mean()} if len(written) else {}
    if held_out:
        figures["exact_reconstruction"] = model.reconstruct(held_out)["exact"].mean()
    return {name: float(value) for name, value in figures.items()}


def refusals(corpus: Corpus) -> str:
    """What a corpus refused, and why, in words."""
    return ", ".join(f"{reason}: {count:,}" for reason, count in corpus.refused.items()) or "none"


def model_card(checkpoint: Checkpoint, corpus: Corpus, command: str) -> str:
    """Text of a model's README.md: data, sizes, command and figures."""
    figures = "\n".join(f"| {name.replace('_', ' ')} | {value:,.4g} |" for name, value in checkpoint.figures.items())
    return (
        f"# A molvae model\n\nTrained on {len(corpus):,} molecules of `{corpus.meta['source']}` (refused: {refusals(corpus)}).\n\n"
        f"Made by\n\n    {command or 'molvae.MolVAE.fit'}\n\nwith the recipe in config.json.\n\n"
        f"At the end of training, on molecules held out (nats are nats a molecule; samples are raw, from N(0, I)):\n\n"
        f"| figure | value |\n|---|---|\n{figures}\n"
    )
