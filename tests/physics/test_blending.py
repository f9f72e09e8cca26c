"""Blending against the sparse solution of Poisson's equation, and what it must keep exactly."""

import numpy as np
import pytest

from ligeia import equations, fitting
from ligeia.core import InputError
from ligeia.physics import Blending
from oracles import blending as oracle

SHAPE = (26, 34)


def pictures(channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return two textures in gray levels, of other brightness."""
    rows, columns = np.meshgrid(*[np.arange(size) for size in SHAPE], indexing="ij")
    noise = np.random.default_rng(0).normal(0, 4, (2, *SHAPE, channels))
    source = 90 + 30 * np.sin(rows / 3 + columns / 5)[..., None] * np.arange(1, channels + 1) / channels
    target = 150 + 40 * np.cos(columns / 6 - rows / 9)[..., None] * np.ones(channels)
    return source + noise[0], target + noise[1]


def disk() -> np.ndarray:
    rows, columns = np.meshgrid(*[np.arange(size) for size in SHAPE], indexing="ij")
    return ((rows - 12) / 9) ** 2 + ((columns - 16) / 12) ** 2 < 1


def corner() -> np.ndarray:
    """Return a mask that touches two sides of the picture."""
    mask = np.zeros(SHAPE, bool)
    mask[:14, :19] = True
    return mask


@pytest.mark.parametrize("mask", [disk(), corner()], ids=["disk", "corner"])
@pytest.mark.parametrize("mixed", [False, True], ids=["seamless", "mixed"])
def test_a_blend_is_that_of_the_sparse_solution(mask: np.ndarray, mixed: bool) -> None:
    source, target = pictures()
    found = equations.blend(source, target, mask, mixed=mixed, stop=fitting.passes(220), hidden_features=64)
    wanted = oracle.blended(source, target, mask, mixed=mixed)
    assert np.array_equal(found.values[~mask], target[~mask])
    distance = np.sqrt(np.square(found.values - wanted)[mask].mean())
    assert distance < 0.03 * np.sqrt(np.square(wanted - source)[mask].mean())
    least = oracle.errors(wanted, source, target, mask, mixed=mixed)
    assert found.gradient_error < 1.05 * least[0]
    assert found.boundary_jump < 1.05 * least[1]


@pytest.mark.parametrize("mixed", [False, True], ids=["seamless", "mixed"])
def test_errors_are_those_of_pairs_counted_one_by_one(mixed: bool) -> None:
    source, target = pictures(channels=1)
    any_picture = target + np.random.default_rng(1).normal(size=target.shape)
    for mask in (disk(), corner()):
        found = Blending(source, target, mask, mixed=mixed).errors(any_picture)
        assert found == pytest.approx(oracle.errors(any_picture, source, target, mask, mixed=mixed))


def test_the_sparse_solution_leaves_nothing_to_find() -> None:
    source, target = pictures()
    problem = Blending(source, target, corner(), mixed=True)
    best = oracle.blended(source, target, corner(), mixed=True)
    (top, bottom), (left, right) = problem.region
    change = (best - problem.base)[top:bottom, left:right]
    assert np.allclose(problem.picture(change), best)
    assert problem.region == ((0, 14), (0, 19))
    assert problem.grid.shape == (14, 19)


def test_the_base_is_the_source_and_with_mixed_gradients_the_target_where_that_varies_more() -> None:
    source, target = pictures()
    assert np.array_equal(Blending(source, target, disk()).base, source)
    flat = np.full_like(source, 80.0)
    assert np.allclose(Blending(flat, target, disk(), mixed=True).base[disk()], target[disk()])


def test_a_single_pixel_and_pictures_that_are_alike_have_their_answer() -> None:
    source, target = pictures(channels=1)
    mask = np.zeros(SHAPE, bool)
    mask[7, 9] = True
    found = equations.blend(source, target, mask, stop=fitting.passes(200), hidden_features=16)
    assert np.allclose(found.values, oracle.blended(source, target, mask), atol=0.5)
    assert found.gradient_error == 0.0
    same = equations.blend(target, target, disk(), stop=fitting.passes(60), hidden_features=16)
    assert np.allclose(same.values, target, atol=0.05)


def test_gray_goes_into_color_and_bytes_into_words() -> None:
    rows, columns = np.mgrid[0:20, 0:24]
    gray = ((rows * 5 + columns * 3) % 256).astype(np.uint8)
    color = np.stack([rows * 900, columns * 900, rows * columns * 90], axis=-1).astype(np.uint16)
    mask = np.zeros((20, 24), np.uint8)
    mask[5:15, 6:18] = 255
    found = equations.blend(gray, color, mask, stop=fitting.passes(100), hidden_features=32)
    wide = np.repeat(gray[..., None] * 257.0, 3, axis=-1)
    wanted = oracle.blended(wide, color.astype(float), mask > 127)
    assert np.abs(found.values - wanted).max() < 0.05 * np.ptp(wanted)
    assert (found.channels[0].low, found.channels[0].high) == (0.0, 65535.0)


@pytest.mark.parametrize(
    ("source", "target", "mask", "message"),
    [
        ((9, 8), (8, 9), (8, 9), r"of one size .* got 9 x 8, 8 x 9, 8 x 9; cut or pad"),
        ((8, 9, 3), (8, 9), (8, 9), "expected a source of 1 channel for a gray target, got 3"),
        (
            (8, 9, 4),
            (8, 9, 3),
            (8, 9),
            "expected a gray or RGB picture without alpha, its channels are red, green, blue, alpha",
        ),
        ((8, 9), (8, 9, 5), (8, 9), "expected a picture, got a signal of kind array with 3 axes"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(
    source: tuple[int, ...], target: tuple[int, ...], mask: tuple[int, ...], message: str
) -> None:
    drawn = np.zeros(mask, np.uint8)
    drawn[3:5, 3:5] = 255
    with pytest.raises(InputError, match=message):
        equations.blend(np.zeros(source, np.uint8), np.zeros(target, np.uint8), drawn)


def test_integers_and_floats_do_not_mix_and_a_mask_needs_both() -> None:
    bytes_, floats, mask = np.zeros((8, 9), np.uint8), np.eye(8, 9), np.eye(8, 9) > 0
    with pytest.raises(
        InputError, match="expected a source and a target of integers, or neither, got float64 and uint8"
    ):
        equations.blend(floats, bytes_, mask)
    with pytest.raises(InputError, match="a mask that is white somewhere"):
        equations.blend(bytes_, bytes_, np.zeros_like(mask))
    with pytest.raises(InputError, match="a mask that is black somewhere"):
        equations.blend(bytes_, bytes_, np.ones_like(mask))
