"""What is asked of a fit: one object for the command line and Python. Oracles: the files that both write."""

from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import torch
import xarray as xr
from PIL import Image

import ligeia as lg
from ligeia.cli import run
from ligeia.core import InputError
from ligeia.formats import PointColumns
from ligeia.physics import Smoothness
from ligeia.recipes import FitOptions, FitRequest, fast, paper, plan_fit
from ligeia.signals import from_array

pytest_plugins = ["support.fixtures"]
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
SMALL: dict[str, Any] = {"stop": lg.passes(2), "hidden_features": 8}


def test_the_keywords_of_fit_are_the_fields_of_a_request_and_as_optional() -> None:
    assert get_type_hints(FitOptions) == get_type_hints(FitRequest)
    assert FitOptions.__required_keys__ == frozenset()
    assert list(FitOptions.__annotations__) == [each.name for each in fields(FitRequest)]


def test_keywords_change_a_request_and_an_unknown_one_is_an_error() -> None:
    request = FitRequest(stop=lg.passes(2), hidden_features=8, seed=3)
    weights = [
        torch.cat([each.detach().ravel() for each in field.network.parameters()])
        for field in (
            lg.fit(PIXELS, request),
            lg.fit(PIXELS, **SMALL, seed=3),
            lg.fit(PIXELS, FitRequest(stop=lg.passes(9), hidden_features=8), seed=3, stop=lg.passes(2)),
            lg.fit(PIXELS, request, seed=4),
        )
    ]
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[3])
    misspelt: dict[str, Any] = {"hiden_features": 8}
    with pytest.raises(TypeError, match="no keyword 'hiden_features'; did you mean hidden_features"):
        lg.fit(PIXELS, **misspelt)


def test_one_periodic_axis_needs_no_tuple() -> None:
    assert FitRequest(periodic="lon") == FitRequest(periodic=("lon",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stop": 30}, r"expected a stop rule such as psnr\(40\) \| seconds\(30\), got 30"),
        ({"recipe": "slow"}, "the recipe must be fast or paper, got 'slow'"),
        (
            {"recipe": "paper", "configuration": fast()},
            "a configuration is a recipe of its own; leave the recipe paper",
        ),
        (
            {"recipe": "paper", "prior": Smoothness(hessian=1.0)},
            "a prior brings its own recipe; leave the recipe paper",
        ),
        ({"configuration": paper(), "prior": Smoothness(hessian=1.0)}, "leave the configuration out"),
        ({"mask": PIXELS, "hold_out": 0.1}, "mask and hold_out both say what is not fitted; leave one of them out"),
        (
            {"network": "finer"},
            r"expected an architecture such as lg.Finer\(omega=40\) as the network, got str; leave it out",
        ),
        ({"prior": "tv"}, r"expected a prior such as physics.Smoothness\(total_variation=1e-4\), got 'tv'"),
        ({"network": lg.Finer(), "hidden_features": 8}, "the sizes of a network finer are its own; leave hidden_feat"),
    ],
)
def test_what_contradicts_itself_is_refused_at_once(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(InputError, match=message):
        FitRequest(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"footprint": "disk"}, "expected a footprint of point, box, bicubic, got 'disk'"),
        ({"objective": "distance"}, "photo.png: the objective distance is for surfaces"),
        ({"network": lg.ReluMlp(), "first_omegas": [9.0]}, "the first layer of a network relu has no frequency; leave"),
        ({"first_omegas": [9.0, 8.0, 7.0]}, r"a frequency above 0 for each axis \(row, column\)"),
        (
            {"prior": Smoothness(hessian=1.0), "network": lg.ReluMlp()},
            "expected a network with a continuous gradient for second derivatives, that of relu",
        ),
        ({"variable": "v"}, "photo.png: this kind of file holds one signal, so 'v' cannot be chosen"),
    ],
)
def test_what_cannot_be_said_of_a_signal_is_refused_before_the_fit(
    folder: Path, options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(InputError, match=message):
        plan_fit("photo.png", FitRequest(**options))


TABLE = PointColumns(coordinates=("x", "y"), values=("w",))
SAME: list[tuple[str, str, dict[str, Any]]] = [
    ("photo.png", "--footprint box --hold-out 0.1 --seed 3", {"footprint": "box", "hold_out": 0.1, "seed": 3}),
    ("photo.png", "--mask mask.png --prior tv", {"mask": "mask.png", "prior": Smoothness(total_variation=0.1)}),
    ("sst.nc", "--variable sst --periodic lon", {"variable": "sst", "periodic": ("lon",)}),
    ("flow.csv", "--coordinates x,y --values w", {"columns": TABLE}),
    (
        "photo.png",
        "--recipe paper --omega 20 --hidden-layers 1",
        {"recipe": "paper", "omega_0": 20.0, "hidden_layers": 1},
    ),
    ("photo.png", "--first-omega 9,12 --bytes 9000", {"first_omegas": [9.0, 12.0], "most_bytes": 9000}),
    ("photo.png", "--network finer:omega=40 --bytes 9000", {"network": lg.Finer(omega=40.0), "most_bytes": 9000}),
]


@pytest.mark.parametrize(("source", "words", "options"), SAME, ids=[f"{source} {words}" for source, words, _ in SAME])
def test_python_and_the_command_write_the_same_file(
    folder: Path, source: str, words: str, options: dict[str, Any]
) -> None:
    mask = np.zeros((12, 16), np.uint8)
    mask[3:9, :8] = 255
    Image.fromarray(mask).save("mask.png")
    values = np.random.default_rng(1).normal(size=(5, 8)).astype(np.float32)
    values[1, 2] = np.nan
    axes = {"lat": np.linspace(-60.0, 60.0, 5), "lon": np.arange(0.0, 360.0, 45.0)}
    xr.Dataset(dict.fromkeys(("sst", "ice"), (("lat", "lon"), values)), coords=axes).to_netcdf("sst.nc")
    places = np.random.default_rng(2).uniform(size=(40, 2))
    (folder / "flow.csv").write_text("x,y,w\n" + "".join(f"{x},{y},{x * y}\n" for x, y in places))
    width = [] if "--bytes" in words else ["--hidden-features", "8"]
    assert run(["fit", source, "-o", "typed.lig", "--passes", "2", *width, *words.split(), "--quiet"]) == 0
    lg.save(lg.fit(source, **({"stop": SMALL["stop"]} if "--bytes" in words else SMALL), **options), "called.lig")
    assert (folder / "called.lig").read_bytes() == (folder / "typed.lig").read_bytes()


def test_samples_held_out_are_measured_and_not_missing_in_the_field() -> None:
    array = np.random.default_rng(0).normal(size=(20, 30))
    array[2, 3] = np.nan
    signal = from_array(np.ma.masked_invalid(array))
    plan = plan_fit(signal, FitRequest(**SMALL, hold_out=0.25))
    field = plan.fit().field
    assert field.missing is not None
    assert field.missing.num_missing == 1
    assert field.report is not None
    found = field.report.held_out
    assert found is not None
    assert found.num_points == 150
    predicted = field.sample().numpy()[..., 0]
    chosen = np.unravel_index(plan.held_out.indices, array.shape)  # type: ignore[union-attr]
    errors = (predicted - array)[chosen]
    assert found.relative_l2 == pytest.approx(np.linalg.norm(errors) / np.linalg.norm(array[chosen]), rel=1e-4)
    whole = lg.fit(signal, **SMALL).report
    assert whole is not None
    assert whole.held_out is None
