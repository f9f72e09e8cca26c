"""Files are decoded where torch cannot be imported, and pictures are the same but for rounding."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose
from PIL import Image
from skimage.data import astronaut

from ligeia.cli import run

WITHOUT_TORCH = """
import json, sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Refusing())
from ligeia.cli import run
statuses = [run(words) for words in json.loads(sys.argv[1])]
import ligeia, ligeia.codec, ligeia.recipes
assert callable(ligeia.codec.read_plain) and callable(ligeia.files.decode)
assert not any(name.partition(".")[0] == "torch" for name in sys.modules)
sys.exit(int("".join(map(str, statuses))) if any(statuses) else 0)
"""


def without_torch(*commands: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # a kernel that is asked for by name needs torch
    alone = {name: value for name, value in os.environ.items() if name != "LIGEIA_KERNEL"}
    words = [sys.executable, "-c", WITHOUT_TORCH, json.dumps(commands)]
    return subprocess.run(words, capture_output=True, text=True, env=alone)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a picture, a sound, an array and a volume, each with its field."""
    folder = tmp_path_factory.mktemp("fitted")
    Image.fromarray(astronaut()[60:220:2, 140:300:2]).save(folder / "photo.png")
    soundfile.write(folder / "tone.wav", 0.5 * np.sin(np.arange(2000) / 9), 8000)
    np.save(folder / "array.npy", np.random.default_rng(0).random((20, 30)).astype(np.float32))
    volume = (1000 * np.random.default_rng(1).random((6, 7, 5))).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "head.nii")
    for name in ("photo.png", "tone.wav", "array.npy", "head.nii"):
        words = [
            "fit",
            str(folder / name),
            "-o",
            str(folder / name) + ".lig",
            "--passes",
            "15",
            "--hidden-features",
            "32",
        ]
        assert run([*words, "--quiet"]) == 0
    (folder / "places.csv").write_text("row,column\n-0.5,0.25\n0.3,0.9\n")
    return folder


def values_of(path: Path) -> np.ndarray:
    if path.suffix == ".png":
        with Image.open(path) as image:
            return np.asarray(image).astype(np.float64)
    if path.suffix == ".wav":
        return soundfile.read(path, dtype="int16")[0].astype(np.float64)
    if path.suffix == ".csv":
        return np.loadtxt(path, delimiter=",", skiprows=1)
    return np.asarray(nibabel.load(path).dataobj, np.float64) if path.suffix == ".nii" else np.load(path)  # type: ignore[attr-defined]


OUTPUTS = {
    "photo.png": (["decode", "photo.png.lig"], 1),
    "large.png": (["render", "photo.png.lig", "--scale", "1.7", "--region", "10:70,0:50"], 1),
    "small.npy": (["render", "photo.png.lig", "--shape", "20x30"], 1e-5 * 127.5),
    "tone.wav": (["decode", "tone.wav.lig"], 1),
    "array.npy": (["decode", "array.npy.lig"], 1e-5),
    "head.nii": (["decode", "head.nii.lig"], 1),
    "values.csv": (["decode", "photo.png.lig", "--at", "places.csv"], 1e-5 * 127.5),
}


def test_files_are_those_of_torch_but_for_rounding(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fitted)
    plain = without_torch(*[[*words, "-o", str(tmp_path / name)] for name, (words, _) in OUTPUTS.items()])
    assert plain.returncode == 0, plain.stderr
    told = "ligeia: torch does not load here (No module named 'torch'); going on with NumPy.\n"
    assert plain.stderr == told * len(OUTPUTS)
    assert plain.stdout.count("\n") == len(OUTPUTS)
    for name, (words, tolerance) in OUTPUTS.items():
        assert run([*words, "-o", name.replace(".", "-torch."), "--quiet"]) == 0
        got, wanted = values_of(tmp_path / name), values_of(fitted / name.replace(".", "-torch."))
        assert_allclose(got, wanted, rtol=0, atol=tolerance)
        if name.endswith(".png"):  # sixteen bits of a sound tell one rounding of a large phase from another
            assert np.mean(got != wanted) < 1e-3, name


def test_numpy_is_chosen_by_an_option(fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    field = str(fitted / "photo.png.lig")
    assert run(["decode", field, "-o", str(tmp_path / "a.png"), "--numpy", "--quiet"]) == 0
    assert run(["decode", field, "-o", str(tmp_path / "b.png"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    one, other = values_of(tmp_path / "a.png"), values_of(tmp_path / "b.png")
    assert np.abs(one - other).max() <= 1
    assert np.mean(one != other) < 1e-3


def test_what_needs_torch_is_one_line(fitted: Path, tmp_path: Path) -> None:
    field, output = str(fitted / "photo.png.lig"), str(tmp_path / "a.png")
    done = without_torch(
        ["render", field, "-o", output, "--quantity", "gradient", "--quiet"],
        ["fit", str(fitted / "photo.png"), "-o", str(tmp_path / "a.lig")],
        ["--kernel", "torch", "decode", field, "-o", output],
        ["decode", field, "-o", output, "--device", "cuda"],
    )
    assert done.returncode == 2222 % 256
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("ligeia: the gradient needs torch, NumPy alone gives the value; install torch")
    for line in lines[1:3]:
        assert line.startswith("ligeia: this needs torch, which does not load here (No module named 'torch')")
    assert lines[3:] == ["ligeia: the device must be auto or cpu for NumPy, got 'cuda'."]
    assert list(tmp_path.iterdir()) == []


def test_exports_need_no_torch(fitted: Path, tmp_path: Path) -> None:
    field, model = str(fitted / "photo.png.lig"), str(tmp_path / "a.onnx")
    weights, again = str(tmp_path / "a.safetensors"), tmp_path / "again.lig"
    done = without_torch(
        ["export", field, "-o", model], ["export", field, "-o", weights], ["import", weights, "-o", str(again)]
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert again.read_bytes() == Path(field).read_bytes()
