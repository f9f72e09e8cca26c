"""What an import costs and says, seen from processes of their own."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import ligeia

GOLDEN = Path(__file__).parents[1] / "golden" / "version_1_tone.lig"
HEAVY = ("torch", "matplotlib", "skimage")


def in_a_clean_process(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


@pytest.mark.parametrize(
    "program",
    [
        "import ligeia",
        "import ligeia; ligeia.Grid, ligeia.Signal",
        "import ligeia.cli",
        "import ligeia.cli; assert ligeia.cli.run(['--help']) == 0",
        "import ligeia.cli; assert ligeia.cli.run(['--version']) == 0",
        f"import pathlib, ligeia.codec; ligeia.codec.read_record(pathlib.Path({str(GOLDEN)!r}))",
        f"import ligeia.codec; ligeia.codec.read_plain({str(GOLDEN)!r}).sample((4,))",
        "import ligeia.files; ligeia.files.decode, ligeia.files.export, ligeia.files.open_field",
    ],
)
def test_what_needs_no_torch_does_not_load_it(program: str) -> None:
    loaded = f"[name for name in {HEAVY} if name in sys.modules]"
    done = in_a_clean_process(f"{program}\nimport sys; print({loaded}, file=sys.stderr)")
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"


def test_importing_every_module_prints_nothing() -> None:
    modules = [module.name for module in pkgutil.walk_packages(ligeia.__path__, "ligeia.")]
    assert "ligeia.fitting._loop" in modules
    done = in_a_clean_process("\n".join(f"import {name}" for name in modules if not name.endswith("__main__")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
