"""The learned prior: a density that is a density, its inverse, and a fit that finds what the Gaussian misses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from molvae.errors import DataError
from molvae.nn.prior import Flow, FlowSizes
from molvae.training.prior import Codes, fit_prior

SIZES = FlowSizes(latent_size=5, layers=4, hidden=16)


@pytest.fixture
def flow() -> Flow:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        flow = Flow(SIZES)
        for parameter in flow.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
    flow.standardize(torch.randn(50, 5, generator=torch.Generator().manual_seed(2)) * torch.arange(1.0, 6.0) + 3)
    return flow


def codes_of_two_clouds(n: int) -> Tensor:
    """Half of the codes around +2, half around -2: mean 0, far from Gaussian."""
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(2, (n, 1), generator=generator) * 2.0 - 1
    return 2 * signs + 0.3 * torch.randn(n, 2, generator=generator)


def test_a_new_flow_is_the_standard_gaussian() -> None:
    z = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    torch.testing.assert_close(Flow(SIZES).log_prob(z), expected)
    assert sorted(Flow(SIZES).push(z)[0].tolist()) == pytest.approx(sorted(z[0].tolist())), "only the order of the dimensions changes"


def test_log_prob_is_the_change_of_variables(flow: Flow) -> None:
    noise = torch.randn(6, 5, generator=torch.Generator().manual_seed(3))
    z = flow.push(noise)
    base = torch.distributions.Normal(0.0, 1.0).log_prob(noise).sum(dim=1)
    volumes = torch.stack([torch.autograd.functional.jacobian(lambda e: flow.push(e[None])[0], row).slogdet().logabsdet for row in noise])
    torch.testing.assert_close(flow.log_prob(z), base - volumes, rtol=1e-4, atol=1e-4)


def test_every_parameter_gets_a_gradient(flow: Flow) -> None:
    flow.log_prob(torch.randn(8, 5, generator=torch.Generator().manual_seed(4))).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in flow.parameters())


def test_a_fit_finds_what_a_gaussian_cannot_say() -> None:
    mean = codes_of_two_clouds(2_000)
    fitted = fit_prior(Codes(mean, torch.full_like(mean, -6.0)), FlowSizes(2, 6, 32), steps=300, batch_size=256)
    assert fitted.gain > 1
    assert fitted.gain >= fitted.moments_gain
    drawn = fitted.flow.push(torch.randn(2_000, 2, generator=torch.Generator().manual_seed(1)))
    assert float((drawn.abs() > 1).all(dim=1).float().mean()) > 0.8, "draws lie in the two clouds"


def test_codes_that_are_gaussian_already_gain_nothing() -> None:
    mean = torch.zeros(1_000, 3)
    fitted = fit_prior(Codes(mean, mean), FlowSizes(3, 2, 8), steps=20)
    assert fitted.gain == pytest.approx(0, abs=0.05)


def test_the_same_seed_fits_the_same_flow_and_points_have_no_noise() -> None:
    mean = codes_of_two_clouds(300)
    codes = Codes(mean, torch.full_like(mean, -torch.inf))
    assert torch.equal(codes.sample(torch.arange(300), torch.Generator()), mean)
    first, second = (fit_prior(codes, FlowSizes(2, 2, 8), steps=10) for _ in range(2))
    assert first.gain == second.gain


def test_too_few_molecules_are_refused() -> None:
    with pytest.raises(DataError, match="99 molecules were given; a learned prior needs at least 100"):
        fit_prior(Codes(torch.zeros(99, 2), torch.zeros(99, 2)))


def test_a_flow_over_one_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        Flow(FlowSizes(1))
