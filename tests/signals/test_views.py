"""Views: what a picture's numbers mean, and sets of views that cannot be."""

from typing import Any

import numpy as np
import pytest

from ligeia.core import InputError, SampleError, ShapeError
from ligeia.signals import Camera, Views

RGBA = np.array([[[255, 51, 0, 255], [255, 51, 0, 102]]], np.uint8)
GRAY = np.array([[[0], [65535]]], np.uint16)
RGB = np.array([[[0.0, 0.25, 1.0], [0.5, 0.5, 0.5]]], np.float32)


def cameras(count: int) -> tuple[Camera, ...]:
    return tuple(
        Camera.looking((float(number), 0.0, 4.0), (0.0, 0.0, 0.0), shape=(1, 2)) for number in range(1, count + 1)
    )


def views(*pictures: np.ndarray, **other: Any) -> Views:
    names = tuple(f"images/{number}.png" for number in range(len(pictures)))
    return Views(**{"cameras": cameras(len(pictures)), "names": names, "pictures": pictures} | other)


def test_colors_are_premultiplied_gray_is_repeated_and_alpha_is_1_where_there_is_none() -> None:
    found = views(RGBA, GRAY, RGB)
    assert np.allclose(found.rgba(0), [[[1, 0.2, 0, 1], [0.4, 0.08, 0, 0.4]]])
    assert np.array_equal(found.rgba(1), [[[0, 0, 0, 1], [1, 1, 1, 1]]])
    assert np.array_equal(found.rgba(2), [[[0, 0.25, 1, 1], [0.5, 0.5, 0.5, 1]]])
    assert {found.rgba(number).dtype for number in range(3)} == {np.dtype(np.float32)}
    assert found.num_pixels == 6


def test_alpha_counts_where_a_pixel_is_not_opaque() -> None:
    opaque = RGBA | np.array([0, 0, 0, 255], np.uint8)
    assert not views(opaque, RGB).has_alpha
    assert views(RGB, RGBA).has_alpha


def test_a_subset_keeps_masks_and_points() -> None:
    mask, points = np.array([[True, False]]), np.ones((4, 3))
    found = views(RGBA, GRAY, RGB, masks=(None, mask, None), points=points).subset([1, 0])
    assert found.names == ("images/1.png", "images/0.png")
    assert found.masks == (mask, None)
    assert found.pictures == (GRAY, RGBA)
    assert found.points is points
    assert views(RGB).masks == (None,)
    with pytest.raises(InputError, match="expected one view or more, there are none"):
        found.subset([])


def test_sets_of_views_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="expected one view or more, there are none"):
        views()
    with pytest.raises(ShapeError, match="for each of 1 cameras, got 2, 2 and 1"):
        views(RGB, RGB, cameras=cameras(1), masks=(None,))
    with pytest.raises(InputError, match="expected views from different places, all 2 poses are alike"):
        views(RGB, RGB, cameras=cameras(1) * 2)
    with pytest.raises(SampleError, match="expected points of finite coordinates"):
        views(RGB, points=np.full((1, 3), np.inf))


def test_pictures_and_masks_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match=r"images/1.png: expected 2 x 1 pixels as its camera has, .* has 1 x 2"):
        views(RGB, RGB.reshape(2, 1, 3))
    with pytest.raises(ShapeError, match=r"images/0.png: expected gray, RGB or RGBA .* got uint8 \(1, 2, 2\)"):
        views(RGBA[..., :2])
    with pytest.raises(ShapeError, match=r"images/0.png: expected gray, .* got float64"):
        views(RGB.astype(np.float64))
    with pytest.raises(SampleError, match=r"images/0.png: expected samples from 0 to 1, got 0 to 2"):
        views(2 * RGB)
    with pytest.raises(SampleError, match=r"images/0.png: expected samples from 0 to 1, got nan"):
        views(np.full((1, 2, 3), np.nan, np.float32))
    with pytest.raises(
        ShapeError, match=r"images/0.png: expected a mask of 2 x 1 pixels as the picture has, got 2 x 3"
    ):
        views(RGB, masks=(np.zeros((3, 2), bool),))
