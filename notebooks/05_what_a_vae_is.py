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
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Image
from matplotlib.patches import Circle
from rdkit import Chem

from molvae import MolVAE
from molvae.chem.drawing import grid
from molvae.chem.properties import compute
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
smiles = "O=C(NCCN1CCOCC1)c1ccc(Cl)cc1"
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
grid(counts.index[:4], folder / "draws.png", [f"{count} of 300" for count in counts[:4]], columns=4)
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
# Now models of our own, small enough to be trained in seconds, and molecules simple enough for them: five cores with ten groups in three places.
# To say which of these it is takes ln(number of molecules) nats.

# %%
groups = ["C", "CC", "O", "N", "F", "Cl", "C#N", "OC", "C(=O)O", "C(C)=O"]
cores = ["c1c({})cc({})cc1{}", "c1c({})c({})ncc1{}", "C1C({})CC({})CC1{}", "c1c({})c({})sc1{}", "O=C(N{})c1cc({})c({})cc1"]
family = sorted({Chem.CanonSmiles(core.format(*three)) for core, three in product(cores, product(groups, repeat=3))})
(folder / "family.smi").write_text("\n".join(family))
print(f"{len(family):,} molecules, ln of that is {np.log(len(family)):.2f} nats")
grid(family[:: len(family) // 5][:5], folder / "family.png", columns=5, size=(150, 120))
Image(folder / "family.png")

# %%
sizes = {"latent_size": 6, "embedding": 32, "encoder_hidden": 64, "decoder_hidden": 128}
train = {"max_steps": 500, "batch_size": 128, "learning_rate": 5e-3, "precision": "32-true", "evaluate_every": "10d", "save_every": "10d"}


def trained(name: str, latent: str = "gaussian", rate: float = 4.0) -> MolVAE:
    """A small model of the family."""
    recipe = Recipe.of(
        {
            "data": {"vocabulary": 64, "validation": 100},
            "model": sizes | {"latent": latent},
            "rate": {"target": [[0.0, rate]], "gain": 0.05},
            "train": train,
        }
    )
    return MolVAE.fit(folder / "family.smi", folder / name, recipe, devices=1)


small = {"autoencoder": trained("plain", latent="deterministic")}
small |= {f"VAE, {rate} nats": trained(f"rate{rate}", rate=rate) for rate in (1, 4, 12)}
shown = ["held_out_distortion", "held_out_rate", "held_out_elbo", "exact_reconstruction", "survives", "unique"]
figures = pd.DataFrame({name: each.checkpoint.figures for name, each in small.items()}).T[shown]
figures.round(2)

# %% [markdown]
# Instead of a fixed weight of the KL term, molvae is told a rate and steers the weight to hold it. The first four columns are of 100 molecules held
# out, the last two of 1,000 codes drawn from N(0, I): the share whose string survives its own round trip, and that of different molecules.
#
# The autoencoder pays for no rate at all, so its sum is no bound of anything. Among the VAEs, the more nats a code may carry, the less distortion is
# left. At 1 nat the code says next to nothing. What that does to five molecules:

# %%
five = family[10 :: len(family) // 5][:5]
rows = {"given": five} | {name: small[name].reconstruct(five)["reconstruction"].tolist() for name in ("VAE, 1 nats", "VAE, 12 nats")}
grid(
    [text for row in rows.values() for text in row], folder / "back.png", [name for name in rows for _ in five], columns=5, size=(150, 120)
)
Image(folder / "back.png")

# %% [markdown]
# A model whose code says nothing can still write good samples: its decoder alone has learned the molecules. So look at the rate before trusting a
# latent space. This *collapse* went unnoticed in published models.
#
# Why then not always an autoencoder? Samples are drawn from N(0, I), so that is where codes of real molecules should be. Here they are, on their two
# widest directions; the circles hold 50% and 99% of N(0, I).

# %%
figure, row = plt.subplots(1, 3, figsize=(10, 3.5))
for axes, (name, colour) in zip(row, (("autoencoder", "C4"), ("VAE, 12 nats", "C2"), ("VAE, 4 nats", "C0")), strict=True):
    codes = small[name].encode(family[::8], sample=name != "autoencoder", seed=1)
    widest = np.linalg.eigh(np.cov(codes.T))[1][:, :-3:-1]
    axes.scatter(*(codes @ widest).T, s=3, alpha=0.5, linewidths=0, color=colour)
    for share in (0.5, 0.99):
        axes.add_patch(Circle((0, 0), np.sqrt(-2 * np.log(1 - share)), fill=False, edgecolor="#1b1c1d"))
    axes.set(title=f"{name}: standard deviations\n{codes.std(axis=0).min():.2f} to {codes.std(axis=0).max():.2f}", aspect="equal")
plt.show()

# %% [markdown]
# And what is written for codes from N(0, I), one draw each and none chosen:

# %%
drawn = [(text, name) for name in ("autoencoder", "VAE, 4 nats") for text in small[name].sample(5, seed=3, raw=True)["smiles"]]
grid([text for text, _ in drawn], folder / "drawn.png", [name for _, name in drawn], columns=5, size=(150, 120))
Image(folder / "drawn.png")

# %% [markdown]
# All are valid: every SELFIES string is a molecule. That is why validity says nothing here, and molvae asks whether a string *survives its own round
# trip* instead. [benchmarks/ae_vs_vae](../benchmarks/results/ae_vs_vae.md) compares the three kinds on MOSES.
#
# ## The effect of the rate

# %%
vaes = figures.drop(index="autoencoder")
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.bar(range(len(vaes)), vaes["held_out_distortion"], width=0.6, label="distortion")
left.bar(range(len(vaes)), vaes["held_out_rate"], width=0.6, bottom=vaes["held_out_distortion"], label="rate")
left.axhline(np.log(len(family)), color="#5d6166", linestyle="--", linewidth=1, label="ln(molecules)")
left.set_xticks(range(len(vaes)), [name.removeprefix("VAE, ") for name in vaes.index])
left.set(ylabel="nats a molecule", title="What the ELBO is made of")
left.legend(loc="upper left", bbox_to_anchor=(1, 1))
right.plot(vaes["held_out_rate"], 100 * vaes["exact_reconstruction"], "o-", label="come back exactly")
right.plot(vaes["held_out_rate"], 100 * vaes["survives"], "o-", label="samples that survive")
right.set(xlabel="rate (nats a molecule)", ylabel="%", ylim=(0, 100), title="Two wishes")
right.legend()
plt.show()

# %% [markdown]
# Codes that tell molecules apart lie in small, separate places, and a draw from N(0, I) falls between them: reconstruction is paid for with samples.
# [benchmarks/frontier](../benchmarks/results/frontier.md) measures the same trade on MOSES. The rate is where one chooses.
#
# ## The latent map
# Back to the bundled model. Codes that fill N(0, I) look alike from every side: their two widest directions (left) are hardly wider than any others and tell
# little. But its training laid twelve of the 44 dimensions out by properties
# ([recipes/moses-properties.toml](../recipes/moses-properties.toml)), and from the side of these (right) the same codes are in order.

# %%
part = molecules[:500].tolist()
latent, codes = model.map(part), model.encode(part)
along = {name: model.direction(name, molecules=molecules[500:1500].tolist()) for name in ("logP", "TPSA")}
values = compute(part, list(along))
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
shades = {"c": values["logP"], "s": 8, "linewidths": 0, "vmin": 0.5, "vmax": 4}
left.scatter(latent.frame["x"], latent.frame["y"], **shades)
left.set(title=f"two widest directions: {latent.projection.share:.0%} of the variance", xticks=[], yticks=[], aspect="equal")
points = right.scatter(codes @ along["logP"].vector, codes @ along["TPSA"].vector, **shades)
right.set(title="along two properties", xlabel="direction of logP", ylabel="direction of TPSA", xticks=[], yticks=[], aspect="equal")
figure.colorbar(points, ax=right, label="logP, computed")
plt.show()
print({name: f"R² {each.r2:.2f}" for name, each in along.items()})

# %% [markdown]
# ## Outliers
# What the model finds hard to write is unlike what it was trained on. Real molecules from the table of notebook 4 were made for other purposes than those of
# MOSES.

# %%
other = pd.read_csv("../data/biogen_adme.csv")["SMILES"][:150].tolist()
judged = model.novelty(part[:150] + other)
home, away = judged[:150], judged[150:]
figure, axes = plt.subplots(figsize=(6, 3))
bins = np.linspace(0, 100, 21)
axes.hist(home["percentile"].dropna(), bins, alpha=0.8, label="MOSES")
axes.hist(away["percentile"].dropna(), bins, histtype="step", color="C4", linewidth=1.8, label="ADME set")
axes.set(xlabel="percentile among molecules of the training set", ylabel="molecules of 150")
axes.legend()
plt.show()
odd = away.sort_values("score", ascending=False).dropna(subset=["score"]).head(4)
grid(odd["smiles"], folder / "odd.png", [f"score {score:.2f}" for score in odd["score"]], columns=4, size=(180, 150))
Image(folder / "odd.png")
