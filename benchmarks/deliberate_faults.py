"""Whether tests catch deliberate faults: each is put into a copy of the tree, and the tests of its room are run."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

ROOT: Final = Path(__file__).parents[1]
PROGRAM: Final = """
import importlib.util
import sys
from pathlib import Path
# the copy, not what is installed; pytest imports it
sys.meta_path = [each for each in sys.meta_path if "editable" not in type(each).__module__]
sys.path[:0] = [str(Path("src").resolve()), str(Path("tests").resolve())]
assert Path(importlib.util.find_spec("ligeia").origin).is_relative_to(Path.cwd())
import pytest
# an error of this program ends with 1, as pytest does where a test fails
sys.exit(10 + pytest.main(["-q", "-x", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""
_PASSED, _FAILED = 10, 11


@final
@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong line, and the tests that should fail by it."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str


FAULTS: Final = (
    Fault(
        "sign of decibels",
        "metrics/_metrics.py",
        "return 10 * math.log10(peak",
        "return -10 * math.log10(peak",
        "metrics",
    ),
    Fault(
        "half a cell off",
        "signals/_axis.py",
        "return (2 * positions + 1) / self.size - 1",
        "return 2 * positions / self.size - 1",
        "signals/test_axis.py",
    ),
    Fault(
        "cosine and sine swapped",
        "networks/_wrappers.py",
        "[do.cos(angles), do.sin(angles)]",
        "[do.sin(angles), do.cos(angles)]",
        "networks/test_wrappers.py",
    ),
    Fault(
        "a learning rate that rises",
        "fitting/_recipe.py",
        "** -self.schedule.slow_power",
        "** self.schedule.slow_power",
        "fitting/test_learning_rate.py",
    ),
    Fault(
        "inside taken for outside",
        "shapes/_shape.py",
        "np.where(self.holds(places), -1.0, 1.0)",
        "np.where(self.holds(places), 1.0, -1.0)",
        "shapes/test_shape.py",
    ),
    Fault(
        "bound of first weights",
        "networks/_finer.py",
        "math.sqrt(6 / fan_in)",
        "math.sqrt(3 / fan_in)",
        "networks/test_finer.py networks/test_initialization.py",
    ),
    Fault(
        "decoder off by one",
        "codec/entropy/_ans.py",
        "+ quantile - table[symbol]",
        "+ quantile - table[symbol] + 1",
        "codec/test_ans.py",
    ),
    Fault(
        "status of bad input",
        "cli/__init__.py",
        "say(f\"ligeia: {' '.join(str(error).split())}\")\n        return 2",
        "say(f\"ligeia: {' '.join(str(error).split())}\")\n        return 1",
        "cli/test_bad_input.py",
    ),
    Fault(
        "trimming that stops early",
        "compression/_weights.py",
        "- num_bytes) > 0 and integers.any()",
        "- num_bytes) > 8 and integers.any()",
        "compression",
    ),
    Fault(
        "units of derivatives",
        "signals/_channel.py",
        "return (self.high - self.low) / 2",
        "return self.high - self.low",
        "signals/test_signal.py signals/test_arrays.py",
    ),
)


def fail(fault: Fault, copy: Path) -> bool:
    """Return whether the tests of a fault's room fail in a copy of the tree."""
    command = [sys.executable, "-c", PROGRAM, *(f"tests/{each}" for each in fault.tests.split())]
    done = subprocess.run(command, check=False, cwd=copy, capture_output=True, text=True)
    if done.returncode not in (_PASSED, _FAILED):
        raise SystemExit(f"{fault.name}: the tests could not be run.\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == _FAILED


def is_caught(fault: Fault) -> bool:
    """Return whether the tests of a fault's room fail by it, and by nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("src", "tests", "benchmarks"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
            shutil.copy(ROOT / name, copy / name)
        path = copy / "src" / "ligeia" / fault.file
        text = path.read_text()
        if fault.right not in text:
            raise SystemExit(f"{fault.file} no longer has {fault.right!r}; mend the table of faults.")
        if fail(fault, copy):
            raise SystemExit(f"{fault.name}: tests/{fault.tests} fail without the fault; mend them first.")
        path.write_text(text.replace(fault.right, fault.wrong))
        return fail(fault, copy)


def main() -> None:
    """Try all faults, or those whose names hold some words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of a fault's name")
    only = parser.parse_args().only
    chosen = [fault for fault in FAULTS if only in fault.name]
    missed = 0
    for fault in chosen:
        found = is_caught(fault)
        missed += not found
        print(f"{'caught' if found else 'NOT CAUGHT':11} {fault.name:28} {fault.file}", flush=True)
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
