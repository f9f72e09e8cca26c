"""`--network` of every command that has it, and `explain`; oracles: what the files say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ligeia import recipes
from ligeia.cli import run
from ligeia.compression import _compress, _weights as _coded_weights
from ligeia.core import InputError
from ligeia.field import load
from ligeia.networks import CoordinateNetwork, Finer, NetworkConfig, PositionalEncoding
from ligeia.recipes._networks import checked_network

pytest_plugins = ["support.fixtures"]
Json = Callable[..., dict[str, Any]]
NAMES = [name for name in recipes.network_names() if name not in ("siren", "bounded", "symmetric", "periodic")]


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_fitted_by_each_network_and_comes_back_without_torch(
    folder: Path, json_of: Json, name: str
) -> None:
    result = json_of("fit", "photo.png", "-o", "p.lig", "--network", name, "--hidden-features", 8, "--passes", 2)
    assert result["network"] == name
    network = load("p.lig").network
    assert isinstance(network, CoordinateNetwork)
    assert result["parameters"] == sum(each.numel() for each in network.parameters())
    assert json_of("info", "p.lig")["network"]["kind"] == name
    json_of("decode", "p.lig", "-o", "one.png")
    json_of("decode", "p.lig", "-o", "two.png", "--numpy")
    one, two = (np.asarray(Image.open(path)).astype(int) for path in ("one.png", "two.png"))
    assert np.abs(one - two).max() <= 1
    json_of("render", "p.lig", "-o", "large.png", "--scale", 2, "--quantity", "gradient")


def test_fields_of_a_network_are_said_behind_its_name(folder: Path, json_of: Json) -> None:
    json_of("fit", "photo.png", "-o", "p.lig", "--network", "finer:omega=40,hidden_layers=1", "--passes", 1)
    assert load("p.lig").network.config == NetworkConfig(Finer(omega=40.0, hidden_layers=1), 2, 3)
    json_of("fit", "photo.png", "-o", "p.lig", "--network", "nerf:num_octaves=2x3", "--passes", 1)
    config = load("p.lig").network.config
    assert isinstance(config, NetworkConfig)
    assert config.architecture == PositionalEncoding(num_octaves=(2, 3))
    json_of("fit", "photo.png", "-o", "p.lig", "--network", "symmetric:inner=gauss,axes=0x1", "--passes", 1)
    values = load("p.lig").sample().numpy()
    assert np.allclose(values, values[::-1], atol=0.01)
    assert np.allclose(values, values[:, ::-1], atol=0.01)


def test_what_a_network_leaves_open_is_chosen_for_the_signal(folder: Path, json_of: Json) -> None:
    json_of("fit", "photo.png", "-o", "p.lig", "--network", "nerf", "--passes", 1)
    assert json_of("info", "p.lig")["network"]["num_octaves"] == [3, 4]  # of 12 x 16 pixels


def test_a_network_is_as_large_as_a_file_of_so_many_bytes(folder: Path, json_of: Json) -> None:
    for name in ("wire", "hash:num_levels=4"):
        result = json_of("fit", "photo.png", "-o", "p.lig", "--network", name, "--bytes", 20_000, "--passes", 1)
        assert 12_000 < result["bytes"] <= 20_000
        assert result["hidden_features_reason"] == "the most in 20,000 bytes"
        assert result["hidden_features"] == load("p.lig").network.config.num_features


@pytest.mark.parametrize(
    "name",
    [
        "bacon",  # with tensors that are kept
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("finer", "fourier", "hash:num_levels=4,hidden_features=8")
        ),
    ],
)
@pytest.mark.fits
def test_a_small_file_of_another_network_keeps_to_its_size(
    folder: Path, json_of: Json, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coded_weights, "_MEASUREMENTS", 2)
    monkeypatch.setattr(_coded_weights, "_LATE_MEASUREMENTS", 2)
    monkeypatch.setattr(_compress, "_LEAST_STEPS", 1000)  # fewer lead nowhere, and the file is a constant
    result = json_of("compress", "photo.png", "-o", "s.lig", "--network", name, "--bytes", 1200, "--effort", 1)
    assert result["bytes"] <= 1200
    assert json_of("info", "s.lig")["network"]["kind"] == name.partition(":")[0]
    json_of("decode", "s.lig", "-o", "s.png", "--numpy")
    assert json_of("compare", "photo.png", "s.png")["psnr_db"] == pytest.approx(
        result["psnr_db"], abs=2
    )  # rounded to 8 bits


@pytest.mark.slow
def test_a_lossless_file_may_have_another_network(folder: Path, json_of: Json) -> None:
    json_of("compress", "photo.png", "-o", "s.lig", "--network", "softplus", "--lossless")
    json_of("decode", "s.lig", "-o", "s.png")
    assert np.array_equal(np.asarray(Image.open("s.png")), np.asarray(Image.open("photo.png")))


def test_a_picture_is_found_from_its_slopes_by_a_network_that_has_them(folder: Path, json_of: Json) -> None:
    options = ["--hidden-features", 8, "--passes", 2]
    for name, known in (("relu", "gradient"), ("gauss", "laplacian")):
        result = json_of("poisson", "photo.png", "-o", "p.lig", "--network", name, "--from", known, *options)
        assert result["psnr_db"] > 3
        assert json_of("info", "p.lig")["network"]["kind"] == name


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("fit photo.png -o n.lig --network mlp", r"expected a network of siren, relu, tanh, .*, got 'mlp'"),
        ("fit photo.png -o n.lig --network finner", r"got 'finner'; did you mean finer\?"),
        ("compress photo.png -o n.lig --bpp 3 --network sirens", r"got 'sirens'; did you mean siren\?"),
        ("fit photo.png -o n.lig --network finer:omga=3", r"the fields of a network finer are .*omega.*; got 'omga=3'"),
        ("fit photo.png -o n.lig --network finer:omega=fast", "expected a number in 'finer:omega=fast'"),
        ("fit photo.png -o n.lig --network finer --omega -3", "omega of a network finer must be above 0"),
        ("fit photo.png -o n.lig --network relu --omega 30", "a network relu has no omega; its fields are hidden_feat"),
        ("fit photo.png -o n.lig --network siren:omega=3", "siren has no fields here, got 'omega=3'"),
        ("fit photo.png -o n.lig --network finer:omega=3 --omega 4", "omega of a network finer was given twice"),
        ("fit photo.png -o n.lig --network symmetric:inner=foo", "expected a network of siren, .*, got 'foo'"),
        ("fit photo.png -o n.lig --network relu --first-omega 9", "the first layer of a network relu has no frequency"),
        (
            "compress photo.png -o n.lig --bytes 700 --network hash",
            "expected at least about .* bytes for a file with a network hash, got 700",
        ),
        ("fit photo.png -o n.lig --network bounded", "expected a network within, as in bounded:inner=finer"),
        ("fit photo.png -o n.lig --network nerf:num_octaves=3", "expected octaves for 2 coordinates, got 1 numbers"),
        ("fit five.npy -o n.lig --network hash", r"hash grids have up to 4 coordinates, got 5: .*MiB.*GiB"),
        ("fit photo.png -o n.lig --network relu --prior hessian", "for second derivatives, that of relu jumps"),
        (
            "poisson photo.png -o n.lig --from laplacian --network hash",
            "for second derivatives, that of hash jumps",
        ),
        (
            "fit photo.png -o n.lig --network wire --bytes 90",
            "with a network wire takes .* bytes at least, 90 were",
        ),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, message: str
) -> None:
    np.save("five.npy", np.zeros((2, 2, 2, 2, 2), np.float32))
    before = sorted(folder.iterdir())
    assert run(command.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.search(message, captured.err), captured.err
    assert captured.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_what_a_network_has_not_is_refused_of_its_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    assert run(["fit", "photo.png", "-o", "p.lig", "--network", "hash", "--passes", "1", "--quiet"]) == 0
    assert run(["render", "p.lig", "-o", "bent.png", "--quantity", "laplacian"]) == 2
    assert "for second derivatives, that of hash jumps" in capsys.readouterr().err
    assert run(["export", "p.lig", "-o", "p.onnx"]) == 2
    assert "a network hash cannot be written as an ONNX graph" in capsys.readouterr().err
    assert run(["export", "p.lig", "-o", "p.safetensors", "--quiet"]) == 0
    assert not Path("bent.png").exists()
    assert not Path("p.onnx").exists()
    assert (
        run(
            [
                "fit",
                "photo.png",
                "-o",
                "p.lig",
                "--network",
                "relu",
                "--passes",
                "1",
                "--quiet",
                "--report",
                "report.png",
            ]
        )
        == 0
    )


def test_what_is_no_architecture_is_refused_as_a_network() -> None:
    for given in ("finer", Finer, Finer().build(1, 1)):
        with pytest.raises(InputError, match=r"expected an architecture such as lg.Finer\(omega=40\)"):
            checked_network(given)


def test_explain_says_what_it_found_and_draws_it(folder: Path, json_of: Json) -> None:
    json_of("fit", "photo.png", "-o", "p.lig", "--passes", 2, "--hidden-features", 8)
    result = json_of("explain", "p.lig", "-o", "inside.png", "--reference", "photo.png")
    assert result.keys() >= {"seconds", "output", "advice", "layers"}
    assert [layer["width"] for layer in result["layers"]] == [8] * 4
    assert result["advice"]
    with Image.open("inside.png") as picture:
        assert picture.width > 1000
    assert run(["explain", "p.lig", "-o", "p.lig"]) == 2
    assert run(["explain", "p.lig", "-o", "inside.txt"]) == 2
    Image.new("RGB", (5, 5)).save("other.png")
    assert run(["explain", "p.lig", "-o", "inside.png", "--reference", "other.png"]) == 2
