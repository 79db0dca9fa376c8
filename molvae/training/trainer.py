"""The training loop, on one core, many cores, or many GPUs by the same code."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from molvae.data.batching import EqualLengthBatches
from molvae.errors import Interrupted, RecipeError
from molvae.nn.elbo import Elbo
from molvae.nn.heads import Guided
from molvae.nn.vae import VAE
from molvae.training.engine import stop_requested
from molvae.training.metrics import MetricsLog
from molvae.training.recipe import Recipe
from molvae.training.schedules import RateControl, learning_rate
from molvae.training.state import Progress, load_state, save_state

#: Extra figures measured on the model at each evaluation, by name.
Judge = Callable[[VAE], dict[str, float]]
#: Called with the figures of every report (about one a second).
Listener = Callable[[dict[str, float]], None]


class TokenSource(Protocol):
    """What the loop needs to know of its data; see `molvae.data.corpus.Corpus`."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each molecule, (n,)."""

    def batch(self, molecules: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ids of molecules of one length, (B, T)."""


@dataclass(frozen=True)
class Split:
    """Numbers of the molecules trained on and held out; one that stands k times has k turns an epoch, or k draws an evaluation."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]


def split_at_random(count: int, validation: int, seed: int) -> Split:
    """Hold out `validation` of `count` molecules, at most a tenth of them."""
    order = np.random.default_rng(seed).permutation(count)
    held_out = min(validation, max(count // 10, 1)) if count > 1 else 0
    return Split(np.sort(order[held_out:]), np.sort(order[:held_out]))


def with_turns(split: Split, favoured: NDArray[np.bool_], turns: int) -> Split:
    """A split whose favoured molecules, (n,) of all, have so many turns an epoch in training."""
    again = np.repeat(split.train[favoured[split.train]], turns - 1)
    return Split(np.sort(np.concatenate([split.train, again])), split.validation)


@dataclass
class Trainer:
    """Trains a VAE on a corpus after a recipe.

    Args:
        recipe: see `Recipe`.
        fabric: launched; decides device, precision and processes.
        folder: receives state.safetensors, metrics.jsonl and TensorBoard files.
        judge: measures the model at each evaluation, on the first process.
        listener: told the figures of every report, on the first process.
        on_save: called on the first process with the model (the best one so far, where the recipe has patience) after every checkpoint.
        split: what to train on and what to hold out; at random after the recipe when None.
        targets: standardised properties of all molecules, (n, P), NaN where unknown, that the codes are laid out by.
    """

    recipe: Recipe
    fabric: Fabric
    folder: Path
    judge: Judge | None = None
    listener: Listener | None = None
    on_save: Callable[[VAE], None] | None = None
    split: Split | None = None
    targets: NDArray[np.float32] | None = None

    def fit(self, vae: VAE, corpus: TokenSource, resume: bool = False, setting: str = "") -> dict[str, float]:
        """Train until the budget is spent or patience ends, then put back the best weights; returns the last evaluation.

        Args:
            vae: weights to train, in place.
            corpus: where the ids come from.
            resume: go on from the state in the folder.
            setting: must be the same text when resuming, or CheckpointError is raised.

        Raises:
            Interrupted: SIGINT or SIGTERM came; the state was saved first.
            CheckpointError: the state cannot be read or written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        run = self._begin(vae, corpus, resume, setting)
        with stop_requested() as stop, MetricsLog(self.folder, self.fabric.is_global_zero, resume) as log:
            if run.best and not run.progress.step:
                self._evaluate(run, log)
            while run.share() < 1 and not run.stopped and not run.stale():
                run.step(stop)
                self._report(run, log)
            self._save(run)
            if run.stopped:
                raise Interrupted(f"stopped at step {run.progress.step:,}; everything is saved in {self.folder}")
            if run.best:
                vae.load_state_dict(run.best.state_dict())
            return self._evaluate(run, log)

    def _begin(self, vae: VAE, corpus: TokenSource, resume: bool, setting: str) -> _Run:
        part = self.recipe.train
        trained = vae if self.targets is None else _guided(vae, self.targets.shape[1], self.recipe)
        optimizer = torch.optim.AdamW(
            trained.parameters(), lr=part.learning_rate, betas=(0.9, part.beta2), weight_decay=part.weight_decay, fused=True
        )
        best = copy.deepcopy(vae).to(self.fabric.device) if part.patience else None
        module, wrapped = self.fabric.setup(trained, optimizer)  # moves the weights; the state follows them
        progress = Progress(setting=setting)
        if resume:
            progress = load_state(self.folder / "state.safetensors", trained, optimizer, setting, best)
        return _Run(self.recipe, self.fabric, vae, trained, module, wrapped, corpus, progress, self.split, best, self.targets)

    def _report(self, run: _Run, log: MetricsLog) -> None:
        """Once a second the figures of the steps since; evaluation and checkpoint when they are due."""
        if self.fabric.is_global_zero and time.monotonic() - run.reported >= 1 and run.recent:
            figures = run.figures()
            log.write("train", figures)
            if self.listener:
                self.listener(figures)
        if run.evaluation_due():
            self._evaluate(run, log)
        if run.due("save", self.recipe.train.save_every):
            self._save(run)

    def _evaluate(self, run: _Run, log: MetricsLog) -> dict[str, float]:
        """Figures on the molecules held out and those of the judge; the clock stands still meanwhile."""
        figures: dict[str, float] = {}
        if self.fabric.is_global_zero:
            figures = {"step": run.progress.step, "elapsed": run.progress.elapsed} | held_out_figures(
                run.vae, run.corpus, run.split.validation
            )
            figures |= self.judge(run.vae) if self.judge else {}
            log.write("evaluate", figures)
            if self.listener:
                self.listener(figures)
            run.vae.train()  # the judge may have left it in evaluation mode
        run.weigh(self.fabric.broadcast(figures.get("held_out_elbo", math.inf)))
        run.restart_clock()
        return figures

    def _save(self, run: _Run) -> None:
        if self.fabric.is_global_zero:
            progress = replace(run.progress, log_beta=run.control.log_beta)
            save_state(self.folder / "state.safetensors", run.trained, run.optimizer, progress, run.best)
            if self.on_save:
                self.on_save(run.best or run.vae)
        self.fabric.barrier()
        run.restart_clock()


class _Run:
    """One stretch of training: the moving parts between two checkpoints."""

    def __init__(self, recipe: Recipe, fabric: Fabric, vae: VAE, trained: torch.nn.Module, module: torch.nn.Module,
                 optimizer: torch.optim.Optimizer, corpus: TokenSource, progress: Progress, split: Split | None, best: VAE | None,
                 targets: NDArray[np.float32] | None) -> None:  # fmt: skip
        self.recipe, self.fabric, self.vae, self.trained, self.module, self.optimizer = recipe, fabric, vae, trained, module, optimizer
        self.corpus, self.progress, self.best, self.targets = corpus, progress, best, targets
        part = recipe.train
        self.split = split or split_at_random(len(corpus.lengths), recipe.data.validation, part.seed)
        self.batches = EqualLengthBatches(corpus.lengths[self.split.train], part.batch_size, part.seed)
        self.control = RateControl(recipe.rate, progress.log_beta)
        self.noise = torch.Generator(device=fabric.device)
        self.recent: list[list[float]] = []
        self.stopped = False
        self._last = {"evaluate": progress.elapsed, "save": progress.elapsed}
        self.restart_clock()

    def restart_clock(self) -> None:
        """Forget the time since the last step; only steps count towards the budget."""
        self._clock = self.reported = time.monotonic()

    def share(self) -> float:
        """Part of the budget that is spent, 0 to 1."""
        part = self.recipe.train
        steps = self.progress.step / part.max_steps if part.max_steps else 0.0
        return min(max(steps, self.progress.elapsed / part.max_time), 1.0)

    def evaluation_due(self) -> bool:
        """Whether to evaluate after this step."""
        every = self.recipe.train.evaluate_steps
        if every:
            return self.progress.step % every == 0 or self.share() >= 1
        return self.due("evaluate", self.recipe.train.evaluate_every)

    def weigh(self, elbo: float) -> None:
        """Keep the weights where they have the least held-out ELBO so far."""
        if self.best is None:
            return
        self.progress.stale += 1
        if elbo < self.progress.best:
            self.progress.best, self.progress.stale = elbo, 0
            self.best.load_state_dict(self.vae.state_dict())

    def stale(self) -> bool:
        """Whether patience has ended."""
        return self.best is not None and self.progress.stale >= (self.recipe.train.patience or math.inf)

    def due(self, what: str, every: float) -> bool:
        """Whether `every` seconds of training have passed since the last time."""
        if self.progress.elapsed - self._last[what] < every:
            return False
        self._last[what] = self.progress.elapsed
        return True

    def step(self, stop: Callable[[], bool]) -> None:
        """One optimizer step on one batch, over all processes."""
        share, progress, part = self.share(), self.progress, self.recipe.train
        molecules = self.split.train[self.batches.at(progress.step)]
        elbo, misfit, weight = self._forward(molecules)
        rate, distortion = elbo.rate.sum(dim=1).mean(), elbo.distortion.mean()
        self.optimizer.zero_grad()
        guidance = self.recipe.properties
        misfits = guidance.weight / 2 * misfit[0] + guidance.sampled_weight / 2 * misfit[1]
        alone = elbo.without_code.mean() if len(elbo.without_code) else distortion.new_zeros(())
        self.fabric.backward(weight * (distortion + self.control.beta * rate + self.recipe.without_code.weight * alone + misfits))
        try:
            norm = self.fabric.clip_gradients(self.module, self.optimizer, max_norm=part.clip, error_if_nonfinite=True)
        except RuntimeError as error:
            raise RecipeError(f"training diverged at step {progress.step:,}: its gradient is not finite; lower learning_rate") from error
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(share, part)
        self.optimizer.step()
        terms = [float(term.detach()) for term in (distortion, rate, alone)]
        figures = self._shared([*terms, float(norm or 0.0), *misfit.detach().tolist()], stop)
        self.control.update(figures[1], share, weight)
        progress.step += 1
        progress.molecules += len(molecules)
        if self.fabric.is_global_zero:
            self.recent.append([*figures, weight])

    def _forward(self, molecules: NDArray[np.int64]) -> tuple[Elbo, Tensor, float]:
        """ELBO of this process's share of the batch, mean errors of its molecules with properties, and the batch's share of a full one."""
        world, rank = self.fabric.world_size, self.fabric.global_rank
        each = -(-len(molecules) // world)
        mine = np.resize(molecules, each * world)[rank::world]  # a short batch repeats a molecule rather than leave a process idle
        ids = torch.from_numpy(self.corpus.batch(mine)).to(self.fabric.device)
        self.noise.manual_seed(hash((self.recipe.train.seed, self.progress.step, rank)) % 2**63)
        share, how = len(molecules) / self.recipe.train.batch_size, (self.recipe.train.corruption, self.recipe.without_code.share)
        if self.targets is None:
            return self.module(ids, self.noise, *how), torch.zeros(2, device=ids.device), share
        targets = torch.from_numpy(self.targets[mine]).to(ids.device)
        elbo, misfit = self.module(ids, self.noise, how[0], targets, how[1])
        return elbo, misfit.sum(dim=0) / (~targets.isnan()).any(dim=1).sum().clamp(min=1), share

    def _shared(self, mine: list[float], stop: Callable[[], bool]) -> list[float]:
        """Mean of each figure over the processes; takes the time and sees whether to stop."""
        now = time.monotonic()
        row = torch.tensor([*mine, now - self._clock, float(stop())], dtype=torch.float64, device=self.fabric.device)
        self._clock = now
        *figures, spent, stopped = cast(Tensor, self.fabric.all_reduce(row, reduce_op="mean")).tolist()
        self.progress.elapsed += spent
        self.stopped = stopped > 0
        return figures

    def figures(self) -> dict[str, float]:
        """Means over the steps since the last report."""
        weights = [weight for *_, weight in self.recent]
        distortion, rate, alone, norm, *misfit = np.average([row[:-1] for row in self.recent], axis=0, weights=weights).tolist()
        now = time.monotonic()
        speed = sum(weights) * self.recipe.train.batch_size / (now - self.reported)
        self.recent, self.reported = [], now
        progress = self.progress
        return {"step": progress.step, "epoch": progress.step / len(self.batches), "elapsed": progress.elapsed, "share": self.share(),
                "distortion": distortion, "rate": rate, "elbo": distortion + rate, "beta": self.control.beta,
                "target_rate": self.control.target(self.share()), "gradient_norm": norm, "molecules_per_second": speed,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
                **({} if self.targets is None else {"property_error": misfit[0], "property_error_sampled": misfit[1]}),
                **({"without_code": alone} if self.vae.sizes.second_face else {})}  # fmt: skip


def _guided(vae: VAE, properties: int, recipe: Recipe) -> Guided:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        return Guided(vae, properties, recipe.properties.dimensions)


@torch.inference_mode()
def held_out_figures(vae: VAE, corpus: TokenSource, molecules: NDArray[np.int64], batch_size: int = 512) -> dict[str, float]:
    """Rate, distortion, ELBO, -log p(x) without code (nats a molecule) and active units of a model on some molecules.

    A unit is active where its posterior mean varies by more than .01 over the molecules (Burda et al. 2016, arXiv:1509.00519).
    """
    if not len(molecules):
        return {}
    device = next(vae.parameters()).device
    noise = torch.Generator(device=device).manual_seed(0)
    batches = EqualLengthBatches(corpus.lengths[molecules], batch_size).epoch(0)
    terms = [vae(torch.from_numpy(corpus.batch(molecules[batch])).to(device), noise, without_code=1.0) for batch in batches]
    distortion = float(torch.cat([t.distortion for t in terms]).mean())
    rate = float(torch.cat([t.rate for t in terms]).sum(dim=1).mean())
    active = int((torch.cat([t.mean for t in terms]).var(dim=0, correction=0) > 0.01).sum())
    figures = {"held_out_distortion": distortion, "held_out_rate": rate, "held_out_elbo": distortion + rate, "active_units": active}
    alone = torch.cat([t.without_code for t in terms])
    return figures | ({"held_out_without_code": float(alone.mean())} if len(alone) else {})
