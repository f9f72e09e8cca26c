"""Which claims of README and guides still hold: quick figures measured again, recorded rows compared, and their age.

Every claim stands in one table (`_claims_table.py`). Its phrase must occur in its page; rows that it was published
from must read as the page has them; and what takes seconds to a minute is measured again. The rest is listed with the
command to run by hand. ``--short`` is the form for CI: no git, no clock, and only what two cores measure in seconds.
The exit status is 1 if a claim does not hold or is no longer in its page.
"""

import argparse
import functools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence

from _claims import ROOT, Claim, Outcome, Status, phrase_error, quick_outcome, recorded_outcome
from _claims_table import CLAIMS
from _common import RESULTS


def outcomes(claim: Claim, *, is_short: bool = False) -> list[Outcome]:
    """Return what became of a claim; the short form measures only what belongs to it."""
    if error := phrase_error(claim):
        return [Outcome(claim, Status.FAILS, error)]
    found = [each for each in [recorded_outcome(claim)] if each is not None]
    if not is_short or (claim.quick is not None and claim.quick.is_short):
        found.append(quick_outcome(claim))
    return found


def check(claims: Sequence[Claim], *, is_short: bool = False) -> list[Outcome]:
    """Print and return what became of every claim."""
    found = []
    for claim in claims:
        began = time.perf_counter()
        for outcome in outcomes(claim, is_short=is_short):
            if outcome.status is not Status.BY_HAND:
                print(f"{outcome.status:8} {claim.page}: {claim.phrase}\n{'':9}{outcome.words}", flush=True)
            found.append(outcome)
        if (seconds := time.perf_counter() - began) >= 1:
            print(f"{'':9}({seconds:.0f} s)", flush=True)
    return found


@functools.cache
def age(commit: str) -> tuple[int, float] | None:
    """Return how many commits and days ago a commit was; None if this history does not have it."""
    asked = (
        ["rev-list", "--count", f"{commit}..HEAD"],
        *(["log", "-1", "--format=%ct", at] for at in (commit, "HEAD")),
    )
    try:
        answers = [
            subprocess.run(["git", "-C", str(ROOT), *each], capture_output=True, text=True, check=True).stdout
            for each in asked
        ]
    except subprocess.CalledProcessError:
        return None
    count, then, now = map(int, answers)
    return count, (now - then) / 86_400


def print_ages(names: Sequence[str]) -> None:
    """Print how old the commits of recorded rows are, by file and commit."""
    for name in names:
        lines = (RESULTS / f"{name}.jsonl").read_text().splitlines()
        commits = Counter(json.loads(line)["commit"] for line in lines)
        print(f"\n{name}.jsonl: {len(lines)} rows")
        for commit, count in commits.items():
            short, _, changes = commit.partition("+")
            since = age(short)
            words = "not in this history" if since is None else f"{since[0]} commits, {since[1]:.1f} days ago"
            print(f"  {count:5} of {short[:9]}{' with changes' if changes else ''}: {words}")


def print_by_hand(claims: Sequence[Claim]) -> None:
    """Print the claims that nothing quick measures in full, with what to type."""
    print("\nBy hand, since nothing quick measures them, or since a part of the figure is read from a clock:")
    for claim in claims:
        if claim.quick is None or claim.is_timed:
            print(f"  {claim.page}: {claim.phrase}\n      {claim.command}{'  (clock)' if claim.is_timed else ''}")


def main() -> None:
    """Check the claims; exit with 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the form for CI: under a minute on two free cores")
    parser.add_argument("--only", default="", metavar="WORDS", help="claims whose page or phrase has these words")
    arguments = parser.parse_args()
    chosen = [claim for claim in CLAIMS if arguments.only in f"{claim.page} {claim.phrase}"]
    if not chosen:
        sys.exit(f"no claim has the words {arguments.only!r}; see benchmarks/_claims_table.py.")
    found = check(chosen, is_short=arguments.short)
    if not arguments.short:
        print_ages(sorted({claim.recorded.results for claim in chosen if claim.recorded is not None}))
        print_by_hand(chosen)
    counts = Counter(outcome.status for outcome in found)
    print("\n" + ", ".join(f"{counts[status]} {status}" for status in Status if counts[status]))
    if counts[Status.FAILS]:
        sys.exit(1)


if __name__ == "__main__":
    main()
