"""Oracles that need RDKit alone: the properties of `chem.properties` and the tasks of GuacaMol and PMO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rdkit import rdBase

from molvae.chem.molecules import parse
from molvae.chem.properties import PROPERTIES
from molvae.errors import MoleculeError
from molvae.optimize.oracles import activity, guacamol
from molvae.optimize.oracles.base import Answer
from molvae.optimize.oracles.spread import spread
from molvae.optimize.oracles.terms import Term

_AT_ONCE = 64  # molecules: about .1 s of most tasks, some seconds of the hopping ones

#: The 23 tasks of PMO (Gao et al. 2022, arXiv:2206.12411): 20 of GuacaMol's, and three activities.
PMO = (
    "albuterol_similarity", "amlodipine_mpo", "celecoxib_rediscovery", "deco_hop", "drd2", "fexofenadine_mpo", "gsk3b",
    "isomers_c7h8n2o2", "isomers_c9h10n2o2pf2cl", "jnk3", "median1", "median2", "mestranol_similarity", "osimertinib_mpo",
    "perindopril_mpo", "qed", "ranolazine_mpo", "scaffold_hop", "sitagliptin_mpo", "thiothixene_rediscovery",
    "troglitazone_rediscovery", "valsartan_smarts", "zaleplon_mpo",
)  # fmt: skip

_LOW_IS_GOOD = ("SA",)
_PROPERTIES = {name.lower(): name for name in PROPERTIES}


@dataclass(frozen=True)
class MolecularOracle:
    """A property or a published task.

    Attributes:
        name: a property ("logP", in any case), "guacamol:TASK" or "pmo:TASK".
        jobs: processes; None is one, or what `joblib.parallel_config` says; -1 is one a core.
    """

    name: str
    jobs: int | None = None

    @property
    def higher_is_better(self) -> bool:
        """True but for the SA score, which is low for molecules that are easy to make."""
        return _PROPERTIES.get(self.name.lower()) not in _LOW_IS_GOOD

    def __call__(self, smiles: Sequence[str]) -> list[Answer]:
        """One answer a molecule, in the order of `smiles`; a text that is no molecule is a failure."""
        return spread(partial(_judge, self.name), smiles, self.jobs, _AT_ONCE)


def names() -> list[str]:
    """Every property and task that `MolecularOracle` knows."""
    return [*PROPERTIES, *(f"guacamol:{task}" for task in guacamol.TASKS), *(f"pmo:{task}" for task in PMO)]


def known(name: str) -> bool:
    """Whether `MolecularOracle` knows the name; properties in any case."""
    return name.lower() in _PROPERTIES or name in names()


def prepare(name: str) -> None:
    """Fetch what an oracle needs, before it is asked the first time; raises DataError where that cannot be had."""
    _term(name)


def _term(name: str) -> Term:
    if name.lower() in _PROPERTIES:
        return PROPERTIES[_PROPERTIES[name.lower()]].function
    task = name.partition(":")[2]
    return activity.activity(task) if task in activity.ACTIVITIES else guacamol.task(task)


def _judge(name: str, smiles: Sequence[str]) -> list[Answer]:
    term = _term(name)
    with rdBase.BlockLogs():
        return [_answer(term, text) for text in smiles]


def _answer(term: Term, text: str) -> Answer:
    try:
        return Answer.of(term(parse(text)))
    except MoleculeError as error:
        return Answer(None, str(error))
    except Exception as error:  # noqa: BLE001  RDKit raises many kinds, and one odd molecule must not end a campaign
        return Answer(None, f"{type(error).__name__}: {error}")
