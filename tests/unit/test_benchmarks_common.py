import importlib.util
import json
import sys
from pathlib import Path

import pytest

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def common():
    spec = importlib.util.spec_from_file_location("benchmarks_common", _BENCHMARKS / "common.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_rounds_are_interleaved(common):
    order = []

    def recorder(name):
        return lambda: order.append(name) or float(len(order))

    figures = common.measure_interleaved([common.Variant(name, "x/s", recorder(name)) for name in "ab"], rounds=2)
    assert order == ["a", "b", "a", "b"]
    assert [figure.values for figure in figures] == [(1.0, 3.0), (2.0, 4.0)]


def test_ratio_is_taken_round_by_round(common):
    ours, theirs = common.Figure("a", "x/s", (20.0, 10.0, 40.0)), common.Figure("b", "x/s", (2.0, 1.0, 4.0))
    assert ours.over(theirs).spread() == {"min": 10.0, "median": 10.0, "max": 10.0}


def test_table_gives_no_ratio_across_units(common):
    base = common.Figure("b", "x/s", (2.0,))
    lines = common.table([base, common.Figure("c", "GFLOP/s", (9.0,))], base).splitlines()
    assert lines[2].endswith("| 1.00 (1.00 to 1.00) |")
    assert lines[3].endswith("|  |")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.000"), (0.9767, "0.977"), (1.84, "1.84"), (59.24, "59.2"), (200.0, "200"), (1584663.0, "1,584,663")]
)
def test_numbers_have_three_digits(common, value, text):
    assert common.number_text(value) == text


def test_command_has_no_folder_of_this_machine(common):
    words = ["/home/x/benchmarks/a.py", "--out=/home/x/r.json", "--cache", "/home/x/c", "--rows", "5", "--model", "/home/x/runs/m"]
    assert common.command_line(words) == "python benchmarks/a.py --rows 5 --model m"


def test_repeat_for_calls_at_least_once(common):
    assert common.repeat_for(0.0, lambda: 5) > 0


def test_result_files(common, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks/a.py"])
    base = common.Figure("b", "x/s", (2.0, 4.0), "as published")
    common.write_speeds(tmp_path / "r.json", "Speed", [base], "b", common.machine(), {"rows": 5}, ["remark"])
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["figures"][0]["median"] == 3.0
    assert result["settings"] == {"rows": 5}
    assert (tmp_path / "r.md").read_text() in capsys.readouterr().err
    assert str(tmp_path) not in (tmp_path / "r.json").read_text()
