"""The models of three PMO tasks (DRD2, GSK3B, JNK3): fetched once, converted to plain arrays, kept in the cache, checked always.

They were trained by others (DRD2: Olivecrona et al. 2017; GSK3B and JNK3: Li et al. 2018) and are distributed by TDC (Huang et al. 2021);
the PyPI wheel molscore 1.9.5 (MIT licence) carries them as pickles. Only these files are taken, and they are read as data.
"""

from __future__ import annotations

import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from molvae.data.cache import cache_folder
from molvae.data.wheels import fetch_wheel
from molvae.errors import DataError
from molvae.files import replacing
from molvae.optimize.oracles.pickles import read

#: The tasks that need a model.
Activity = Literal["drd2", "gsk3b", "jnk3"]
#: Named arrays of a model.
Arrays = dict[str, NDArray[Any]]

REQUIREMENT = "molscore==1.9.5"
_WHEEL_SHA256 = "6ebc2af51891dddc03d0f4ee94c52381caefe74d06552d55cbac2cb33461e6a1"
_PICKLE_SHA256: dict[Activity, str] = {
    "drd2": "ef1f00e47d5e4670a45b0a4178db3c41b2e1aa9dad7113ac9d0f58e3f9d67532",
    "gsk3b": "d3a20701b80e5179c88c3ad4dc3483dd7ab35c50dc055c6773a7f5b63e89b6d5",
    "jnk3": "cde8576fb4fa3f60b9f258ff9cf1b9ff346eb50d196d5cbbe25965efc1864889",
}
#: Of the converted arrays, as `digest` gives it.
_ARRAYS_SHA256: dict[Activity, str] = {
    "drd2": "2b3d3c5a4cbefab943f3c905f7460723c21be8c323e94eb9529b3e9324f22883",
    "gsk3b": "56af674ac9247db3342c65100a9268252203206725c494ce0e09668ebd3c1060",
    "jnk3": "d6a7188dde22ecffad304de987deab2cfda71e8dde964e271ed1820091fe530e",
}


def arrays_of(name: Activity, folder: Path | None = None, wheel: Path | None = None) -> Arrays:
    """The arrays of a model.

    Args:
        name: "drd2" (a support vector machine), "gsk3b" or "jnk3" (forests).
        folder: where converted models are kept; oracles/ in the cache when None.
        wheel: the wheel, if it was fetched by hand (`pip download --no-deps molscore==1.9.5`).

    Raises:
        DataError: the wheel cannot be fetched, or does not hold what it should.
    """
    path = (folder or cache_folder() / "oracles") / f"{name}.safetensors"
    if (kept := _kept(path)) is not None and digest(kept) == _ARRAYS_SHA256[name]:
        return kept
    advice = f"copy {path.name} from a machine that has it (oracles/ in its cache) to {path.parent}"
    with tempfile.TemporaryDirectory() as temporary:
        fetched = wheel or fetch_wheel(REQUIREMENT, _WHEEL_SHA256, Path(temporary), f"the model of {name}", advice)
        arrays = _converted(name, fetched)
    if digest(arrays) != _ARRAYS_SHA256[name]:
        raise DataError(f"the model of {name} came out of its conversion with other numbers than expected; please report this")
    with replacing(path) as partial:
        save_file(arrays, partial)
    return arrays


def digest(arrays: Arrays) -> str:
    """SHA-256 of names, types, shapes and contents."""
    total = sha256()
    for name, array in sorted(arrays.items()):
        total.update(f"{name} {array.dtype.str} {array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _kept(path: Path) -> Arrays | None:
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError):
        return None


def _converted(name: Activity, wheel: Path) -> Arrays:
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(f"molscore/data/models/molopt/{name}_current.pkl")
    except FileNotFoundError as error:
        raise DataError(f"{wheel}: no such file") from error
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{wheel} is not the wheel of {REQUIREMENT}: {error}") from error
    if sha256(data).hexdigest() != _PICKLE_SHA256[name]:
        raise DataError(f"{wheel}: the model of {name} is not the one of {REQUIREMENT} (its checksum differs)")
    held = read(data)
    return machine_arrays(held) if name == "drd2" else forest_arrays([tree["tree_"] for tree in held["estimators_"]])


def forest_arrays(trees: list[dict[str, Any]]) -> Arrays:
    """A random forest on bits as arrays, the nodes of all trees in one row.

    Args:
        trees: the state of each scikit-learn tree: "nodes" (left_child, right_child, feature, threshold; -1 is no child) and
            "values" (nodes, 1, 2), the weight of both classes.

    Returns:
        roots (trees,); left and right (nodes,), where a leaf is its own child; feature (nodes,); probability (nodes,) of the second class.
    """
    starts = np.cumsum([0, *(len(tree["nodes"]) for tree in trees)])
    nodes = np.concatenate([tree["nodes"] for tree in trees])
    values = np.concatenate([tree["values"] for tree in trees])[:, 0, :]
    leaf = nodes["left_child"] < 0
    if not np.all((nodes["threshold"][~leaf] >= 0) & (nodes["threshold"][~leaf] < 1)):
        raise DataError("a forest that does not split on bits: a threshold is outside 0 to 1")
    first = np.repeat(starts[:-1], np.diff(starts))
    own = np.arange(len(nodes))
    return {
        "roots": starts[:-1].astype(np.int32),
        "left": np.where(leaf, own, nodes["left_child"] + first).astype(np.int32),
        "right": np.where(leaf, own, nodes["right_child"] + first).astype(np.int32),
        "feature": np.where(leaf, 0, nodes["feature"]).astype(np.int16),
        "probability": values[:, 1] / values.sum(axis=1),
    }


def machine_arrays(held: dict[str, Any]) -> Arrays:
    """A support vector machine on counts as arrays.

    Args:
        held: attributes of a scikit-learn SVC of two classes with a Gaussian kernel and Platt's probabilities.

    Returns:
        vectors (vectors, bits) of counts, their squares (vectors,) summed, weights (vectors,), and numbers (4,): gamma, intercept, and
        Platt's A and B.
    """
    vectors = held["support_vectors_"].astype(np.uint8)
    if not np.array_equal(vectors, held["support_vectors_"]):
        raise DataError("a support vector machine that does not work on small counts")
    numbers = [held["_gamma"], held["_intercept_"][0], held["_probA"][0], held["_probB"][0]]
    return {
        "vectors": vectors,
        "squares": np.square(held["support_vectors_"]).sum(axis=1),
        "weights": np.array(held["_dual_coef_"][0], dtype=np.float64),
        "numbers": np.array(numbers, dtype=np.float64),
    }
