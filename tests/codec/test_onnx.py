import json
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.testing import assert_allclose
from onnx.reference import ReferenceEvaluator

from ligeia.codec import to_onnx
from ligeia.core import MissingExtraError, random_stream
from ligeia.field import Field, from_record, to_record
from ligeia.networks import Siren
from ligeia.signals import Axis, Channel, Grid

ROUND = Axis(name="lon", size=9, extent=(0.0, 360.0), unit="degrees_east", is_periodic=True)
GRIDS = {
    "one axis": Grid.of((50,)),
    "two axes": Grid.of((9, 7), align="corners"),
    "periodic": Grid((Axis(name="t", size=3, unit="days"), Axis(name="lat", size=7), ROUND)),
}


def field_on(grid: Grid, *, outermost_linear: bool = True) -> Field:
    network = Siren(
        grid.num_inputs,
        32,
        2,
        2,
        outermost_linear=outermost_linear,
        hidden_omega_0=20.0,
        generator=random_stream(1, "initial weights"),
    )
    return Field(
        network, grid, [Channel(name="u", low=-3.0, high=7.0, unit="m/s"), Channel(name="v", low=0.0, high=255.0)]
    )


def run(model: bytes, points: np.ndarray) -> np.ndarray:
    return np.asarray(onnxruntime.InferenceSession(model).run(["values"], {"points": points})[0])


def points_of(field: Field) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (10_000, field.grid.num_axes)).astype(np.float32)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("outermost_linear", [True, False])
def test_onnxruntime_gives_the_values_of_torch(name: str, outermost_linear: bool) -> None:
    field = field_on(GRIDS[name], outermost_linear=outermost_linear)
    points = points_of(field)
    got = run(to_onnx(to_record(field)), points)
    half_ranges = np.array([5.0, 127.5])
    wanted = field(torch.from_numpy(points)).detach().numpy()
    assert_allclose(got / half_ranges, wanted / half_ranges, rtol=0, atol=1e-5)
    assert run(to_onnx(to_record(field)), points[:1]).shape == (1, 2)


def test_the_evaluator_of_the_standard_agrees() -> None:
    field = field_on(GRIDS["periodic"])
    points = points_of(field)[:500]
    model = onnx.load_from_string(to_onnx(to_record(field)))
    got = ReferenceEvaluator(model).run(None, {"points": points})
    assert isinstance(got, list)
    assert_allclose(
        np.asarray(got[0])[:, 0] / 5, field(torch.from_numpy(points)).detach().numpy()[:, 0] / 5, rtol=0, atol=1e-5
    )


def test_a_periodic_axis_has_the_same_value_a_turn_further() -> None:
    field = field_on(GRIDS["periodic"])
    points = points_of(field)[:100]
    further = points + np.array([0, 0, 2], np.float32)
    one, other = (run(to_onnx(to_record(field)), each) for each in (points, further))
    assert_allclose(one, other, rtol=0, atol=2e-3)  # of 255: the shift itself rounds


def test_the_model_says_what_it_is() -> None:
    record = to_record(field_on(GRIDS["periodic"]))
    model = onnx.load_from_string(to_onnx(record))
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 13)]
    assert model.ir_version == 8
    kept = {each.key: json.loads(each.value) for each in model.metadata_props}
    assert kept["units"] == {"points": ["days", "", "degrees_east"], "values": ["m/s", ""]}
    assert [axis["name"] for axis in kept["grid"]["axes"]] == ["t", "lat", "lon"]
    assert kept["channels"][0] == {"name": "u", "low": -3.0, "high": 7.0, "unit": "m/s"}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"
    assert to_onnx(record) == to_onnx(to_record(from_record(record)))  # the same field, the same bytes


def test_without_onnx_the_line_to_type_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"onnx, which is not installed .* pip install 'ligeia\[export\]'"):
        to_onnx(to_record(field_on(GRIDS["one axis"])))
