"""What reconstruction costs: FCD against exact reconstruction of models trained at several rates, beside what others published.

    python benchmarks/frontier.py --rates 12,16,21,26 --seconds 300 --start moses

The rate (nats a molecule that the code may carry) is what trades the two. A run starts from the weights of a finished model, so that
minutes say something; `--start none` starts from random ones. Of each model: exact reconstruction of 1,000 molecules of the MOSES
test set, greedy from the mean; FCD/Test of 30,000 samples from N(0, I), raw, of those that survive the round trip and, where the
model has a critic (`--critic` fits one), of those that satisfy it too. `--also` judges finished models in the same way.

A rate is written to the work folder as soon as it is done; after a stop the same command goes on with the next.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import common
from frontier_picture import picture
from trained import RECIPE, add_training_arguments, exact_reconstruction, fcd_test, kept, save_picture, text_of, toml, trained

from molvae import MolVAE
from molvae.errors import DataError
from molvae.evaluate.published import MOSES, TRADEOFFS
from molvae.training.recipe import Recipe

_KINDS = {"filtered": "survivors of the round trip", "raw": "raw", "critic": "critic"}
_JUDGED = ("samples", "reconstructed", "temperature", "seed")


def recipe_of(rate: float, args: argparse.Namespace) -> Recipe:
    """recipes/moses.toml at one rate."""
    source = args.data if args.data == "moses" else str(Path(args.data).resolve())
    train = {"max_time": args.seconds, "learning_rate": args.learning_rate}
    return Recipe.load(RECIPE).updated(data={"source": source}, rate={"target": [[0.0, rate]]}, train=train)


def figures_of(model: MolVAE, args: argparse.Namespace) -> dict[str, Any]:
    """Where a model stands: exact reconstruction, rate, and FCD/Test of its samples of each kind."""
    draw = {"seed": args.seed, "temperature": args.temperature, "top_p": 1.0, "prior": "gaussian"}
    kinds: dict[str, dict[str, Any]] = {"filtered": {"critic": False, "distinct": False}, "raw": {"raw": True}}
    if model.checkpoint.critic is not None:
        kinds["critic"] = {"critic": True, "distinct": False}
    frames = {kind: model.sample(args.samples, **draw, **options) for kind, options in kinds.items()}
    return {
        "rate": model.checkpoint.figures.get("held_out_rate"),
        "exact_reconstruction": exact_reconstruction(model, args.reconstructed),
        "fcd": {kind: fcd_test(frame["smiles"].tolist(), args.samples) for kind, frame in frames.items()},
        "accepted": {kind: float(frame.attrs["accepted"]) for kind, frame in frames.items()},
    }


def at_rate(rate: float, args: argparse.Namespace) -> dict[str, Any]:
    """Figures of the model of one rate, from the work folder or trained and measured now."""
    folder, recipe = args.work / f"rate-{rate:g}", recipe_of(rate, args)
    start = None if args.start == "none" else args.start

    def measure() -> dict[str, Any]:
        model = trained(folder, recipe, args.devices, start)
        if args.critic:
            model.fit_critic(args.data)
        common.say(f"measuring rate {rate:g}")
        return {"target": rate} | figures_of(model, args)

    asked = {key: getattr(args, key) for key in (*_JUDGED, "start", "devices", "critic")}
    return kept(folder / "figures.json", asked | {"recipe": toml(recipe)}, measure)


def of_model(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Figures of a finished model."""
    asked = {key: getattr(args, key) for key in _JUDGED}

    def measure() -> dict[str, Any]:
        common.say(f"measuring {name}")
        return {"name": Path(name).name} | figures_of(MolVAE.from_pretrained(name), args)

    return kept(args.work / f"model-{Path(name).name}.json", asked | {"model": name}, measure)


def table(found: list[dict[str, Any]]) -> str:
    """Ours and the published figures as markdown."""
    present = [kind for kind in _KINDS if any(kind in each["fcd"] for each in found)]
    head = ["model", "rate (nats)", "exact", *(f"FCD/Test, {_KINDS[kind]}" for kind in present), "survive the round trip"]
    ours = common.markdown(head, [_cells(each, present) for each in found])
    published = [[point.name, f"{point.exact:g}", f"{point.fcd:g}"] for point in TRADEOFFS]
    published += [[peer.name, "", f"{peer.values['FCD/Test']:g}"] for peer in MOSES]
    theirs = common.markdown(["model", "exact", "FCD/Test"], published)
    return f"{ours}\n\nPublished by their authors (no share where none was published):\n\n{theirs}"


def _cells(each: dict[str, Any], kinds: list[str]) -> list[str]:
    name = each.get("name") or f"molvae, target {each['target']:g} nats"
    rate = "" if each["rate"] is None else text_of(each["rate"], 1)
    fcds = [text_of(each["fcd"][kind]) if kind in each["fcd"] else "" for kind in kinds]
    return [name, rate, text_of(each["exact_reconstruction"]), *fcds, text_of(each["accepted"]["filtered"])]


def rates(text: str) -> list[float]:
    """Numbers between commas.

    >>> rates("12,16.5")
    [12.0, 16.5]
    """
    try:
        return sorted(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}, expected rates in nats between commas, such as 12,16,21") from error


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_training_arguments(parser, "frontier", 300.0)
    parser.add_argument("--rates", type=rates, default=rates("12,16,21,26"), help="target rates, nats a molecule")
    parser.add_argument("--start", default="moses", help="model whose weights to start from, or none")
    parser.add_argument("--learning-rate", type=float, default=None, help="peak; that of recipes/moses.toml by default")
    parser.add_argument("--samples", type=int, default=30_000, help="for each FCD")
    parser.add_argument("--temperature", type=float, default=1.0, help="of the decoder")
    parser.add_argument("--critic", action="store_true", help="fit a critic to each model")
    parser.add_argument("--also", nargs="*", default=[], help="finished models (bundled name or folder) to judge beside")
    return parser.parse_args()


def main() -> None:
    """Train, measure, write table and picture."""
    args, before = parse_options(), common.machine()
    if len({Path(name).name for name in args.also}) < len(args.also):
        raise DataError("two models of --also have the same name; rename the folder of one")
    ours = [at_rate(rate, args) for rate in args.rates]
    others = [of_model(name, args) for name in args.also]
    save_picture(picture(ours, others), args.out.with_suffix(".png"))
    text = f"{table(ours + others)}\n\n![FCD against exact reconstruction]({args.out.stem}.png)"
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in vars(args).items() if key not in ("work", "out")}
    common.write_result(args.out, "FCD against exact reconstruction", ours + others, text, before, settings=settings)


if __name__ == "__main__":
    with common.plain_errors():
        main()
