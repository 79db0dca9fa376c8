"""Recipes: what is not known or out of range is an error that names the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.errors import RecipeError
from molvae.training.recipe import Recipe, seconds

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_the_shipped_recipes_load(path: Path) -> None:
    assert isinstance(Recipe.load(path), Recipe)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[train]\nlearning_rat = 1.0", "train.learning_rat"),
        ("[trian]\nseed = 1", "trian"),
        ("seed = 1", "seed"),
        ("[model]\nhidden = 12", "model.hidden"),
        ("[data]\nformat = 'csv'", "data.format"),
        ("[rate]\nbeta = 1", "rate.beta"),
    ],
)
def test_an_unknown_key_is_named(text: str, key: str) -> None:
    with pytest.raises(RecipeError, match=rf"my\.toml: .*unknown key {key}$"):
        Recipe.parse(text, "my.toml")


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("train", "batch_size", "0"),
        ("train", "batch_size", "2.5"),
        ("train", "learning_rate", "-1.0"),
        ("train", "learning_rate", "nan"),
        ("train", "warmup", "1.5"),
        ("train", "final_learning_rate", "-0.1"),
        ("train", "beta2", "1.0"),
        ("train", "weight_decay", "-0.1"),
        ("train", "clip", "0"),
        ("train", "max_time", "'soon'"),
        ("train", "max_time", "0"),
        ("train", "max_time", "-5"),
        ("train", "max_steps", "0"),
        ("train", "precision", "'16'"),
        ("train", "seed", "'one'"),
        ("train", "seed", "-1"),
        ("model", "latent_size", "0"),
        ("model", "decoder_layers", "-1"),
        ("model", "embedding", "'wide'"),
        ("data", "vocabulary", "40000"),
        ("data", "validation", "0"),
        ("data", "neutralize", "'maybe'"),
        ("rate", "target", "[[2.0, 20.0]]"),
        ("rate", "target", "[[0.5, -1.0]]"),
        ("rate", "target", "[]"),
        ("rate", "target", "20.0"),
        ("rate", "gain", "0"),
        ("rate", "beta_min", "0"),
    ],
)
def test_a_value_out_of_range_is_named(part: str, key: str, value: str) -> None:
    with pytest.raises(RecipeError, match=rf"{part}\.{key}"):
        Recipe.parse(f"[{part}]\n{key} = {value}")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.parse("[train]\nlr = 1\nbatch_size = 0\n[model]\nlatent_size = 0")
    assert all(key in str(caught.value) for key in ("train.lr", "train.batch_size", "model.latent_size"))


@pytest.mark.parametrize("text", ["[train", "seed", "[train]\nseed = 1\nseed = 2"])
def test_text_that_is_no_toml_is_a_recipe_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=r"bad\.toml is not TOML"):
        Recipe.load(path)


def test_a_file_that_cannot_be_read_is_a_recipe_error(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "binary.toml"):
        with pytest.raises(RecipeError, match="cannot be read"):
            Recipe.load(path)


@given(number=st.floats(0.001, 1e4).map(lambda x: round(x, 3)))
def test_durations(number: float) -> None:
    text = f"{number:.3f}"
    wanted = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
    assert {unit: seconds(f" {text} {unit}") for unit in wanted} == {
        unit: pytest.approx(number * factor) for unit, factor in wanted.items()
    }
    assert seconds(number) == number


@pytest.mark.parametrize("text", ["", "m", "-1", "1 hour", "1h30m", "1e3", "inf", "1..5"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


def test_updated_changes_what_is_given_and_checks_it() -> None:
    recipe = Recipe.parse("[train]\nseed = 5\nmax_time = '2h'")
    changed = recipe.updated(train={"seed": None, "batch_size": 7}, data={"source": "x.smi"})
    assert (changed.train.seed, changed.train.batch_size, changed.data.source) == (5, 7, "x.smi")
    assert changed.train.max_time == 7200
    assert recipe.train.batch_size != 7
    assert recipe.updated() == recipe
    with pytest.raises(RecipeError, match=r"train\.batch_size"):
        recipe.updated(train={"batch_size": 0})


def test_a_recipe_survives_json() -> None:
    recipe = Recipe.parse("[rate]\ntarget = [[0.0, 5.0], [1.0, 20.0]]")
    assert Recipe.of(recipe.model_dump(mode="json")) == recipe


def test_patience_is_counted_in_steps() -> None:
    with pytest.raises(RecipeError, match="patience needs evaluate_steps"):
        Recipe.parse("[train]\npatience = 3")
    assert Recipe.parse("[train]\npatience = 3\nevaluate_steps = 10").train.patience == 3


def test_more_dimensions_for_properties_than_there_are_is_an_error() -> None:
    with pytest.raises(RecipeError, match=r"properties.dimensions 5 is more than model.latent_size 4"):
        Recipe.parse("[model]\nlatent_size = 4\n[properties]\ndimensions = 5", "my.toml")
