"""How far molecules lie outside of what a model knows: likelihood, distance, reconstruction, and a percentile of the training set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.environments import environments_of
from molvae.chem.molecules import is_molecule
from molvae.chem.similarity import similarity_of
from molvae.data.formats import read_rows
from molvae.errors import DataError
from molvae.latent.likelihood import negative_log_likelihood, writing_cost
from molvae.model import Encoded, MolVAE
from molvae.nn.critic import Bags
from molvae.pretrained import MOSES_TRAINING

_AT_ONCE = 1_024  # molecules between two calls of `progress`
_MEMBERS = 0.9  # share of the shipped molecules that a model trained on MOSES knows

_Floats = NDArray[np.float64]
_Progress = Callable[[str, int, int], None]


def novelty(
    model: MolVAE,
    smiles: str | Iterable[str],
    *,
    samples: int = 16,
    seed: int = 0,
    reference: Sequence[str] | None = None,
    progress: _Progress | None = None,
) -> pd.DataFrame:
    """Judge how unlike its training set a model finds molecules.

    The `score` is what it costs to write a molecule from its own code, less the critic's log density ratio of real to written
    molecules, (-log p(x|z) - log r(x)) / heavy atoms with z the posterior mean. Of all the columns it is the one that best tells MOSES
    test molecules from others (benchmarks/novelty.py): the code of a molecule unlike those of the training set cannot hold it.

    Args:
        model: the model.
        smiles: one SMILES or several.
        samples: codes a molecule of the likelihood.
        seed: of these codes.
        reference: molecules of the model's training set, to which the percentile refers. None takes 2,000 of MOSES for a model that
            was trained on them; they are scored in each call, which takes some seconds.
        progress: told of what is done.

    Returns:
        One row an input: `input`; `smiles` (canonical, empty where refused); `score`; `percentile` (share of the reference molecules
        with a lower score, in percent); `nll` (-log p(x) in nats, see `negative_log_likelihood`) and `nll_per_atom` (a heavy atom);
        `writing_cost` (-log p(x|z) from the posterior mean, nats); `critic` (log density ratio; 0 without a critic); `heavy_atoms`;
        `kl` (of the posterior from N(0, I), nats); `distance` (Mahalanobis distance of the posterior mean from the prior, its norm);
        `reconstruction` (greedy, from the mean), `exact`, `similarity` (Tanimoto of the reconstruction); `known` (in the training set);
        `reason` (why it is refused, else empty). A molecule that the model cannot encode has no numbers but the percentile 100; what
        is no molecule at all has none either.

    Raises:
        DataError: no reference for a model that was not trained on MOSES, one without a usable molecule, fewer than 1 sample, or a
            plain autoencoder, which has no likelihood.
    """
    texts = [smiles] if isinstance(smiles, str) else [str(text) for text in smiles]
    known = np.sort(_reference_scores(model, reference))
    done: list[pd.DataFrame] = [_judged(model, [], samples, seed)]
    for start in range(0, len(texts), _AT_ONCE):
        done.append(_judged(model, texts[start : start + _AT_ONCE], samples, seed))
        if progress is not None:
            progress("novelty", min(start + _AT_ONCE, len(texts)), len(texts))
    frame = pd.concat([part for part in done if len(part)] or done, ignore_index=True)
    percentiles = 100 * np.searchsorted(known, frame["score"]) / len(known)
    refused = [np.nan if text == "" and not is_molecule(given) else 100.0 for text, given in zip(frame["smiles"], texts, strict=True)]
    frame.insert(3, "percentile", np.where(frame["score"].isna(), refused, percentiles))
    return frame


def _judged(model: MolVAE, texts: Sequence[str], samples: int, seed: int) -> pd.DataFrame:
    """All columns but the percentile."""
    encoded = model.encode_all(texts)
    scored, back = _scored(model, encoded), model.decode_greedily(encoded)
    nll = negative_log_likelihood(model, encoded, samples=samples, seed=seed)
    means, log_variances = encoded.codes.astype(np.float64), encoded.log_variances.astype(np.float64)
    fine = np.array([problem is None for problem in encoded.problems], dtype=bool)
    return pd.DataFrame(
        {
            "input": list(texts),
            "smiles": encoded.smiles,
            "score": scored["score"],
            "nll": nll,
            "nll_per_atom": nll / scored["heavy_atoms"],
            "writing_cost": scored["writing_cost"],
            "critic": scored["critic"],
            "heavy_atoms": scored["heavy_atoms"],
            "kl": 0.5 * (means**2 + np.exp(log_variances) - 1 - log_variances).sum(axis=1),
            "distance": np.linalg.norm(means, axis=1),
            "reconstruction": back,
            "exact": fine & (np.array(back, dtype=object) == np.array(encoded.smiles, dtype=object)),
            "similarity": [similarity_of(*pair) if pair[0] else np.nan for pair in zip(encoded.smiles, back, strict=True)],
            "known": fine & model.checkpoint.index.contains(encoded.smiles),
            "reason": [str(problem or "") for problem in encoded.problems],
        }
    )


def _scored(model: MolVAE, encoded: Encoded) -> pd.DataFrame:
    """The score and what it is made of; NaN where a molecule was refused."""
    frame = pd.DataFrame(np.nan, range(len(encoded.smiles)), ["writing_cost", "critic", "heavy_atoms"])
    rows, critic = encoded.usable, model.checkpoint.critic
    texts = [encoded.smiles[row] for row in rows]
    frame.loc[rows, "writing_cost"] = writing_cost(model, encoded.codes[rows], texts)
    frame.loc[rows, "critic"] = 0.0 if critic is None else Bags(environments_of(texts)).logits(critic).double().cpu().numpy()
    frame.loc[rows, "heavy_atoms"] = [float(Chem.MolFromSmiles(text).GetNumHeavyAtoms()) for text in texts]
    return frame.assign(score=(frame["writing_cost"] - frame["critic"]) / frame["heavy_atoms"])


def _reference_scores(model: MolVAE, reference: Sequence[str] | None) -> _Floats:
    """Scores of molecules of the training set, (m,)."""
    encoded = model.encode_all(_training(model) if reference is None else reference)
    usable = _scored(model, encoded)["score"].dropna().to_numpy()
    if not len(usable):
        why = next((str(problem) for problem in encoded.problems if problem), "there are none")
        raise DataError(f"none of the {len(encoded.smiles):,} reference molecules can be encoded ({why})")
    return np.asarray(usable)


def _training(model: MolVAE) -> Sequence[str]:
    """The molecules of MOSES that ship, where the model was trained on them."""
    shipped = _moses_training()
    share = float(model.checkpoint.index.contains(shipped).mean())
    if share < _MEMBERS:
        raise DataError(
            f"this model was trained on other molecules than MOSES ({share:.0%} of those that ship are in its training set); "
            "give molecules of its training set as reference (--reference FILE)"
        )
    return shipped


@cache
def _moses_training() -> tuple[str, ...]:
    return tuple(row.text for row in read_rows(MOSES_TRAINING))
