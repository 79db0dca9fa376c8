"""Objectives in words."""

from __future__ import annotations

from molvae.optimize.objective import Objective
from molvae.optimize.terms import Term

_KINDS = {"property": "", "head": " as the model predicts it", "oracle": ""}


def wish(term: Term) -> str:
    """What a term wishes, in words.

    >>> wish(Term(property="logP", low=2, high=3.5, tolerance=0.5))
    'logP from 2 to 3.5; 0.5 outside is bad'
    >>> wish(Term(property="MW", high=500, hard=True)), wish(Term(lacks="OO"))
    ('MW at most 500', 'without the substructure OO')
    """
    if term.is_pattern:
        return f"{'with' if term.kind == 'contains' else 'without'} the substructure {term.key}"
    what = f"Tanimoto similarity to {term.key}" if term.kind == "similar_to" else f"{term.key}{_KINDS[term.kind]}"
    return f"{what} {_aim(term)}"


def _aim(term: Term) -> str:
    if term.goal in ("maximize", "minimize"):
        scale = f"; {term.bad:g} is bad, {term.good:g} is good" if term.bad is not None and term.good is not None else ""
        return f"as {'high' if term.goal == 'maximize' else 'low'} as can be{scale}"
    off = "" if term.hard or term.tolerance is None else f"; {term.tolerance:g} {_beside(term)} is bad"
    return f"{_span(term)}{off}"


def _beside(term: Term) -> str:
    return "off" if term.goal == "target" else "outside"


def _span(term: Term) -> str:
    if term.target is not None:
        return f"at {term.target:g}"
    if term.low is None:
        return f"at most {term.high:g}"
    return f"at least {term.low:g}" if term.high is None else f"from {term.low:g} to {term.high:g}"


def rule(objective: Objective) -> str:
    """How the wishes make one score, in words."""
    guard = " Silly optima (chains, strained rings, what the filters of MOSES refuse) are left out." if objective.guard else ""
    if objective.is_plain:
        return f"The score is the number itself, with its sign turned where less is better.{guard}"
    mean = "weighted geometric mean of what each wish makes of its number, from 0 (bad) to 1 (good)"
    if objective.combine == "pareto":
        front = "The wishes are kept apart: the front is made of molecules that no other one beats in every wish."
        return f"{front} The score of one molecule is the {mean}.{guard}"
    return f"The score is the {mean}.{guard}"
