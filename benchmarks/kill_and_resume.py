"""Kill fits at random moments and resume them: is the file, byte for byte, that of an uninterrupted fit?

Each fit is killed (SIGKILL) once, at a random moment after its first checkpoint, and then resumed. From the
repository root:

    python benchmarks/kill_and_resume.py --kills 5 --seed 0
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _common import append_row, start_ligeia, write_photograph


def fit_arguments(name: str, passes: int) -> list[object]:
    """Return the arguments of the fit that is repeated."""
    options = ["--hidden-features", 64, "--passes", passes, "--seed", 0, "--device", "cpu", "--quiet"]
    return ["fit", "photo.png", "-o", f"{name}.lig", *options]


def whole_fit(folder: Path, passes: int) -> tuple[bytes, float]:
    """Return the file of an uninterrupted fit, and its seconds."""
    began = time.perf_counter()
    process = start_ligeia(*fit_arguments("whole", passes), folder=folder)
    _, complaint = process.communicate()
    assert process.returncode == 0, complaint
    return (folder / "whole.lig").read_bytes(), time.perf_counter() - began


def killed_fit(folder: Path, name: str, passes: int, delay_s: float) -> dict[str, Any]:
    """Kill a fit ``delay_s`` after its first checkpoint, resume it, and return what came of it."""
    checkpoint, output = folder / f"{name}.lig.checkpoint", folder / f"{name}.lig"
    began = time.perf_counter()
    process = start_ligeia(*fit_arguments(name, passes), folder=folder)
    while not checkpoint.exists():
        assert process.poll() is None, "the fit ended before its first checkpoint; ask for more passes"
        time.sleep(0.02)
    time.sleep(delay_s)
    process.kill()
    process.communicate()
    killed_at = time.perf_counter() - began
    assert process.returncode == -9, "the fit ended before it was killed"
    had_output = output.exists()
    resumed = start_ligeia(*fit_arguments(name, passes), "--resume", folder=folder)
    _, complaint = resumed.communicate()
    return {
        "killed_at_s": round(killed_at, 2),
        "output_before_resume": had_output,
        "resumed_s": round(time.perf_counter() - began - killed_at, 2),
        "status": resumed.returncode,
        "complaint": complaint,
        "checkpoint_left": checkpoint.exists(),
    }


def main() -> None:
    """Run, print the table and append one line to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--passes", type=int, default=1400)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photograph(folder / "photo.png", 128)
        wanted, whole_s = whole_fit(folder, options.passes)
        print(f"uninterrupted: {whole_s:.1f} s, {len(wanted)} bytes")
        print(f"{'kill':>4}{'at, s':>8}{'resumed, s':>12}{'equal bytes':>13}")
        for number in range(options.kills):
            # the first checkpoint comes after 10 s in the loop, a few seconds after the start of the process; the rest
            # is halved because a shared machine may be faster this time
            delay_s = rng.uniform(0, max(0.0, (whole_s - 15) / 2))
            row = killed_fit(folder, f"fit{number}", options.passes, delay_s)
            row["equal"] = row["status"] == 0 and (folder / f"fit{number}.lig").read_bytes() == wanted
            rows.append(row)
            print(f"{number:4}{row['killed_at_s']:8.2f}{row['resumed_s']:12.2f}{row['equal']!s:>13}", flush=True)
    append_row(
        "kill_and_resume",
        {"seed": options.seed, "whole_s": round(whole_s, 2), "bytes": len(wanted), "kills": rows},
    )
    assert all(row["equal"] and not row["complaint"] and not row["checkpoint_left"] for row in rows), rows


if __name__ == "__main__":
    main()
