"""What the benchmarks share: the machine in a row of results, and the command line in a process of its own."""

import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@functools.cache  # the first call: the code that runs may be changed while it does
def machine() -> dict[str, str]:
    """Return what a row of results must say beside its numbers: commit, machine, versions, command."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    git = ["git", "-C", str(Path(__file__).parent)]
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "--", "../src"], capture_output=True, check=True).stdout
    return {
        "commit": commit + ("+changes" if changed else ""),
        "cpu": models[0].split(":")[1].strip() if models else platform.processor(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "command": "python " + " ".join(sys.argv),
    }


def append_row(name: str, row: Mapping[str, object]) -> None:
    """Append one line to the results of a benchmark."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps({**machine(), **row}) + "\n")


def start_ligeia(*arguments: object, folder: Path, preamble: str = "", num_threads: int = 1) -> "subprocess.Popen[str]":
    """Start one `ligeia` command in ``folder``; on equal threads, two runs give the same bits.

    ``preamble`` is Python code that runs in the new process before the command.
    """
    command = [sys.executable, "-c", f"{preamble}\nfrom ligeia.cli import main; main()", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(num_threads), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def write_photograph(path: Path, size: int) -> None:
    """Write scikit-image's ``camera``, ``size`` x ``size``, as a PNG."""
    from PIL import Image

    from ligeia.experiments import camera

    Image.fromarray(camera(size=size, align="centers").values[..., 0]).save(path)


def data_folder() -> Path | None:
    """Return the folder of research data, ``LIGEIA_DATA`` or the default beside the repository; None if absent."""
    folder = Path(os.environ.get("LIGEIA_DATA", Path(__file__).parents[2] / "shared" / "data"))
    return folder if folder.is_dir() else None
