"""A learned prior, fitted on the codes of a trained model (two-stage VAE: Dai & Wipf 2019, arXiv:1903.05789)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from molvae.errors import DataError
from molvae.nn.prior import Flow, FlowSizes

_LEAST = 100  # molecules a density can be fitted on
_HELD_OUT = 0.1
_EVALUATE_EVERY = 200  # steps


@dataclass(frozen=True)
class Codes:
    """Posteriors of molecules.

    Attributes:
        mean: (n, D).
        log_variance: (n, D); minus infinity for a plain autoencoder.
    """

    mean: Tensor
    log_variance: Tensor

    def sample(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """One code of each of some molecules: rows (B,) -> (B, D)."""
        mean = self.mean[rows]
        return mean + torch.randn(mean.shape, generator=generator) * torch.exp(0.5 * self.log_variance[rows])


@dataclass(frozen=True)
class FittedPrior:
    """A learned prior and what it is worth.

    Attributes:
        flow: the density.
        gain: nats by which it codes held-out codes better than N(0, I) does.
        moments_gain: the part of these nats that the mean and the scale of each dimension alone would bring.
    """

    flow: Flow
    gain: float
    moments_gain: float


def fit_prior(
    codes: Codes,
    sizes: FlowSizes | None = None,
    *,
    steps: int = 3_000,
    batch_size: int = 1024,
    learning_rate: float = 2e-3,
    seed: int = 1,
    listener: Callable[[int, float], None] | None = None,
) -> FittedPrior:
    """Fit a flow to codes by maximum likelihood, a new posterior sample of each molecule every time; the best on a tenth held out is kept.

    Args:
        codes: posteriors of training molecules.
        sizes: of the flow.
        steps: of the optimizer; the learning rate falls to nothing with them.
        batch_size: codes a step.
        learning_rate: at the start.
        seed: of the weights, the order and the noise.
        listener: told the steps done and the gain on held-out codes in nats.

    Raises:
        DataError: fewer than 100 molecules.
    """
    if len(codes.mean) < _LEAST:
        raise DataError(f"{len(codes.mean)} molecules were given; a learned prior needs at least {_LEAST}")
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(codes.mean), generator=generator)
    train, held_out = order[_held_out(len(order)) :], order[: _held_out(len(order))]
    fixed = codes.sample(held_out, generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        flow = Flow(sizes or FlowSizes(codes.mean.shape[1]))
    flow.standardize(codes.sample(train, generator))
    moments = best = _gain(flow, fixed)
    kept = _copy(flow)
    optimizer = torch.optim.AdamW(flow.parameters(), learning_rate)
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - (step - 1) / steps)
        rows = train[torch.randint(len(train), (batch_size,), generator=generator)]
        _step(flow, optimizer, codes.sample(rows, generator))
        if step % _EVALUATE_EVERY == 0 or step == steps:
            gain = _gain(flow, fixed)
            if gain > best:
                best, kept = gain, _copy(flow)
            if listener:
                listener(step, best)
    flow.load_state_dict(kept)
    return FittedPrior(flow.eval(), best, moments)


def _held_out(n: int) -> int:
    return math.ceil(_HELD_OUT * n)


def _copy(flow: Flow) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in flow.state_dict().items()}


def _step(flow: Flow, optimizer: torch.optim.Optimizer, z: Tensor) -> None:
    optimizer.zero_grad()
    loss = -flow.log_prob(z).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
    optimizer.step()


@torch.inference_mode()
def _gain(flow: Flow, z: Tensor) -> float:
    """Nats a code by which a flow beats N(0, I)."""
    gaussian = -0.5 * (z.square().sum(dim=1) + z.shape[1] * math.log(2 * math.pi))
    return float((flow.log_prob(z) - gaussian).mean())
