"""What other models reach, as their authors published it, to set our own figures beside.

Nothing here was measured by us. A figure that was not published is left out, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

_MOSES = "MOSES, Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644; figures of the README of github.com/molecularsets/moses"
_GUACAMOL = "GuacaMol, Brown et al. 2019, doi:10.1021/acs.jcim.8b00839"
_DDVAE = "DD-VAE, Polykovskiy and Vetrov 2020, proceedings.mlr.press/v108/polykovskiy20a, on MOSES"


@dataclass(frozen=True)
class Column:
    """A metric of a published table.

    Attributes:
        name: as in our own metrics.
        title: head of the column.
        low: whether a low value is the better one.
    """

    name: str
    title: str
    low: bool = False


@dataclass(frozen=True)
class Peer:
    """Published figures of one model.

    Attributes:
        name: of the model.
        values: figures by the names of our own metrics.
        source: where they are published.
        model: false for molecules of the data itself, which bound what a model can reach and compete with none.
        remark: what a reader should know of it.
    """

    name: str
    values: dict[str, float]
    source: str
    model: bool = True
    remark: str = ""


@dataclass(frozen=True)
class Tradeoff:
    """A model's FCD to the MOSES test set at one share of molecules reconstructed exactly (0 to 1)."""

    name: str
    exact: float
    fcd: float
    source: str


MOSES_COLUMNS = (
    Column("valid", "Valid"),
    Column("unique@10000", "Unique@10k"),
    Column("FCD/Test", "FCD test", low=True),
    Column("FCD/TestSF", "FCD scaffold", low=True),
    Column("SNN/Test", "SNN test"),
    Column("Frag/Test", "Frag test"),
    Column("Scaf/Test", "Scaf test"),
    Column("IntDiv", "IntDiv"),
    Column("Filters", "Filters"),
    Column("Novelty", "Novelty"),
)

GUACAMOL_COLUMNS = (
    Column("validity", "Validity"),
    Column("uniqueness", "Uniqueness"),
    Column("novelty", "Novelty"),
    Column("kl_score", "KL divergence"),
    Column("fcd_score", "FCD score"),
)


def _moses(name: str, figures: tuple[float, ...], model: bool = True, remark: str = "") -> Peer:
    return Peer(name, dict(zip((column.name for column in MOSES_COLUMNS), figures, strict=True)), _MOSES, model, remark)


def _guacamol(name: str, figures: tuple[float, ...], model: bool = True, remark: str = "") -> Peer:
    return Peer(name, dict(zip((column.name for column in GUACAMOL_COLUMNS), figures, strict=True)), _GUACAMOL, model, remark)


#: 30,000 samples against the test set and the scaffold test set of MOSES.
MOSES = (
    _moses(
        "training set", (1, 1, 0.008, 0.4755, 0.6419, 1, 0.9907, 0.8567, 1, 0), model=False, remark="the whole set, the best FCD there is"
    ),
    _moses("CharRNN", (0.9748, 0.9994, 0.0732, 0.5204, 0.6015, 0.9998, 0.9242, 0.8562, 0.9943, 0.8419)),
    _moses(
        "VAE (MOSES)",
        (0.9767, 0.9984, 0.099, 0.567, 0.6257, 0.9994, 0.9386, 0.8558, 0.997, 0.6949),
        remark="its latent has collapsed: KL near 0, issue 45 of its repository",
    ),
    _moses("AAE", (0.9368, 0.9973, 0.5555, 1.0572, 0.6081, 0.991, 0.9022, 0.8557, 0.996, 0.7931)),
    _moses("JTN-VAE", (1, 0.9996, 0.3954, 0.9382, 0.5477, 0.9965, 0.8964, 0.8551, 0.976, 0.9143)),
    _moses("LatentGAN", (0.8966, 0.9968, 0.2968, 0.8281, 0.5371, 0.9986, 0.8867, 0.8565, 0.9735, 0.9498)),
    Peer(
        "SELFIES-GPT 6.3M",
        {"valid": 1, "FCD/Test": 0.426, "FCD/TestSF": 0.964, "Scaf/Test": 0.889, "Filters": 0.976, "Novelty": 0.859},
        "mixlab-cookbook",
    ),
)

#: 10,000 samples against the training set of GuacaMol (ChEMBL 24).
GUACAMOL = (
    _guacamol("random sampler", (1, 0.997, 0, 0.998, 0.929), model=False, remark="draws from the training set"),
    _guacamol("SMILES LSTM", (0.959, 1, 0.912, 0.991, 0.913)),
    _guacamol("VAE", (0.870, 0.999, 0.974, 0.982, 0.863)),
    _guacamol("AAE", (0.822, 1, 0.998, 0.886, 0.529)),
)

#: FCD to the MOSES test set against exact reconstruction, of models whose latent is alive.
TRADEOFFS = tuple(
    Tradeoff(name, exact, fcd, _DDVAE)
    for name, points in (
        ("DD-VAE paper", ((0.7, 0.205), (0.8, 0.344), (0.9, 0.772), (0.95, 1.21))),
        ("DD-VAE paper, triweight kernel", ((0.7, 0.194), (0.8, 0.312), (0.9, 0.691), (0.95, 1.14))),
    )
    for exact, fcd in points
)
