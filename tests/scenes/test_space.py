"""All of space in a box. Oracles: the contraction as MERF states it, and cameras whose views are known."""

import numpy as np
import pytest

from ligeia.core import InputError
from ligeia.scenes import seen_cells, uncontracted
from ligeia.signals import Camera, Views

LOW, HIGH = np.full(3, -2.0), np.full(3, 2.0)  # the scene is from -1 to 1


def facing(*eyes: tuple[float, float, float]) -> Views:
    """Return views of the middle."""
    cameras = tuple(Camera.looking(eye, (0.0, 0.0, 0.0), shape=(20, 20), up=(0, 0, 1)) for eye in eyes)
    pictures = (np.ones((20, 20, 3), np.float32),) * len(eyes)
    return Views(cameras=cameras, names=tuple("abcd"[: len(eyes)]), pictures=pictures)


def cell_of(place: tuple[float, float, float], cells: int) -> tuple[int, ...]:
    """Return the cell of a place in contracted space."""
    return tuple(int((x + 2) * cells / 4) for x in place)


def test_places_are_those_that_merf_contracts() -> None:
    far = np.random.default_rng(0).normal(0, 4, (100, 3))
    r = np.abs(far).max(axis=1, keepdims=True)
    contracted = np.where(r <= 1, far, np.where(np.abs(far) == r, (2 - 1 / r) * np.sign(far), far / r))
    np.testing.assert_allclose(uncontracted(contracted), far, rtol=1e-9)


def test_cells_are_seen_by_two_cameras_and_not_close_to_one() -> None:
    found = seen_cells(facing((3.0, 0.0, 0.0), (2.5, 1.5, 0.0)), LOW, HIGH, 32)
    assert found[cell_of((0.0, 0.0, 0.0), 32)]
    assert found[cell_of((-1.9, 0.1, 0.0), 32)]  # far behind it
    assert not found[cell_of((0.0, 0.0, 1.5), 32)]  # above all views
    assert not found[cell_of((2 - 1 / 2.95, 0.0, 0.0), 32)]  # in front of a lens
    assert not found[cell_of((1.5, 1.5, 0.0), 32)]  # nowhere in space


def test_what_one_camera_sees_alone_is_left_out() -> None:
    with pytest.raises(InputError, match="expected a place that two cameras see, there is none; check the poses"):
        seen_cells(facing((3.0, 0.0, 0.0)), LOW, HIGH, 16)
