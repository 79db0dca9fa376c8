# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Optimize toward a target profile
# Say what a molecule should be, let a campaign spend a budget of oracle calls on it, and look at what it found. Here the oracle is RDKit,
# which costs nothing; in its place could stand a docking program, a model of your own or an assay.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Image

from molvae.chem.drawing import grid
from molvae.optimize.curves import Curves
from molvae.optimize.recipe import CampaignRecipe
from molvae.optimize.run import optimize

plt.style.use("look.mplstyle")
folder = Path(tempfile.mkdtemp())

# %% [markdown]
# ## The profile
# Two windows, a substructure that must be there and one that must not, a reference to resemble a little, and easy synthesis. Each soft wish
# becomes a desirability from 0 to 1, and the score is their weighted geometric mean. Hard wishes that cost no call are checked before one is spent.

# %%
profile = """
[campaign]
budget = 300
batch = 20
seed = 1
max_similarity = 0.6                # diverse.csv: the best, no two of them this similar

[campaign.options]
first = 60

[[term]]
property = "logP"
low = 1.5
high = 2.5
tolerance = 0.5

[[term]]
property = "TPSA"
low = 70
high = 90
tolerance = 10

[[term]]
similar_to = "NS(=O)(=O)c1ccc(Nc2nccc(-c3ccccc3)n2)cc1"
name = "like the reference"
good = 0.6
weight = 2

[[term]]
property = "SA"
goal = "minimize"
good = 2
bad = 4

[[term]]
contains = "S(=O)(=O)N"

[[term]]
lacks = "[N+](=O)[O-]"
"""
(folder / "campaign.toml").write_text(profile)
recipe = CampaignRecipe.load(folder / "campaign.toml")
recipe.objective().names

# %% [markdown]
# ## The campaign
# The same as `molvae optimize campaign.toml`. Every answer is on disk before it is used, so a campaign that is stopped goes on with `--resume`.

# %%
found = optimize(recipe, folder / "evolve")
best = found.outcome.best(100)
best.head(5)[["smiles", "score", "call", "logP", "TPSA", "SA"]].round(2)

# %% [markdown]
# The same budget, spent on molecules drawn from the model by chance, is what any method has to beat.

# %%
chance = optimize(recipe.updated(method="random", options={}), folder / "random")
figure, axes = plt.subplots(figsize=(7, 3.4))
for name, each, colour in (("evolve", found, "C0"), ("random", chance, "C1")):
    curves = Curves.of(each.outcome.scores)
    calls = range(1, len(curves.top) + 1)
    axes.plot(calls, curves.top, color=colour, label=f"{name}: mean of the best 10")
    axes.plot(calls, curves.best, color=colour, linewidth=1, linestyle="--", label=f"{name}: best")
axes.set(xlabel="oracle calls", ylabel="score", xlim=(0, 300), ylim=(0, 1))
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
pd.DataFrame(
    {
        name: {"best": each.outcome.best(1)["score"][0], "AUC of the top 10": each.outcome.auc()}
        for name, each in (("evolve", found), ("random", chance))
    }
).round(3)

# %% [markdown]
# One run with one seed shows the way, not the worth, of a method; `molvae benchmark pmo` measures that on the 23 tasks of PMO.
#
# ## What was found
# The best are often alike. `diverse` takes the best of which no two are too similar.

# %%
chosen = found.diverse().head(8)
grid(
    chosen["smiles"],
    folder / "best.png",
    [f"{score:.2f}, call {call}" for score, call in zip(chosen["score"], chosen["call"], strict=True)],
    columns=4,
)
Image(folder / "best.png")

# %% [markdown]
# Where does a score come from? Each wish has its value and its desirability (`..._part`).

# %%
parts = [name for name in best.columns if name.endswith("_part")]
chosen[["score", *parts]].round(2)

# %% [markdown]
# Everything a reader of the results needs is in the folder; `report.html` opens without a network.

# %%
sorted(path.name for path in (folder / "evolve").iterdir())

# %% [markdown]
# ## Wishes that pull against each other
# `combine = "pareto"` keeps wishes apart: what comes out are the molecules that no other one beats in every wish.

# %%
apart = CampaignRecipe.of(
    {
        "campaign": {"budget": 120, "seed": 1, "options": {"first": 60}},
        "objective": {"combine": "pareto"},
        "term": [
            {"property": "TPSA", "goal": "maximize", "bad": 40, "good": 200},
            {"property": "logP", "goal": "maximize", "bad": 0, "good": 8},
        ],
    }
)
pareto = optimize(apart, folder / "pareto")
front, every = pareto.front(), pareto.outcome.best(120)
figure, axes = plt.subplots(figsize=(5, 3.6))
axes.scatter(every["TPSA"], every["logP"], s=12, color="#bbbbb5", linewidths=0, label="asked")
ordered = front.sort_values("TPSA")
axes.plot(ordered["TPSA"], ordered["logP"], "o-", color="C4", markersize=4, label="not beaten")
axes.set(xlabel="TPSA (Å²)", ylabel="logP")
axes.legend()
plt.show()
