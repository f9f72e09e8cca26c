"""The table of claims is whole, and a claim that does not hold is reported and ends with status 1."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _load(name: str) -> ModuleType:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


claims, parts, table, threads = (_load(name) for name in ("claims", "_claims", "_claims_table", "_claims_threads"))
PHRASE = "Any signal as a small, differentiable function."


def a_claim(**changes: Any) -> Any:
    return parts.Claim(**{"page": "README.md", "phrase": PHRASE, "command": "scripts/bench fit_speed", **changes})


def a_figure(found: tuple[float, ...], **changes: Any) -> Any:
    given = {"kind": parts.Kind.DECIBELS, "measure": lambda: found, "expected": (40.0,), "tolerance": 0.1}
    return parts.Quick(**given | changes)


def run(monkeypatch: pytest.MonkeyPatch, made: list[Any], *arguments: str) -> None:
    monkeypatch.setattr(claims, "CLAIMS", made)
    monkeypatch.setattr(sys, "argv", ["claims.py", *arguments])
    claims.main()


def test_every_row_of_the_readmes_numbers_is_in_the_table_once() -> None:
    section = (ROOT / "README.md").read_text().partition("## Numbers")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    owners = [[claim.phrase for claim in table.NUMBERS if claim.phrase in line] for line in lines]
    assert [line for line, of_line in zip(lines, owners, strict=True) if len(of_line) != 1] == []
    assert len(lines) == len(table.NUMBERS) > 20


def test_a_row_of_numbers_and_its_claim_name_the_same_benchmark() -> None:
    page = (ROOT / "README.md").read_text().splitlines()
    for claim in table.NUMBERS:
        (line,) = (line for line in page if claim.phrase in line)
        program = re.findall(r"`((?:scripts/bench|ligeia) \w+)", line)[-1]
        assert claim.command.startswith(program), line


def test_every_phrase_is_in_its_page_once() -> None:
    assert [error for claim in table.CLAIMS if (error := parts.phrase_error(claim))] == []
    assert len({(claim.page, claim.phrase) for claim in table.CLAIMS}) == len(table.CLAIMS)


def test_every_benchmark_and_every_file_of_rows_exists() -> None:
    for claim in table.CLAIMS:
        for name in re.findall(r"scripts/bench (\w+)", claim.command):
            assert (ROOT / "benchmarks" / f"{name}.py").exists(), claim.command
        if claim.recorded is not None:
            assert (ROOT / "benchmarks" / "results" / f"{claim.recorded.results}.jsonl").exists(), claim.phrase


def test_the_short_form_needs_no_research_data_and_one_ratio() -> None:
    short = [claim.quick for claim in table.CLAIMS if claim.quick is not None and claim.quick.is_short]
    assert [quick for quick in short if quick.needs] == []
    assert [quick.kind for quick in short].count(parts.Kind.RATIO) == 1
    assert {parts.Kind.POINT_STEPS, parts.Kind.BYTES, parts.Kind.THREADS} <= {quick.kind for quick in short}


def test_claims_that_hold_end_without_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, [a_claim(quick=a_figure((40.05,), is_short=True))], "--short")
    assert capsys.readouterr().out.splitlines()[-1] == "1 holds"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quick": a_figure((39.8,))}, "39.8 decibels, expected 40 within 0.1"),
        ({"phrase": "a phrase that the page lacks"}, "README.md has this phrase 0 times, expected once"),
        ({"phrase": "the"}, "times, expected once"),
        ({"page": "docs/nowhere.md"}, "there is no page docs/nowhere.md"),
        ({"recorded": parts.Recorded(results="blend", texts=lambda: ["1.23"])}, "rows of blend.jsonl say 1.23"),
        ({"recorded": parts.Recorded(results="blend", texts=list)}, "rows of blend.jsonl say nothing"),
    ],
    ids=["figure", "phrase", "phrase of several places", "page", "rows", "no rows"],
)
def test_a_claim_that_does_not_hold_is_reported_and_gives_status_1(
    changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^1$"):
        run(monkeypatch, [a_claim(**changes)])
    printed = capsys.readouterr().out
    assert "FAILS" in printed
    assert words in printed


def test_the_program_itself_ends_with_status_1() -> None:
    program = "import claims, _claims as c; claims.CLAIMS = [c.Claim(page='README.md', phrase='?!', command='')]"
    command = [sys.executable, "-c", f"{program}; claims.main()", "--short"]
    done = subprocess.run(command, cwd=ROOT / "benchmarks", capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "1 FAILS" in done.stdout


@pytest.mark.parametrize(
    ("relation", "found", "holds"),
    [
        ("near", (39.9, 5.1), True),
        ("near", (39.9, 5.3), False),
        ("at most", (30.0, 5.1), True),
        ("at most", (40.3, 5.0), False),
        ("at least", (50.0, 4.9), True),
        ("at least", (50.0, 4.7), False),
    ],
)
def test_a_figure_holds_within_its_tolerance(relation: str, found: tuple[float, float], holds: bool) -> None:
    figure = a_figure(found, expected=(40.0, 5.0), tolerance=0.2, relation=relation)
    assert figure.holds(figure.measure()) is holds


def test_figures_of_the_wrong_number_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        a_figure((40.0, 40.0)).holds((40.0, 40.0))


def test_what_cannot_be_measured_here_is_skipped_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse() -> tuple[float]:
        raise parts.CannotMeasureError("needs two free cores")

    monkeypatch.setenv("LIGEIA_DATA", str(tmp_path))
    made = [a_claim(quick=a_figure((0.0,), measure=refuse)), a_claim(quick=a_figure((0.0,), needs=("images/a.png",)))]
    found = [parts.quick_outcome(claim) for claim in made]
    assert {outcome.status for outcome in found} == {parts.Status.SKIPPED}
    assert [outcome.words.partition(";")[0] for outcome in found] == [
        "needs two free cores",
        "needs images/a.png in LIGEIA_DATA",
    ]


def test_the_full_form_lists_ages_of_rows_and_what_is_run_by_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    rows = [{"commit": f"{head}+changes"}, {"commit": "0" * 40}]
    (tmp_path / "blend.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(claims, "RESULTS", tmp_path)
    run(monkeypatch, [a_claim(recorded=parts.Recorded(results="blend", texts=lambda: ["differentiable"]))])
    printed = capsys.readouterr().out
    assert "blend.jsonl: 2 rows" in printed
    assert f"1 of {head[:9]} with changes: 0 commits, 0.0 days ago" in printed
    assert "1 of 000000000: not in this history" in printed
    assert f"README.md: {PHRASE}\n      scripts/bench fit_speed\n" in printed


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="reads Linux's account of threads")
def test_a_fit_whose_steps_have_one_thread_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (threads._compiled, threads._plain):
        assert threads.threads_at_work(make, 2, count=2) > 1.3
    monkeypatch.setattr("ligeia.fitting._step.num_threads", lambda: 1)  # as it was for a while
    monkeypatch.setattr("ligeia.kernels.sine._dispatch.num_threads", lambda: 1)
    for make in (threads._compiled, threads._plain):
        # a busy machine can only add to it: the one thread is counted again where it waits as it hands over
        assert any(threads.threads_at_work(make, 2, count=2) < 1.3 for _ in range(8))
