import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.testing import assert_allclose
from safetensors.numpy import load_file, save_file

from ligeia import load
from ligeia.cli import run
from ligeia.codec import FieldRecord, read_record, write_record
from ligeia.core import random_stream
from ligeia.networks import Siren

pytest_plugins = ["support.fixtures"]
Json = Callable[..., dict[str, Any]]


def test_an_exported_model_gives_the_pixels(field: Path, json_of: Json) -> None:
    result = json_of("export", field, "-o", "photo.onnx")
    assert result.keys() >= {"output", "max_abs_error"}
    assert result["output"] == "photo.onnx"
    assert result["max_abs_error"] < 1e-5 * 127.5
    assert result["max_relative_error"] < 1e-5
    assert (result["points"], result["evaluated_by"]) == (10_000, "onnxruntime")
    assert result["bytes"] == Path("photo.onnx").stat().st_size
    session = onnxruntime.InferenceSession("photo.onnx")
    points = load(field).grid.points()
    values = np.asarray(session.run(None, {"points": points})[0])
    assert_allclose(values.reshape(12, 16, 3), load(field).sample().numpy(), rtol=0, atol=1e-5 * 127.5)


def test_without_onnxruntime_the_evaluator_of_onnx_measures(
    field: Path, json_of: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = json_of("export", field, "-o", "photo.onnx")
    assert result["evaluated_by"] == "onnx"
    assert result["max_relative_error"] < 1e-5


def test_a_field_goes_to_safetensors_and_back(field: Path, json_of: Json) -> None:
    result = json_of("export", field, "-o", "photo.safetensors")
    assert result["max_abs_error"] == 0
    assert json_of("import", "photo.safetensors", "-o", "again.lig")["shape"] == [12, 16]
    assert Path("again.lig").read_bytes() == field.read_bytes()


def test_people_read_how_close_it_comes(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(field), "-o", "photo.onnx"]) == 0
    assert re.match(r"photo\.onnx: [\d,]+ bytes; onnxruntime differs by .* at 10,000 points\n", capsys.readouterr().out)


@pytest.mark.filterwarnings("default")
def test_phases_beyond_single_precision_are_warned_of(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = read_record(field)
    wild = tuple(np.asarray(tensor, np.float32) * 30 for tensor in record.tensors)
    write_record(FieldRecord(record.network, record.grid, record.channels, record.source, wild), Path("wild.lig"))
    assert run(["export", "wild.lig", "-o", "wild.onnx", "--quiet"]) == 0
    assert run(["export", "wild.lig", "-o", "wild.onnx"]) == 0
    assert "too large for single precision" in capsys.readouterr().err


@pytest.mark.parametrize("convention", ["notebook", "repository", "siren-pytorch"])
def test_weights_of_other_programs_become_a_field(convention: str, folder: Path, json_of: Json) -> None:
    network = Siren(2, 8, 1, 1, hidden_omega_0=20.0, generator=random_stream(0, "initial weights"))
    names = {
        "notebook": ["net.0.linear", "net.1.linear", "net.2"],
        "repository": ["net.net.0.0", "net.net.1.0", "net.net.2.0"],
        "siren-pytorch": ["layers.0", "layers.1", "last_layer"],
    }[convention]
    weights = {}
    for name, linear in zip(names, network.linears(), strict=True):
        weights |= {f"{name}.weight": linear.weight.detach().numpy(), f"{name}.bias": linear.bias.detach().numpy()}
    save_file(weights, "weights.safetensors")
    result = json_of(
        "import", "weights.safetensors", "-o", "net.lig", "--shape", "6x5", "--omega", 20, "--first-omega", 30
    )
    assert result["shape"] == [6, 5]
    row, column = torch.meshgrid(torch.linspace(-1, 1, 6), torch.linspace(-1, 1, 5), indexing="ij")
    wanted = network(torch.stack([row, column], dim=-1).reshape(-1, 2)).detach().reshape(6, 5, 1)
    assert_allclose(load("net.lig").sample().numpy(), wanted.numpy(), rtol=0, atol=1e-5)


def make_files(field: Path) -> None:
    assert run(["export", str(field), "-o", "photo.safetensors", "--quiet"]) == 0
    whole = Path("photo.safetensors").read_bytes()
    Path("cut.safetensors").write_bytes(whole[:2000])
    named = load_file("photo.safetensors")
    save_file({"net.0.linear.weight": named["net.0.linear.weight"]}, "one.safetensors")
    save_file({"embedding": np.zeros(3, np.float32)}, "other.safetensors")
    save_file(named, "plain.safetensors")
    save_file(named, "text.safetensors", {"ligeia": "{"})
    save_file(named | {"net.2.linear.bias": np.full(8, np.nan, np.float32)}, "nan.safetensors")
    save_file(named, "list.safetensors", {"ligeia": json.dumps([1, 2])})


REFUSED = [
    ("export photo.lig -o new.xyz", r"new.xyz: a field is exported as .onnx or .safetensors"),
    ("export photo.lig -o new", "a field is exported as"),
    ("export photo.lig -o none/new.onnx", "the folder none does not exist"),
    ("export missing.lig -o new.onnx", "missing.lig: no such file"),
    ("export photo.png -o new.onnx", "photo.png: a ligeia file begins with"),
    ("import missing.safetensors -o new.lig", "missing.safetensors: no such file"),
    ("import photo.png -o new.lig", "photo.png: not a safetensors file"),
    ("import cut.safetensors -o new.lig", "cut.safetensors: not a safetensors file"),
    ("import text.safetensors -o new.lig", "text.safetensors: the description is not JSON"),
    ("import list.safetensors -o new.lig", "list.safetensors: the key 'version' of the description is missing"),
    ("import plain.safetensors -o new.lig", "plain.safetensors: expected the shape of the samples, .* --shape 512x768"),
    (
        "import plain.safetensors -o new.lig --shape 5",
        "plain.safetensors: expected a network of 1 coordinates .* got 2 and 3",
    ),
    ("import plain.safetensors -o new.lig --shape 5xy", "a shape such as 768x1024"),
    ("import plain.safetensors -o new.lig --shape 5x5 --omega 0", "every omega must be positive and finite"),
    ("import nan.safetensors -o new.lig --shape 5x5", "nan.safetensors: net.2.linear.bias holds NaN"),
    ("import one.safetensors -o new.lig --shape 5x5", "expected 'net.0.linear.bias' by the notebook convention"),
    (
        "import other.safetensors -o new.lig --shape 5x5",
        "other.safetensors: expected weights named as .* got embedding",
    ),
    (
        "import photo.safetensors -o new.lig --shape 5x5",
        "photo.safetensors: expected no shape or omegas, an export of ligeia has its own",
    ),
    ("import photo.safetensors -o new.png", "new.png: a field is written as .lig"),
]


@pytest.mark.parametrize(("command", "wanted"), REFUSED, ids=range(len(REFUSED)))
def test_it_is_refused_in_one_line_and_nothing_is_written(
    command: str, wanted: str, field: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_files(field)
    before = sorted(field.parent.rglob("*"))
    assert run(command.split()) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("ligeia: ")
    assert captured.err.count("\n") == 1
    assert re.search(wanted, captured.err), captured.err
    assert sorted(field.parent.rglob("*")) == before


def test_without_the_extra_the_line_to_type_is_said(
    field: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert run(["export", str(field), "-o", "new.onnx"]) == 2
    captured = capsys.readouterr()
    assert "pip install 'ligeia[export]'" in captured.err
    assert captured.err.count("\n") == 1
    assert not Path("new.onnx").exists()
