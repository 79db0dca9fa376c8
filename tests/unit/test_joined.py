"""Two corpora as one: every molecule keeps its ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from molvae.data.corpus import Corpus, CorpusSettings, build_corpus
from molvae.data.joined import Joined


def corpus_of(folder: Path, rows: list[str]) -> Corpus:
    folder.mkdir()
    (folder / "in.smi").write_text("\n".join(rows) + "\n")
    return build_corpus(folder / "in.smi", folder, CorpusSettings(vocabulary=0), jobs=1)


def test_a_batch_holds_molecules_of_both_in_the_order_asked_for(tmp_path: Path) -> None:
    first, second = corpus_of(tmp_path / "a", ["CCO", "CCCC", "CCN"]), corpus_of(tmp_path / "b", ["OCO", "CCCN", "NCO"])
    joined = Joined(first, second)
    assert joined.lengths.tolist() == [3, 4, 3, 3, 4, 3]
    for molecules in ([5, 0, 3, 2, 0], [0, 2], [3, 5], [4, 1]):
        wanted = [(first[number] if number < 3 else second[number - 3]).tolist() for number in molecules]
        assert joined.batch(np.array(molecules)).tolist() == wanted
