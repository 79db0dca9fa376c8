"""The whole recipe of a model as one validated object, read from TOML; an unknown key is an error."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import BeforeValidator, ConfigDict, Field, PositiveFloat, PositiveInt

from molvae.errors import RecipeError

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: str | float) -> float:
    """Seconds of a duration such as 90, "90s", "45m", "1.5h" or "2d".

    >>> seconds("1.5h")
    5400.0
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(duration))
    if match is None:
        raise ValueError(f"{duration!r} is not a duration; expected a number with s, m, h or d behind it, such as 90m")
    return float(match[1]) * _SECONDS[match[2]]


class _Part(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataPart(_Part):
    """What to train on.

    Attributes:
        source: a file, or "moses" for the MOSES training set.
        column: name of the SMILES column; found by itself when left out.
        vocabulary: number of token ids to learn; 0 for plain symbols.
        notation: what the tokens spell, "relative" symbols, which need no counting, or "selfies"; that of the model to start from, if any.
        validation: molecules held out, at random.
        largest_fragment: keep the largest fragment of salts instead of refusing them.
        neutralize: remove charges where possible.
    """

    source: str = "moses"
    column: str | None = None
    vocabulary: Annotated[int, Field(ge=0, le=32_000)] = 512
    notation: Literal["relative", "selfies"] = "selfies"
    validation: PositiveInt = 5_000
    largest_fragment: bool = False
    neutralize: bool = False


class ModelPart(_Part):
    """Kind of code and sizes of the network; see `molvae.nn.vae.Sizes`."""

    latent: Literal["gaussian", "deterministic"] = "gaussian"
    latent_size: PositiveInt = 32
    embedding: PositiveInt = 128
    encoder_hidden: PositiveInt = 256
    encoder_layers: PositiveInt = 1
    decoder_hidden: PositiveInt = 512
    decoder_layers: PositiveInt = 1


class RatePart(_Part):
    """Rate control: the KL weight is steered so that the rate follows a target.

    Attributes:
        target: pairs (progress from 0 to 1, rate in nats a molecule), joined by straight lines.
        gain: largest change of log(beta) a step.
        beta_min: least KL weight.
        beta_max: largest KL weight.
        beta_start: KL weight at the first step.
    """

    target: Annotated[tuple[tuple[Annotated[float, Field(ge=0, le=1)], PositiveFloat], ...], Field(min_length=1)] = ((0.0, 20.0),)
    gain: PositiveFloat = 0.02
    beta_min: PositiveFloat = 0.02
    beta_max: PositiveFloat = 2.0
    beta_start: PositiveFloat = 0.1

    @pydantic.model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.beta_min <= self.beta_start <= self.beta_max:
            raise ValueError(f"beta_start {self.beta_start} lies outside beta_min {self.beta_min} to beta_max {self.beta_max}")
        return self


class WithoutCodePart(_Part):
    """The decoder's second face, which writes without a code: weight * -log p(x) is part of the loss.

    Attributes:
        share: of the molecules of each batch that are also written without a code; 0 leaves out the second face.
        weight: of their mean -log p(x) in nats a molecule, beside the distortion.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    weight: Annotated[float, Field(ge=0)] = 0.5


class PropertiesPart(_Part):
    """Properties that the codes are laid out by: small networks read them off the codes, and their errors are part of the loss.

    The loss is distortion + beta * rate + weight / 2 * (squared error from the posterior mean) + sampled_weight / 2 * (squared error from
    a drawn code), each error summed over the properties in units of their standard deviations: the nats of Gaussians whose variances are
    1 / weight. What only the mean must tell costs hardly any rate; what a drawn code must tell is paid for in reconstruction.

    Attributes:
        columns: names of properties that RDKit computes (see `molvae.chem.properties`); none leaves the codes to themselves.
        dimensions: how many of the code's dimensions, its last ones, must tell the properties; all of them when None. Dimensions of their
            own leave the others to the structure, so that reconstruction hardly suffers.
        molecules: at most so many have them computed (a few hundred a second and core); the others have no error.
        turns: of a molecule that has them, for each turn of one that does not, so that batches hold enough of them.
        weight: of the error from the posterior mean.
        sampled_weight: of the error from a code drawn from the posterior.
    """

    columns: tuple[str, ...] = ()
    dimensions: PositiveInt | None = None
    molecules: PositiveInt = 300_000
    turns: PositiveInt = 1
    weight: Annotated[float, Field(ge=0)] = 10.0
    sampled_weight: Annotated[float, Field(ge=0)] = 1.0


class TrainPart(_Part):
    """How the weights are changed.

    Attributes:
        batch_size: molecules a step, over all processes.
        learning_rate: peak of the schedule.
        warmup: share of the budget over which the learning rate rises.
        final_learning_rate: share of the peak at which the cosine ends.
        weight_decay: of AdamW.
        beta2: of AdamW.
        clip: largest norm of the gradient.
        corruption: share of the tokens the encoder reads that are replaced by random ones, for a denoising model.
        max_time: budget, such as "90m"; the schedule ends with it.
        max_steps: budget in steps; whichever comes first.
        evaluate_every: time between evaluations on the molecules held out.
        evaluate_steps: steps between these evaluations, in place of the time.
        patience: evaluations without a better held-out ELBO after which training ends; the weights of the best one are kept. Needs
            `evaluate_steps`, so that the end does not depend on the clock.
        save_every: time between checkpoints.
        precision: "auto" takes bf16 where the machine has it.
        seed: of the weights, the order, the noise and the held-out set.
    """

    batch_size: PositiveInt = 256
    learning_rate: PositiveFloat = 2e-3
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.02
    final_learning_rate: Annotated[float, Field(ge=0, le=1)] = 0.01
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.99
    clip: PositiveFloat = 10.0
    corruption: Annotated[float, Field(ge=0, lt=1)] = 0.0
    max_time: Annotated[PositiveFloat, BeforeValidator(seconds)] = 7200.0
    max_steps: PositiveInt | None = None
    evaluate_every: Annotated[PositiveFloat, BeforeValidator(seconds)] = 600.0
    evaluate_steps: PositiveInt | None = None
    patience: PositiveInt | None = None
    save_every: Annotated[PositiveFloat, BeforeValidator(seconds)] = 300.0
    precision: Literal["auto", "bf16-mixed", "32-true"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 1

    @pydantic.model_validator(mode="after")
    def _patience_counts_steps(self) -> Self:
        if self.patience and not self.evaluate_steps:
            raise ValueError("patience needs evaluate_steps")
        return self


class Recipe(_Part):
    r"""All that makes a model, given its data.

    >>> Recipe.parse('[train]\nmax_time = "90m"').train.max_time
    5400.0
    """

    data: DataPart = DataPart()
    model: ModelPart = ModelPart()
    rate: RatePart = RatePart()
    without_code: WithoutCodePart = WithoutCodePart()
    properties: PropertiesPart = PropertiesPart()
    train: TrainPart = TrainPart()

    @pydantic.model_validator(mode="after")
    def _dimensions_there(self) -> Self:
        if (self.properties.dimensions or 0) > self.model.latent_size:
            raise ValueError(f"properties.dimensions {self.properties.dimensions} is more than model.latent_size {self.model.latent_size}")
        return self

    @classmethod
    def parse(cls, text: str, where: str = "recipe") -> Recipe:
        """From TOML text; raises RecipeError that names each key that is unknown or out of range."""
        try:
            return cls.of(tomllib.loads(text), where)
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"{where} is not TOML: {error}") from error

    @classmethod
    def of(cls, parts: dict[str, Any], where: str = "recipe") -> Recipe:
        """From nested dictionaries; raises RecipeError as `parse` does."""
        try:
            return cls.model_validate(parts)
        except pydantic.ValidationError as error:
            raise RecipeError(f"{where}: " + "; ".join(_problem(item) for item in error.errors())) from error

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """From a TOML file."""
        try:
            return cls.parse(Path(path).read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} cannot be read: {error}") from error

    def updated(self, **parts: dict[str, Any]) -> Recipe:
        """A copy with some keys of some parts changed, e.g. `updated(train={"seed": 2})`; None leaves a key as it is."""
        whole = self.model_dump()
        for part, changes in parts.items():
            whole[part].update({key: value for key, value in changes.items() if value is not None})
        return Recipe.of(whole)


def _problem(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"unknown key {key}"
    return f"{key} is {item['input']!r}: {item['msg'].removeprefix('Value error, ')}"
