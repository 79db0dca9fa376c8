"""The goal-directed tasks of GuacaMol (Brown et al. 2019, doi:10.1021/acs.jcim.8b00839), and the 20 of them that PMO took over.

The reference molecules, shapes, widths and means are those of the paper's tables and of the second (published) suite of its code at
github.com/BenevolentAI/guacamol (MIT): 20 tasks, and 7 that the paper calls trivial. A task here is the score of one molecule; what the
paper averages over the best 1, 10, 100 of a run is left to the benchmark.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from molvae.optimize.oracles.terms import (
    Term,
    arithmetic,
    at_least,
    at_most,
    clipped,
    described,
    fluorines,
    gaussian,
    geometric,
    has,
    isomer,
    lacks,
    of_molecule,
    similar,
)

ALBUTEROL = "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1"
AMLODIPINE = r"Clc1ccccc1C2C(=C(/N/C(=C2/C(=O)OCC)COCCN)C)\C(=O)OC"
ARIPIPRAZOLE = "Clc4cccc(N3CCN(CCCCOc2ccc1c(NC(=O)CC1)c2)CC3)c4Cl"
CAMPHOR = "CC1(C)C2CCC1(C)C(=O)C2"
CELECOXIB = "CC1=CC=C(C=C1)C1=CC(=NN1C1=CC=C(C=C1)S(N)(=O)=O)C(F)(F)F"
FEXOFENADINE = "CC(C)(C(=O)O)c1ccc(cc1)C(O)CCCN2CCC(CC2)C(O)(c3ccccc3)c4ccccc4"
MENTHOL = "CC(C)C1CCC(C)CC1O"
MESTRANOL = "COc1ccc2[C@H]3CC[C@@]4(C)[C@@H](CC[C@@]4(O)C#C)[C@@H]3CCc2c1"
OSIMERTINIB = "COc1cc(N(C)CCN(C)C)c(NC(=O)C=C)cc1Nc2nccc(n2)c3cn(C)c4ccccc34"
PERINDOPRIL = "O=C(OCC)C(NC(C(=O)N1C(C(=O)O)CC2CCCCC12)C)CCC"
PIOGLITAZONE = "O=C1NC(=O)SC1Cc3ccc(OCCc2ncc(cc2)CC)cc3"
RANOLAZINE = "COc1ccccc1OCC(O)CN2CCN(CC(=O)Nc3c(C)cccc3C)CC2"
SILDENAFIL = "CCCC1=NN(C2=C1N=C(NC2=O)C3=C(C=CC(=C3)S(=O)(=O)N4CCN(CC4)C)OCC)C"
SITAGLIPTIN = "Fc1cc(c(F)cc1F)CC(N)CC(=O)N3Cc2nnc(n2CC3)C(F)(F)F"
TADALAFIL = "O=C1N(CC(N2C1CC3=C(C2C4=CC5=C(OCO5)C=C4)NC6=C3C=CC=C6)=O)C"
THIOTHIXENE = "CN(C)S(=O)(=O)c1ccc2Sc3ccccc3C(=CCCN4CCN(C)CC4)c2c1"
TROGLITAZONE = "Cc1c(C)c2OC(C)(COc3ccc(CC4SC(=O)NC4=O)cc3)CCc2c(C)c1O"
ZALEPLON = "O=C(C)N(CC)C1=CC=CC(C2=CC=NC3=C(C=NN23)C#N)=C1"
#: What the two hopping tasks start from: a quinazoline with a sulfone, and a benzothiazole on its amine.
HOPPING = "CCCOc1cc2ncnc(Nc3ccc4ncsc4c3)c2cc1S(=O)(=O)C(C)(C)C"
_QUINAZOLINE = "[#7]-c1n[c;h1]nc2[c;h1]c(-[#8])[c;h0][c;h1]c12"
_SULFONE = "CS([#6])(=O)=O"
_BENZOTHIAZOLE = "[#7]-c1ccc2ncsc2c1"
_PROPYL_TO_BENZOTHIAZOLE = "[#6]-[#6]-[#6]-[#8]-[#6]~[#6]~[#6]~[#6]~[#6]-[#7]-c1ccc2ncsc2c1"
_VALSARTAN_CORE = "CN(C=O)Cc1ccc(c2ccccc2)cc1"

#: Each published task by its name; building one reads its reference molecules.
TASKS: dict[str, Callable[[], Term]] = {
    "celecoxib_rediscovery": lambda: similar(CELECOXIB, "ECFP4"),
    "troglitazone_rediscovery": lambda: similar(TROGLITAZONE, "ECFP4"),
    "thiothixene_rediscovery": lambda: similar(THIOTHIXENE, "ECFP4"),
    "aripiprazole_similarity": lambda: similar(ARIPIPRAZOLE, "ECFP4", clipped(0.75)),
    "albuterol_similarity": lambda: similar(ALBUTEROL, "FCFP4", clipped(0.75)),
    "mestranol_similarity": lambda: similar(MESTRANOL, "AP", clipped(0.75)),
    "isomers_c11h24": lambda: isomer("C11H24"),
    "isomers_c9h10n2o2pf2cl": lambda: isomer("C9H10N2O2PF2Cl"),
    "median1": lambda: geometric(similar(CAMPHOR, "ECFP4"), similar(MENTHOL, "ECFP4")),
    "median2": lambda: geometric(similar(TADALAFIL, "ECFP6"), similar(SILDENAFIL, "ECFP6")),
    "osimertinib_mpo": lambda: geometric(
        similar(OSIMERTINIB, "FCFP4", clipped(0.8)),
        similar(OSIMERTINIB, "ECFP6", at_most(0.85, 0.1)),
        described("TPSA", at_least(100, 10)),
        described("logP", at_most(1, 1)),
    ),
    "fexofenadine_mpo": lambda: geometric(
        similar(FEXOFENADINE, "AP", clipped(0.8)), described("TPSA", at_least(90, 10)), described("logP", at_most(4, 1))
    ),
    "ranolazine_mpo": lambda: geometric(
        similar(RANOLAZINE, "AP", clipped(0.7)), described("logP", at_least(7, 1)), described("TPSA", at_least(95, 20)), fluorines(1)
    ),
    "perindopril_mpo": lambda: geometric(similar(PERINDOPRIL, "ECFP4"), described("aromatic_rings", gaussian(2, 0.5))),
    "amlodipine_mpo": lambda: geometric(similar(AMLODIPINE, "ECFP4"), described("rings", gaussian(3, 0.5))),
    "sitagliptin_mpo": lambda: geometric(
        similar(SITAGLIPTIN, "ECFP4", gaussian(0, 0.1)),
        of_molecule("logP", SITAGLIPTIN, 0.2),
        of_molecule("TPSA", SITAGLIPTIN, 5),
        isomer("C16H15F6N5O"),
    ),
    "zaleplon_mpo": lambda: geometric(similar(ZALEPLON, "ECFP4"), isomer("C19H17N3O2")),
    "valsartan_smarts": lambda: geometric(
        has(_VALSARTAN_CORE),
        of_molecule("logP", SITAGLIPTIN, 0.2),
        of_molecule("TPSA", SITAGLIPTIN, 5),
        of_molecule("BertzCT", SITAGLIPTIN, 30),
    ),
    "deco_hop": lambda: arithmetic(similar(HOPPING, "PHCO", clipped(0.85)), lacks(_SULFONE), lacks(_BENZOTHIAZOLE), has(_QUINAZOLINE)),
    "scaffold_hop": lambda: arithmetic(similar(HOPPING, "PHCO", clipped(0.75)), has(_PROPYL_TO_BENZOTHIAZOLE), lacks(_QUINAZOLINE)),
    # the trivial ones
    "logp_minus_1": lambda: described("logP", gaussian(-1, 1)),
    "logp_8": lambda: described("logP", gaussian(8, 1)),
    "tpsa_150": lambda: described("TPSA", gaussian(150, 20)),
    "cns_mpo": lambda: arithmetic(
        described("TPSA", at_most(90, 30)),
        described("TPSA", at_least(40, 20)),
        described("HBD", at_most(0, 2)),
        described("logP", at_most(5, 1)),
        described("MW", at_most(360, 60)),
    ),
    "qed": lambda: described("QED"),
    "isomers_c7h8n2o2": lambda: isomer("C7H8N2O2"),
    "pioglitazone_mpo": lambda: geometric(
        similar(PIOGLITAZONE, "ECFP4", gaussian(0, 0.1)),
        of_molecule("MW", PIOGLITAZONE, 10),
        described("rotatable_bonds", gaussian(2, 0.5)),
    ),
}


@cache
def task(name: str) -> Term:
    """The score of one of `TASKS`; its reference molecules are read once a process."""
    return TASKS[name]()
