"""Save onto a full disk: do the last field and the last checkpoint survive, with status 2 and one line?

A file system of 192 KiB in memory (needs root on Linux) holds a field and a checkpoint and is then filled up. From
the repository root:

    python benchmarks/full_disk.py
"""

import contextlib
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from _common import append_row, start_ligeia, write_photograph

CHECKPOINT_OFTEN = """
from ligeia.fitting import Checkpointer
begin = Checkpointer.begin
def often(self, *arguments):
    self._every_s = 0.0
    begin(self, *arguments)
Checkpointer.begin = often
"""


def fill(folder: Path) -> None:
    """Write until nothing more goes in."""
    with (folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(512)):
            pass


def check(folder: Path) -> dict[str, object]:
    """Return what a failing save leaves behind in ``folder``, the root of a small file system."""
    output, checkpoint = folder / "photo.lig", folder / "photo.lig.checkpoint"
    write_photograph(folder / "photo.png", 32)
    arguments = ["fit", "photo.png", "-o", "photo.lig", "--hidden-features", 16, "--device", "cpu", "--quiet"]
    first = start_ligeia(*arguments, "--passes", 5, folder=folder)
    assert first.communicate() == ("", "")
    stopped = start_ligeia(*arguments, "--passes", 1000, folder=folder, preamble=CHECKPOINT_OFTEN)
    while not checkpoint.exists():
        assert stopped.poll() is None, stopped.communicate()
        time.sleep(0.01)
    stopped.send_signal(signal.SIGINT)
    stopped.communicate()
    fill(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    failing = start_ligeia(*arguments, "--passes", 1000, "--resume", folder=folder, preamble=CHECKPOINT_OFTEN)
    out, err = failing.communicate()
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "filler").unlink()
    again = start_ligeia(*arguments, "--passes", 1000, "--resume", folder=folder)
    again.communicate()
    return {
        "status": failing.returncode,
        "message": err.strip().replace(str(folder), ""),
        "one_line": out == "" and err.count("\n") == 1,
        "nothing_changed": before == after,
        "resumed_status": again.returncode,
        "output_replaced": output.read_bytes() != before["photo.lig"] and not checkpoint.exists(),
    }


def main() -> None:
    """Run, print the table and append one line to the results."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192k", "tmpfs", name], check=True)
        try:
            row = check(Path(name))
        finally:
            subprocess.run(["umount", name], check=True)
    for key, value in row.items():
        print(f"{key:18}{value}")
    append_row("full_disk", row)
    wanted = {"status": 2, "one_line": True, "nothing_changed": True, "resumed_status": 0, "output_replaced": True}
    assert row | wanted == row, row


if __name__ == "__main__":
    main()
