"""Scattered samples through whole files: what is held out, at places, as pictures. Oracles: closed forms, counts."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ligeia.cli import run
from ligeia.core import InputError, SampleError
from ligeia.field import Field, load, save
from ligeia.files import compare, decode, decode_at, render, values_at
from ligeia.fitting import passes
from ligeia.formats import read_columns, write_columns
from ligeia.networks import Siren
from ligeia.recipes import fast, fit, hold_out
from ligeia.reports import draw_report
from ligeia.signals import Channel, Signal, from_array, from_points

pytest_plugins = ["support.fixtures"]
Json = Callable[..., dict[str, Any]]
RANDOM = np.random.default_rng(0)


def scattered(count: int = 200, *, axes: int = 2) -> Signal:
    points = np.random.default_rng(0).uniform(0, 3, (count, axes))
    values = np.stack([np.sin(points.sum(axis=1)), points[:, 0]], axis=1)
    return from_points(points, values, channels=["wave", "slope"], box=[(0.0, 3.0)] * axes)


def tilted(signal: Signal) -> Field:
    """Return a field over the domain of a signal whose values are known in closed form."""
    field = Field(Siren(2, 8, 1, 1), signal.grid, [Channel(name="w", low=-11.0, high=11.0)], signal.source)
    field.network.forward = lambda x: x @ torch.tensor([[1.0], [10.0]], dtype=x.dtype) / 11  # pyright: ignore
    return field


def test_a_tenth_is_held_out_and_the_rest_is_kept() -> None:
    signal = scattered()
    kept, held_out = hold_out(signal, 0.1)
    assert held_out is not None
    assert kept.points is not None
    assert signal.points is not None
    assert (kept.num_samples, len(held_out.indices)) == (180, 20)
    together = np.concatenate([kept.points, signal.points[held_out.indices]])
    assert np.array_equal(np.unique(together, axis=0), np.unique(signal.points, axis=0))
    place = {tuple(point): tuple(row) for point, row in zip(signal.points, signal.values, strict=True)}
    assert all(place[tuple(point)] == tuple(row) for point, row in zip(kept.points, kept.values, strict=True))


def test_the_seed_says_which_are_held_out() -> None:
    first, second, third = (hold_out(scattered(), 0.2, seed=seed)[1] for seed in (3, 3, 4))
    assert first is not None
    assert second is not None
    assert third is not None
    assert np.array_equal(first.indices, second.indices)
    assert not np.array_equal(first.indices, third.indices)


@pytest.mark.parametrize("masked", [False, True])
def test_samples_of_a_grid_are_held_out_as_missing_ones(masked: bool) -> None:
    array = np.ma.masked_array(RANDOM.normal(size=(20, 30)), mask=np.arange(600).reshape(20, 30) % 3 == 0)
    signal = from_array(array if masked else array.data)
    kept, held_out = hold_out(signal, 0.25)
    assert held_out is not None
    there = np.ones(600, bool) if signal.missing is None else ~signal.missing.mask()
    assert len(held_out.indices) == round(0.25 * there.sum())
    assert there[held_out.indices].all()
    assert kept.missing is not None
    there[held_out.indices] = False
    assert np.array_equal(kept.missing.mask(), ~there)


@pytest.mark.parametrize(("count", "fraction", "held"), [(2, 0.5, 0), (3, 0.1, 1), (200, 0.0, 0), (200, 1e-9, 1)])
def test_a_fit_keeps_two_samples_at_least(count: int, fraction: float, held: int) -> None:
    kept, held_out = hold_out(scattered(count), fraction)
    assert kept.num_samples == count - held
    assert (0 if held_out is None else len(held_out.indices)) == held


@pytest.mark.parametrize("fraction", [-0.1, 1.0, math.nan])
def test_a_share_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(InputError, match="expected a share of samples to hold out from 0 to below 1, got"):
        hold_out(scattered(), fraction)


def test_the_held_out_error_is_that_of_the_definition() -> None:
    signal = from_points(RANDOM.uniform(size=(50, 2)), RANDOM.normal(size=50), box=[(0, 1), (0, 1)])
    _, held_out = hold_out(signal, 0.3)
    assert held_out is not None
    assert signal.points is not None
    found = held_out.quality(tilted(signal))
    places = signal.points[held_out.indices].astype(np.float64)
    wanted = signal.values[held_out.indices, 0]
    got = places[:, 0] + 10 * places[:, 1]
    assert found.num_points == 15
    assert found.relative_l2 == pytest.approx(np.linalg.norm(got - wanted) / np.linalg.norm(wanted), rel=1e-5)
    (channel,) = signal.channels
    error = np.mean((got.clip(channel.low, channel.high) - wanted) ** 2)
    assert found.psnr_db == pytest.approx(10 * np.log10((channel.high - channel.low) ** 2 / error), abs=1e-4)


def test_values_at_places_are_those_of_the_field() -> None:
    signal = from_points(np.array([[1000.0, 5.0], [1002.0, 9.0], [1001.0, 6.0]]), np.array([1.0, 2.0, 3.0]))
    places = np.array([[1000.0, 9.0], [1001.5, 7.0], [1002.0, 5.0]])
    assert np.allclose(values_at(tilted(signal), places)[:, 0], [-1 + 10, 0.5 + 0, 1 - 10], atol=1e-5)
    with pytest.raises(InputError, match=r"expected places within x 1000 to 1002, y 5 to 9, 2 of 2 .* index 0: 999, 6"):
        values_at(tilted(signal), np.array([[999.0, 6.0], [1001.0, math.nan]]))


@pytest.mark.parametrize("ending", [".csv", ".npz"])
def test_a_table_gets_the_values_of_the_field_beside_its_places(ending: str, tmp_path: Path) -> None:
    signal = from_points(np.array([[0.0, 0.0], [2.0, 4.0]]), np.array([1.0, 2.0]))
    (tmp_path / "places.csv").write_text("name,y,x\na,0,2\nb,3,1\n")
    assert decode_at(tilted(signal), tmp_path / "places.csv", tmp_path / f"out{ending}") == 2
    found = {each.name: each.numbers.tolist() for each in read_columns(tmp_path / f"out{ending}", ["x", "y", "w"])}
    assert found == {"x": [2, 1], "y": [0, 3], "w": pytest.approx([1 - 10, 0 + 5])}
    with pytest.raises(InputError, match=r"values at places are written as .csv or .npz"):
        decode_at(tilted(signal), tmp_path / "places.csv", tmp_path / "out.mat")


def test_a_picture_has_the_first_coordinate_to_the_right_and_the_second_upwards(tmp_path: Path) -> None:
    field = tilted(from_points(np.array([[0.0, 0.0], [2.0, 4.0]]), np.array([1.0, 2.0])))
    assert render(field, tmp_path / "a.png", shape=(6, 9)) == (6, 9)
    with Image.open(tmp_path / "a.png") as image:
        seen = np.asarray(image).astype(int)
    assert seen.shape == (9, 6)
    assert (np.diff(seen, axis=0) < 0).all()  # y falls from the top
    assert (np.diff(seen, axis=1) > 0).all()


def test_an_archive_of_a_rendering_has_its_coordinates(tmp_path: Path) -> None:
    field = tilted(from_points(np.array([[0.0, 0.0], [2.0, 4.0]]), np.array([1.0, 2.0])))
    render(field, tmp_path / "a.npz", shape=(4, 2))
    with np.load(tmp_path / "a.npz") as found:
        assert found["x"].tolist() == [0.25, 0.75, 1.25, 1.75]
        assert found["y"].tolist() == [1.0, 3.0]
        assert np.allclose(found["w"], (found["x"] - 1)[:, None] + 10 * (found["y"] / 2 - 1), atol=1e-5)
    with pytest.raises(InputError, match="name them with --at, or sample a grid"):
        decode(field, tmp_path / "a.csv")


def test_a_field_is_compared_with_a_table(tmp_path: Path) -> None:
    field = fit(
        from_points(np.array([[0.0, 0.0], [2.0, 4.0]]), np.array([1.0, 2.0])), stop=passes(1), hidden_features=8
    )
    save(field, tmp_path / "a.lig")
    places = np.array([[0.5, 1.0], [2.0, 3.5], [1.0, 0.0]])
    write_columns(tmp_path / "a.csv", {"value": np.array([1.0, 1.5, 3.0]), "y": places[:, 1], "x": places[:, 0]})
    found = compare(tmp_path / "a.csv", tmp_path / "a.lig")
    errors = field.physical(torch.from_numpy(places).float()).detach().numpy()[:, 0] - [1.0, 1.5, 3.0]
    assert found.shape == (3,)
    assert found.mse == pytest.approx(np.mean(errors**2), rel=1e-5)
    assert found.relative_l2 == pytest.approx(np.linalg.norm(errors) / np.linalg.norm([1.0, 1.5, 3.0]), rel=1e-5)
    write_columns(tmp_path / "a.csv", {"value": np.array([np.nan]), "y": np.array([1.0]), "x": np.array([1.0])})
    with pytest.raises(SampleError, match=r"expected finite numbers, one at least, in x, y and the values"):
        compare(tmp_path / "a.csv", tmp_path / "a.lig")


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("held", [False, True])
def test_a_report_is_drawn_of_scattered_samples(axes: int, held: bool, tmp_path: Path) -> None:
    signal = scattered(60, axes=axes)
    kept, held_out = hold_out(signal, 0.2 if held else 0)
    field = fit(kept, stop=passes(1), hidden_features=8, hidden_layers=1)
    draw_report(field, signal, tmp_path / "report.png", held_out)
    with Image.open(tmp_path / "report.png") as image:
        assert image.width == 1600
        assert np.asarray(image.convert("L")).std() > 10


def test_a_first_layer_turns_by_what_scattered_samples_can_tell() -> None:
    points = RANDOM.uniform(0, (4, 1), (3600, 2))
    points[0], points[1] = 0, (4, 1)
    found = fast().first_frequencies(from_points(points, points[:, 0]), 30.0)
    assert [each.omega for each in found] == pytest.approx([0.15 * 120, 0.15 * 30])
    assert found[0].reason == "0.15 radians per sample, at most"


def test_scattered_samples_are_learned_and_foretold_between() -> None:
    points = np.random.default_rng(1).uniform(-1, 1, (1500, 2))
    wave = np.sin(5 * points[:, 0] + 2) * np.cos(4 * points[:, 1])
    kept, held_out = hold_out(from_points(points, wave), 0.1)
    assert held_out is not None
    field = fit(kept, stop=passes(150), hidden_features=64, hidden_layers=2)
    assert held_out.quality(field).relative_l2 < 0.02


def test_the_command_reports_what_was_held_out_and_keeps_the_original_mask(folder: Path, json_of: Json) -> None:
    row, column = RANDOM.uniform(size=(2, 90))
    (folder / "flow.csv").write_text(
        "x,y,w\n" + "".join(f"{x},{y},{x * y}\n" for x, y in zip(row, column, strict=True))
    )
    words = ["fit", "flow.csv", "-o", "flow.lig", "--coordinates", "x,y", "--values", "w", "--passes", "2"]
    result = json_of(*words, "--hidden-features", "8", "--report", "flow.png")
    assert (result["num_samples"], result["num_held_out"]) == (81, 9)
    assert 0 < result["held_out_relative_l2"] < 100
    assert math.isfinite(result["held_out_psnr_db"])
    assert json_of(*words, "--hidden-features", "8", "--hold-out", "0").keys().isdisjoint({"num_held_out"})
    boxed = json_of(*words, "--hidden-features", "8", "--box", "-1:2,-0.5:1.5")
    assert boxed["num_samples"] == 81
    axes = json_of("info", "flow.lig")["axes"]
    assert [(axis["name"], axis["extent"]) for axis in axes] == [("x", [-1, 2]), ("y", [-0.5, 1.5])]
    assert json_of("decode", "flow.lig", "--at", "flow.csv", "-o", "again.csv")["shape"] == [90]
    words = ["fit", "photo.png", "-o", "photo.lig", "--passes", "1", "--hidden-features", "8"]
    gridded = json_of(*words, "--hold-out", "0.25")
    assert (gridded["num_samples"], gridded["num_held_out"]) == (144, 48)
    assert load(folder / "photo.lig").missing is None


def test_people_read_what_was_held_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "line.csv").write_text("t,u\n" + "".join(f"{t},{t * t}\n" for t in range(50)))
    words = "fit line.csv -o line.lig --coordinates t --values u --passes 1 --hidden-features 8"
    assert run(words.split()) == 0
    assert "held out, 5 samples: relative L2 " in capsys.readouterr().out
