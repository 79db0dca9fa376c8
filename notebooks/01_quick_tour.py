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
# # Quick tour
# Load the bundled model, write new molecules, look at them, send known ones through the latent space, and train a small model of your own.

# %%
import tempfile
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem import Draw

from molvae import MolVAE
from molvae.chem.properties import compute

model = MolVAE.from_pretrained("moses")
facts = model.info()
{name: facts[name] for name in ("parameters", "training_molecules", "model")}

# %% [markdown]
# ## New molecules
# A code is drawn from the prior and the decoder writes a molecule for it. All are valid; kept are those that survive the round trip through
# their own SELFIES string, and then a critic that knows real molecules. The same seed gives the same molecules.

# %%
samples = model.sample(200, seed=1, novel=True)
print(
    f"of {samples.attrs['drawn']} drawn {samples.attrs['surviving']:.0%} survive the round trip, {samples.attrs['accepted']:.0%} the critic too"
)
samples.join(compute(samples["smiles"])).head()

# %%
Draw.MolsToGridImage([Chem.MolFromSmiles(s) for s in samples["smiles"][:12]], molsPerRow=4, subImgSize=(220, 160))

# %% [markdown]
# ## Known molecules
# `encode` gives the mean of q(z|x), `decode` the likeliest molecule for a code, `reconstruct` both in one, with what could not be read and why.

# %%
known = ["CC(=O)Nc1ccc(O)cc1", "CN1CCN(c2ccccc2)CC1", "Cc1ccc(C(=O)NC2CC2)cc1", "not a molecule"]
model.reconstruct(known)

# %%
codes = model.encode(known[:3])
codes.shape, np.round(codes[0, :6], 2)

# %% [markdown]
# Several molecules around one code: decode it several times, at a temperature above 0.

# %%
around = model.decode(codes[2], n=64, temperature=0.8, seed=1)
around["smiles"].value_counts().head(8)

# %% [markdown]
# Half-way between two molecules.

# %%
steps = np.linspace(0, 1, 7)[:, None]
path = model.decode((1 - steps) * codes[0] + steps * codes[2])
Draw.MolsToGridImage([Chem.MolFromSmiles(s) for s in path["smiles"]], molsPerRow=7, subImgSize=(150, 130))

# %% [markdown]
# ## Your own data
# `MolVAE.fit` takes a file of molecules. This one trains for seconds, to show the steps; `recipes/moses.toml` is the first of the four recipes of the bundled model.

# %%
from molvae.training.recipe import Recipe

folder = Path(tempfile.mkdtemp())
own = folder / "own.smi"
own.write_text("\n".join(samples["smiles"]))
recipe = Recipe.of(
    {
        "data": {"vocabulary": 64},
        "model": {"latent_size": 8, "embedding": 32, "encoder_hidden": 64, "decoder_hidden": 64},
        "train": {"max_steps": 20, "batch_size": 64},
    }
)
mine = MolVAE.fit(own, folder / "model", recipe)
mine.checkpoint.figures

# %%
reloaded = MolVAE.from_pretrained(folder / "model")
reloaded.sample(5, seed=1, raw=True)
