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
# # Your own data: fine-tune, predict, impute
# `data/biogen_adme.csv` holds 500 compounds with six measured ADME properties, many cells empty
# ([source and licence](../data/README.md)). It stands here for a file of yours.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Image

from molvae import MolVAE
from molvae.chem.drawing import grid

plt.style.use("look.mplstyle")
folder = Path(tempfile.mkdtemp())
source = Path("../data/biogen_adme.csv")
table = pd.read_csv(source)
measured = [name for name in table.columns if name.startswith("log_")]
table[measured].describe().loc[["count", "mean", "min", "max"]].round(2)

# %% [markdown]
# ## What does the model make of them?
# The bundled model was trained on small, neutral molecules without stereo. What it cannot use is refused with a reason, never dropped in silence.

# %%
model = MolVAE.from_pretrained("moses")
before = model.reconstruct(table["SMILES"])
print(f"{(before['reason'] == '').sum()} of {len(before)} can be encoded, {before['exact'].sum()} come back exactly")
before.loc[before["reason"] != "", "reason"].value_counts()

# %% [markdown]
# ## Fine-tune
# `finetune` tunes a copy of the model: symbols it lacks join its vocabulary, a tenth of the molecules is held out, and the best weights are
# kept. The budget here is small, to keep the notebook short; leave out `epochs` for the default.

# %%
tuned = model.finetune(source, folder / "tuned", column="SMILES", epochs=4)
print(f"{tuned.own} molecules, {tuned.known} of them known; {len(tuned.symbols)} new symbols: {' '.join(tuned.symbols)}")
pd.DataFrame({"before": tuned.before, "after": tuned.after}).round(3)

# %% [markdown]
# The first rows are of own molecules held out (nats a molecule, lower is better for the ELBO and the distortion), the last of 1,000 samples.
# `copies` near 0 says that the model writes new molecules rather than those it was shown.

# %%
after = tuned.model.reconstruct(table["SMILES"])
print(
    f"{(after['reason'] == '').sum()} of {len(after)} can be encoded, {after['exact'].sum()} come back exactly (these include what it was tuned on)"
)
seed = table["SMILES"][after["exact"]].iloc[0]
near = tuned.model.neighbors(seed, 7, seed=1)
grid([seed, *near["smiles"]], folder / "near.png", ["of the table", *(f"{value:.2f}" for value in near["similarity"])], columns=4)
Image(folder / "near.png")

# %% [markdown]
# ## Predict
# Heads read properties off the codes: Gaussian processes for few molecules, an ensemble of networks for many. The figures are of rows held out.
# Some of these properties are hard to tell from a structure, and the figures say so.

# %%
fitted = tuned.model.fit_properties(source, ["log_solubility", "log_MDR1_ER"], smiles="SMILES", units={"log_solubility": "log10(µg/mL)"})
pd.DataFrame(fitted.figures).T.round(2)

# %%
new = ["Cc1ccc(-c2nc3ccc(C)cn3c2CC(=O)N(C)C)cc1", "O=C(NCCN1CCOCC1)c1ccc(Cl)cc1", "CCCCCCCCCCCCCCCCCC(=O)O", "[Na+].[Cl-]"]
tuned.model.predict(new).round(2)

# %% [markdown]
# `applicable` says whether the molecule looks like what the heads learned from, which a prediction needs to be trusted, and which is no guarantee: outside is a molecule that its own code does not hold, or that is, say, lighter than all that a head learned from. Save the model and the heads go with it.

# %%
tuned.model.save_pretrained(folder / "mine")
[column.name for column in MolVAE.from_pretrained(folder / "mine").properties]

# %% [markdown]
# ## Impute
# Most compounds lack some of the six measurements. `impute` fills these from the molecule and from what else was measured, each with a standard
# deviation. Known cells stay as they are. The errors come from known cells that were hidden in turn.

# %%
filled = model.impute(source, columns=measured, smiles="SMILES")
figures = pd.DataFrame(filled.figures).T
figures.assign(share_of_mean=figures["rmse"] / figures["mean_rmse"]).round(2)

# %% [markdown]
# `share_of_mean` below 1: better than filling in the column's mean.

# %%
column = "log_rPPB_unbound"
values = filled.frame.astype({column: float})
made = values[values[f"{column}_imputed"]]
made[["SMILES", column, f"{column}_sd"]].head().round(2)

# %%
figure, axes = plt.subplots(figsize=(5, 3.4))
known = values[~values[f"{column}_imputed"]]
bins = np.linspace(values[column].min(), values[column].max(), 25)
axes.hist(known[column], bins, density=True, alpha=0.7, label=f"{len(known)} measured")
axes.hist(made[column], bins, density=True, histtype="step", linewidth=1.8, color="C4", label=f"{len(made)} filled in")
axes.set(xlabel=column, ylabel="density")
axes.legend()
plt.show()

# %% [markdown]
# Filled cells are means, so they vary less than measured ones; take the standard deviations along when you use them. How the errors compare with
# other methods: [benchmarks/impute](../benchmarks/results/impute.md).
