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
# # From a compound to its neighbourhood, and from one drug to another
# Start from one molecule: is it at home in this model, what lies around it, and what lies on the way to a second one?

# %%
import tempfile
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Image

from molvae import MolVAE
from molvae.chem.drawing import grid
from molvae.chem.properties import compute
from molvae.chem.strips import strip
from molvae.data.writers import write_table

plt.style.use("look.mplstyle")
folder = Path(tempfile.mkdtemp())
model = MolVAE.from_pretrained("moses")


def show(smiles: list[str], legends: list[str] | None = None, columns: int = 4) -> Image:
    """A grid of molecules."""
    grid(smiles, folder / "grid.png", legends, columns)
    return Image(folder / "grid.png")


moclobemide = "O=C(NCCN1CCOCC1)c1ccc(Cl)cc1"
zolpidem = "Cc1ccc(-c2nc3ccc(C)cn3c2CC(=O)N(C)C)cc1"
show([moclobemide, zolpidem], ["moclobemide", "zolpidem"])

# %% [markdown]
# ## Is it at home here?
# A model can only move well among molecules like those it was trained on. `novelty` says how unlike them a molecule is: a score, and its
# percentile among molecules of the training set. `exact` says whether the molecule comes back from its own code.

# %%
drugs = pd.Series(
    {
        "moclobemide": moclobemide,
        "zolpidem": zolpidem,
        "sildenafil": "CCCc1nn(C)c2c1nc(-c1cc(S(=O)(=O)N3CCN(C)CC3)ccc1OCC)[nH]c2=O",
        "sodium acetate": "CC(=O)[O-].[Na+]",
    }
)
judged = model.novelty(drugs)
judged.set_index(drugs.index)[["percentile", "score", "heavy_atoms", "exact", "reason"]].round(2)

# %% [markdown]
# A molecule that cannot be used keeps its row, with the reason. The first two are what we go on with.
#
# ## The neighbourhood
# `neighbors` draws codes around that of the molecule, first near and then farther away, and writes the likeliest molecule for each, until
# enough different ones are found.

# %%
around = model.neighbors(moclobemide, 200, seed=1)
print(f"{len(around)} different molecules from {around.attrs['drawn']:,} codes")
show([moclobemide, *around["smiles"][:11]], ["moclobemide", *(f"{value:.2f}" for value in around["similarity"][:11])])

# %% [markdown]
# Below each: the Tanimoto similarity to moclobemide. Near in the latent space is, on the whole, near in structure; it is no law, and the
# figure shows how far it holds here.

# %%
bins = pd.qcut(around["distance"], 4)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.scatter(around["distance"], around["similarity"], s=14, alpha=0.7, linewidths=0)
left.plot(
    around.groupby(bins, observed=True)["distance"].median(), around.groupby(bins, observed=True)["similarity"].median(), "o-", color="C4"
)
left.set(xlabel="distance of the codes", ylabel="Tanimoto similarity", title="200 neighbours, and medians of quarters")
right.hist(around["logP"], bins=20, alpha=0.85)
right.axvline(compute([moclobemide], ["logP"])["logP"][0], color="C4")
right.set(xlabel="logP", ylabel="neighbours", title="Their logP; the line is moclobemide")
plt.show()

# %% [markdown]
# Every property is a column, so that a shortlist is one line of pandas, and a file for the next tool another one.

# %%
wanted = around[(around["similarity"] > 0.3) & around["logP"].between(1, 2.5) & (around["QED"] > 0.8)]
write_table(wanted, folder / "shortlist.sdf")
print(f"{len(wanted)} of them in shortlist.sdf, {(folder / 'shortlist.sdf').stat().st_size:,} bytes")
wanted[["smiles", "similarity", "logP", "QED", "SA"]].head().round(2)

# %% [markdown]
# ## From one drug to another
# First the textbook way: a straight line between the two codes, decoded at nine points.

# %%
start, end = model.encode([moclobemide, zolpidem])
share = np.linspace(0, 1, 9)[:, None]
line = model.decode((1 - share) * start + share * end)["smiles"].tolist()
print(f"{len(set(line))} different molecules at 9 points")
strip(line, folder / "line.png")
Image(folder / "line.png")

# %% [markdown]
# What each step changed is coloured. A line jumps, and an end that does not come back exactly from its own code is missed. `interpolate` decodes many codes along the way, more where the structure jumps, and takes the chain of
# different molecules whose largest jump is smallest. Both ends are exactly the two drugs.

# %%
walk = model.interpolate(moclobemide, zolpidem, steps=9, seed=1)
strip(walk["smiles"], folder / "walk.png", [f"logP {value:.1f}" for value in walk["logP"]])
Image(folder / "walk.png")

# %%
from molvae.chem.molecules import parse
from molvae.chem.similarity import bit_matrix, tanimoto

bits = bit_matrix(map(parse, line))
steps = [1 - tanimoto(a[None], b[None])[0, 0] for a, b in pairwise(bits)]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.plot(range(1, 9), steps, "o-", color="C1", label="straight line")
left.plot(range(1, 9), 1 - walk["similarity_to_previous"][1:], "o-", color="C0", label="walk")
left.set(xlabel="step", ylabel="Tanimoto distance to the step before", ylim=(0, 1), title="How far each step jumps")
left.legend()
right.plot(walk["step"], walk["similarity_to_a"], "o-", label="to moclobemide")
right.plot(walk["step"], walk["similarity_to_b"], "o-", label="to zolpidem")
right.set(xlabel="step", ylabel="Tanimoto similarity", ylim=(0, 1.03), title="From one to the other")
right.legend()
plt.show()

# %% [markdown]
# [benchmarks/latent_moves](../benchmarks/results/latent_moves.md) measures both ways on many pairs.
