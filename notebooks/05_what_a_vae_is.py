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
# # What a variational autoencoder is, shown on molecules
# An autoencoder squeezes a molecule into a few numbers, its *code*, and writes it again from them. A *variational* one blurs the codes while it
# learns. This notebook shows what the blur is, what it costs, and what it buys.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Image
from matplotlib.patches import Circle

from molvae import MolVAE
from molvae.chem.drawing import grid
from molvae.chem.selfies import to_symbols
from molvae.training.recipe import Recipe

plt.style.use("look.mplstyle")
folder = Path(tempfile.mkdtemp())
model = MolVAE.from_pretrained("moses")
molecules = pd.read_csv("../data/moses_10k.csv")["SMILES"]

# %% [markdown]
# ## From molecule to code and back
# The decoder does not see letters but *tokens*, frequent runs of SELFIES symbols, and the encoder turns them into a Gaussian over codes: a mean
# and a standard deviation in each dimension.

# %%
smiles = "Cc1ccc(-c2nc3ccc(C)cn3c2CC(=O)N(C)C)cc1"
symbols = to_symbols(smiles)
ids = model.checkpoint.tokenizer.encode([symbols])[0]
print(f"{len(symbols)} symbols:", "".join(symbols))
print(f"{len(ids)} tokens: ", " | ".join("".join(model.checkpoint.tokenizer.symbols_of(ids[at : at + 1])) for at in range(len(ids))))

# %%
vae = model.checkpoint.vae
batch = torch.from_numpy(ids.astype(np.int64))[None]  # (1, T)
with torch.no_grad():
    posterior = vae.encoder(batch)
mean, deviation = posterior.mean[0].numpy(), np.exp(posterior.log_variance[0].numpy() / 2)
figure, axes = plt.subplots(figsize=(9, 2.6))
axes.errorbar(range(len(mean)), mean, deviation, fmt="o", markersize=4, linewidth=1.2)
axes.axhline(0, color="#dcdcd6", linewidth=1, zorder=0)
axes.set(xlabel="dimension of the code", ylabel="mean ± standard deviation", title="q(z|x) of one molecule")
plt.show()

# %% [markdown]
# A short bar is a dimension that says something of this molecule; a bar of length 1 around 0 is one that says nothing, as N(0, 1) would.
#
# ## Reparameterization
# A code is drawn from this Gaussian, and chance has no gradient. The trick (Kingma and Welling 2014, arXiv:1312.6114): draw noise from a fixed
# N(0, 1) and move it, z = mean + standard deviation × noise. Now z is a function of both, and learning reaches them.

# %%
mu, log_variance = torch.tensor([0.7], requires_grad=True), torch.tensor([-1.0], requires_grad=True)
noise = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
z = mu + torch.exp(0.5 * log_variance) * noise
(z**2).mean().backward()
variance = float(torch.exp(log_variance.detach()))
pd.DataFrame(
    {"by reparameterization": [mu.grad.item(), log_variance.grad.item()], "exact": [2 * 0.7, variance]},
    index=["d E[z²] / d mean", "d E[z²] / d log variance"],
).round(3)

# %% [markdown]
# What does the blur mean for a molecule? Draw codes from its posterior and write the likeliest molecule for each: the neighbours that share its code.

# %%
draws = mean + deviation * np.random.default_rng(0).standard_normal((300, len(mean)))
counts = model.decode(draws)["smiles"].value_counts()
grid(counts.index[:8], folder / "draws.png", [f"{count} of 300" for count in counts[:8]], columns=4)
Image(folder / "draws.png")

# %% [markdown]
# ## The ELBO
# Two prices, both in nats a molecule:
#
# - **distortion**, -log p(x|z): what it still takes to say which molecule it is, given the code;
# - **rate**, KL(q(z|x) || N(0, I)): how much the code tells, that is how far it is from the blur of the prior.
#
# Their sum is at least -log p(x), and training makes it small. Here both for our molecule, the rate by its formula and by drawing.

# %%
with torch.no_grad():
    codes = posterior.mean + torch.exp(0.5 * posterior.log_variance) * torch.randn(
        2_000, len(mean), generator=torch.Generator().manual_seed(1)
    )
    normal = torch.distributions.Normal(posterior.mean, torch.exp(0.5 * posterior.log_variance))
    drawn_rate = (normal.log_prob(codes) - torch.distributions.Normal(0, 1).log_prob(codes)).sum(dim=1)
    repeated = batch.expand(len(codes), -1)
    targets = torch.cat([repeated, torch.full_like(repeated[:, :1], vae.eos)], dim=1)
    distortion = torch.nn.functional.cross_entropy(vae.logits(repeated, codes).transpose(1, 2), targets, reduction="none").sum(dim=1)
print(
    f"rate        {posterior.kl().sum():6.2f} nats by the formula, {drawn_rate.mean():.2f} ± {drawn_rate.std() / 2_000**0.5:.2f} by drawing"
)
print(f"distortion  {distortion.mean():6.2f} nats")
print(f"-ELBO       {posterior.kl().sum() + distortion.mean():6.2f} nats, at least -log p(x)")

# %% [markdown]
# ## Autoencoder against VAE
# Now a plain autoencoder and VAEs of several rates, small ones, trained for some seconds each on 10,000 molecules. Instead of a fixed weight of the
# KL term, molvae is told the rate and steers the weight to hold it.

# %%
sizes = {"latent_size": 16, "embedding": 64, "encoder_hidden": 96, "decoder_hidden": 192}
train = {
    "max_steps": 450,
    "batch_size": 128,
    "learning_rate": 4e-3,
    "evaluate_every": "1000d",
    "save_every": "1000d",
    "precision": "32-true",
}


