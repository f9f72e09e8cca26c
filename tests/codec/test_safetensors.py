import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors.numpy import load, save

from ligeia.codec import FieldRecord, encode, read_named_tensors, read_record, read_safetensors, to_safetensors
from ligeia.core import FormatError, InputError
from ligeia.field import from_record
from ligeia.networks import Siren
from ligeia.signals import Axis, Box, Channel, Grid, ImageSource, Missing, Profile

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.lig"))


def record_of(**changed: Any) -> FieldRecord:
    read = read_record(next(path for path in GOLDEN if path.stem == "version_1_image"))
    mask = np.zeros((4, 6), bool)
    mask[1, 2:4] = True
    axes = (
        Axis(name="row", size=4, extent=(5.0, -5.0), unit="mm", ticks=(5.0, 4.0, 1.0, -5.0), footprint=Box(1.5)),
        Axis(name="column", size=6, footprint=Profile((1.0, 2.0, 1.0), 1.25)),
    )
    parts = {
        "network": read.network,
        "grid": Grid(axes),
        "channels": tuple(Channel(name=name, low=-0.1, high=1 / 3, unit="µV") for name in "abc"),
        "source": ImageSource(format="PNG", mode="RGB", dtype="uint8", icc_profile=bytes(range(256))),
        "tensors": read.tensors,
        "missing": Missing.of(mask),
    }
    return FieldRecord(**(parts | changed))


def write(record: FieldRecord, path: Path) -> Path:
    path.write_bytes(to_safetensors(record))
    return path


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_file_of_each_kind_comes_back(path: Path, tmp_path: Path) -> None:
    record = read_record(path)
    again = read_safetensors(write(record, tmp_path / "a.safetensors"))
    for one, other in zip(record.float_tensors(), again.float_tensors(), strict=True):
        assert_array_equal(one, other)
    assert (again.network, again.grid, again.channels) == (record.network, record.grid, record.channels)
    assert (again.source, again.missing) == (record.source, record.missing)


def test_everything_that_a_record_says_comes_back_byte_for_byte(tmp_path: Path) -> None:
    record = record_of()
    assert encode(read_safetensors(write(record, tmp_path / "a.safetensors"))) == encode(record)


def test_the_tensors_are_the_state_dict_of_a_siren(tmp_path: Path) -> None:
    record = record_of()
    named = {name: torch.from_numpy(tensor) for name, tensor in load(to_safetensors(record)).items()}
    network = Siren(2, 16, 2, 3)
    network.load_state_dict(named)
    points = torch.rand(20, 2)
    assert torch.equal(network(points), from_record(record).network(points))


def broken(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], str]:
    def text_of(described: dict[str, Any]) -> str:
        changed = copy.deepcopy(described)
        change(changed)
        return json.dumps(changed)

    return text_of


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], str], str]] = {
    "no JSON": (lambda _: "{", "the description is not JSON that can be read"),
    "too deep": (lambda _: "[" * 100_000, "the description is not JSON that can be read"),
    "a list": (lambda _: "[]", "the key 'version' of the description is missing"),
    "a long number": (lambda _: "9" * 10_000, "the description is not JSON that can be read"),
    "no network": (broken(lambda d: d.pop("network")), "the key 'network' of the description is missing"),
    "newer": (broken(lambda d: d.update(version=2)), "the description is of version 2, this ligeia reads 1"),
    "kind": (broken(lambda d: d["network"].update(kind="mlp")), "expected a network of siren, relu, .*, got 'mlp'"),
    "widths": (broken(lambda d: d["network"].update(widths=[2, 3])), "widths of the input, of each sine layer"),
    "other widths": (broken(lambda d: d["network"].update(widths=[2, 16, 16, 17, 3])), r"must be \(17, 16\)"),
    "width": (broken(lambda d: d["network"].update(widths=[2, 8, 8, 8, 3])), r"tensor 0 must be \(8, 2\)"),
    "omegas": (broken(lambda d: d["network"].update(omegas=[30.0])), "expected 3 omegas"),
    "NaN": (broken(lambda d: d["network"].update(omegas=[float("nan")] * 3)), "expected finite numbers"),
    "infinite": (broken(lambda d: d["network"].update(omegas=["x"] * 3)), "omegas must be a number, got 'x'"),
    "layers": (broken(lambda d: d["network"].update(widths=[2, 16, 16, 16, 16, 3])), "expected 4 omegas"),
    "align": (broken(lambda d: d["grid"].update(align="left")), "align must be centers or corners, got 'left'"),
    "no axis": (broken(lambda d: d["grid"].update(axes=[])), "a grid needs at least one axis"),
    "size": (broken(lambda d: d["grid"]["axes"][0].update(size="4")), "axis size must be a whole number, got '4'"),
    "no size": (broken(lambda d: d["grid"]["axes"][0].pop("size")), "the key 'size' is missing in the axis"),
    "sizes": (broken(lambda d: d["grid"]["axes"][0].update(size=2**62, ticks=[])), "at most 2"),
    "bool": (broken(lambda d: d["grid"]["axes"][0].update(size=True)), "axis size must be a whole number"),
    "extent": (broken(lambda d: d["grid"]["axes"][1].update(extent=[0])), "axis extent must be a list of two numbers"),
    "huge": (broken(lambda d: d["grid"]["axes"][1].update(extent=[0, 10**400])), "not JSON that can be read"),
    "footprint": (broken(lambda d: d["grid"]["axes"][1].update(footprint={"kind": "disk"})), "kind of a footprint"),
    "a typo": (broken(lambda d: d["channels"][0].update(hihg=1)), "the keys in the channel are name, low, high, unit"),
    "range": (broken(lambda d: d["channels"][0].update(low=5)), "needs a finite range low < high"),
    "channels": (broken(lambda d: d["channels"].pop()), "there are 2 channels"),
    "source": (broken(lambda d: d["source"].update(kind="disk")), "the kind of a source must be one of array, image"),
    "base64": (broken(lambda d: d["source"].update(icc_profile="?")), "not JSON that can be read"),
    "orientation": (broken(lambda d: d["source"].update(orientation=9)), "orientation must lie in 1 to 8, got 9"),
    "mask": (broken(lambda d: d["missing"].update(count=3)), "expected 3 missing samples, got others"),
    "no mask": (broken(lambda d: d["missing"].update(mask="")), "mask"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_description_that_does_not_hold_is_refused(name: str, tmp_path: Path) -> None:
    data = to_safetensors(record_of())
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    text = read_named_tensors(path)[0]
    assert text is not None
    text_of, match = BROKEN[name]
    path.write_bytes(save(load(data), {"ligeia": text_of(json.loads(text))}))
    with pytest.raises(FormatError, match=rf"a\.safetensors: .*{match}"):
        read_safetensors(path)


BROKEN_SCENES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "cameras": (lambda d: d.update(cameras=3), "source cameras must be a list of cameras, got '3'"),
    "no camera": (lambda d: d["cameras"].pop(), "expected a name for each of 2 cameras, got 3"),
    "pose": (lambda d: d["cameras"][0]["pose"].pop(), "pose must be 3 lists of 4 numbers each"),
    "texts": (lambda d: d["cameras"][0].update(pose=[["x"] * 4] * 3), "pose must be a number, got 'x'"),
    "shear": (lambda d: d["cameras"][0].update(pose=[[1, 2, 3, 4]] * 3), "expected a rigid pose"),
    "NaN": (lambda d: d["cameras"][1].update(k1=float("nan")), "expected finite numbers"),
    "shape": (lambda d: d["cameras"][1].update(shape=[3]), "camera shape must be a list of two whole numbers"),
    "background": (lambda d: d.update(background=[0, 1]), "source background must be a list of three numbers"),
    "a typo": (lambda d: d["cameras"][0].update(k4=0.1), "the keys in the camera are pose, focal_lengths"),
}


@pytest.mark.parametrize("name", BROKEN_SCENES)
def test_a_description_of_a_scene_that_does_not_hold_is_refused(name: str, tmp_path: Path) -> None:
    scene = next(path for path in GOLDEN if path.stem == "version_1_scene")
    path = write(read_record(scene), tmp_path / "a.safetensors")
    text, named = read_named_tensors(path)
    assert text is not None
    change, match = BROKEN_SCENES[name]
    text_of = broken(lambda described: change(described["source"]))
    path.write_bytes(save(dict(named), {"ligeia": text_of(json.loads(text))}))
    with pytest.raises(FormatError, match=rf"a\.safetensors: .*{match}"):
        read_safetensors(path)


def without(named: dict[str, np.ndarray]) -> None:
    del named["net.1.linear.bias"]


def surplus(named: dict[str, np.ndarray]) -> None:
    named["net.9.weight"] = named["net.3.weight"]


def of_another_shape(named: dict[str, np.ndarray]) -> None:
    named["net.1.linear.weight"] = np.zeros((16, 15), np.float32)


def of_integers(named: dict[str, np.ndarray]) -> None:
    named["net.1.linear.weight"] = np.zeros((16, 16), np.int32)


def with_nan(named: dict[str, np.ndarray]) -> None:
    named["net.1.linear.weight"][3, 4] = np.nan


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (without, "'net.1.linear.bias' is missing"),
        (surplus, "'net.9.weight' is none of them"),
        (of_another_shape, r"tensor 2 must be \(16, 16\) for this network, got \(16, 15\)"),
        (of_integers, "tensor 2 must be float32 or float16, got int32"),
        (with_nan, "tensor 2 holds NaN or infinite weights"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    change: Callable[[dict[str, np.ndarray]], None], match: str, tmp_path: Path
) -> None:
    data = to_safetensors(record_of(missing=None))
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    text = read_named_tensors(path)[0]
    assert text is not None
    named = {name: tensor.copy() for name, tensor in load(data).items()}
    change(named)
    path.write_bytes(save(named, {"ligeia": text}))
    with pytest.raises(FormatError, match=match):
        read_safetensors(path)


@pytest.mark.parametrize("length", [0, 7, 8, 100, 3000])
def test_a_file_that_is_cut_short_is_refused(length: int, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(to_safetensors(record_of())[:length])
    with pytest.raises(InputError, match=r"not a safetensors file|the file is empty"):
        read_safetensors(path)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(save({"weight": np.zeros(3, np.float32)}))
    with pytest.raises(FormatError, match="there are none; ligeia did not write it"):
        read_safetensors(path)