def trained(name: str, latent: str = "gaussian", rate: float = 20.0) -> MolVAE:
    """A small model, trained on the 10,000 molecules."""
    recipe = Recipe.of(
        {
            "data": {"vocabulary": 256, "validation": 500},
            "model": sizes | {"latent": latent},
            "rate": {"target": [[0.0, rate]], "gain": 0.05},
            "train": train,
        }
    )
    return MolVAE.fit("../data/moses_10k.csv", folder / name, recipe, devices=1)


small = {"autoencoder": trained("plain", latent="deterministic")} | {
    f"VAE, {rate:g} nats": trained(f"rate{rate:g}", rate=rate) for rate in (1, 5, 15, 30)
}
pd.DataFrame({name: each.checkpoint.figures for name, each in small.items()}).T.round(3)

# %% [markdown]
# The held-out figures show the trade: the more nats a code may carry, the smaller the distortion and the more molecules come back exactly.
# At 1 nat the code says next to nothing (the *collapse* that many a published VAE suffered unnoticed). The autoencoder pays for no rate at all.
#
# Why then not always an autoencoder? Look at where the codes lie, on their two widest directions. Samples are drawn from N(0, I), so that is where
# codes of real molecules should be; the circles hold 50% and 99% of N(0, I).

# %%
part = molecules[:1500].tolist()
figure, row = plt.subplots(1, 3, figsize=(10, 3.5))
for axes, (name, colour) in zip(row, (("autoencoder", "C4"), ("VAE, 15 nats", "C0"), ("VAE, 30 nats", "C2")), strict=True):
    each = small[name]
    codes = each.encode(part, sample=name != "autoencoder", seed=1)
    axis = np.linalg.eigh(np.cov(codes.T))[1][:, :-3:-1]
    axes.scatter(*(codes @ axis).T, s=4, alpha=0.5, linewidths=0, color=colour)
    for share in (0.5, 0.99):
        axes.add_patch(Circle((0, 0), np.sqrt(-2 * np.log(1 - share)), fill=False, edgecolor="#1b1c1d"))
    axes.set(title=f"{name}\nstandard deviations {codes.std(axis=0).min():.2f} to {codes.std(axis=0).max():.2f}", aspect="equal")
plt.show()

# %% [markdown]
# And what is written for codes drawn from N(0, I), one draw each and none chosen:

# %%
shown = []
for name in ("autoencoder", "VAE, 15 nats"):
    shown += [(text, name) for text in small[name].sample(5, seed=3, raw=True)["smiles"]]
grid([text for text, _ in shown], folder / "drawn.png", [name for _, name in shown], columns=5)
Image(folder / "drawn.png")

# %% [markdown]
# All are valid: every SELFIES string is a molecule. That is why validity says nothing here, and molvae asks whether a string *survives its own round
# trip* instead. Models this small, trained this briefly, write odd molecules either way;
# [benchmarks/ae_vs_vae](../benchmarks/results/ae_vs_vae.md) compares larger ones by the distance of their samples to real molecules.
#
# ## The effect of the rate

# %%
found = pd.DataFrame({name: each.checkpoint.figures for name, each in small.items() if name != "autoencoder"}).T
surviving = {name: small[name].sample(1000, seed=1, raw=True)["survives"].mean() for name in found.index}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.bar(range(len(found)), found["held_out_distortion"], width=0.6, label="distortion")
left.bar(range(len(found)), found["held_out_rate"], width=0.6, bottom=found["held_out_distortion"], label="rate")
left.set_xticks(range(len(found)), [name.removeprefix("VAE, ") for name in found.index])
left.set(ylabel="nats a molecule", title="What the ELBO is made of")
left.legend(loc="upper left", bbox_to_anchor=(1, 1))
right.plot(found["held_out_rate"], 100 * found["exact_reconstruction"], "o-", label="come back exactly")
right.plot(found["held_out_rate"], [100 * value for value in surviving.values()], "o-", label="samples surviving the round trip")
right.set(xlabel="rate (nats a molecule)", ylabel="%", title="Two wishes")
right.legend()
plt.show()

# %% [markdown]
# ## The latent map
# Back to the bundled model. Its codes in two dimensions, coloured by a property. Its training laid twelve of the 44 dimensions out by
# properties ([recipes/moses-properties.toml](../recipes/moses-properties.toml)); the plane is that of the greatest variance and was not told which one to show.

# %%
from molvae.latent.map_colours import by_property
from molvae.latent.map_picture import picture

latent = model.map(part, clusters=6)
picture(latent, folder / "map.png", by_property(latent.frame["smiles"], "logP"))
Image(folder / "map.png", width=640)

# %% [markdown]
# ## Outliers
# What the model finds hard to write is unlike what it was trained on. Real molecules from the table of notebook 4 were made for other purposes than those of
# MOSES.

# %%
other = pd.read_csv("../data/biogen_adme.csv")["SMILES"][:200]
home = model.novelty(part[:200])
away = model.novelty(other)
figure, axes = plt.subplots(figsize=(6, 3))
bins = np.linspace(0, 100, 21)
axes.hist(home["percentile"].dropna(), bins, alpha=0.8, label="MOSES")
axes.hist(away["percentile"].dropna(), bins, histtype="step", color="C4", linewidth=1.8, label="ADME set")
axes.set(xlabel="percentile among molecules of the training set", ylabel="molecules of 200")
axes.legend()
plt.show()
odd = away.sort_values("score", ascending=False).dropna(subset=["score"]).head(4)
grid(odd["smiles"], folder / "odd.png", [f"score {score:.2f}" for score in odd["score"]], columns=4)
Image(folder / "odd.png")
