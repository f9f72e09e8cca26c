"""Oracles: the mask that went in."""

import zlib

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ligeia.core import FormatError, ShapeError
from ligeia.signals import Missing


@given(st.lists(st.booleans(), min_size=2, max_size=70))
def test_a_mask_comes_back_as_it_was(flags: list[bool]) -> None:
    mask = np.array(flags)
    if mask.all():
        with pytest.raises(ShapeError, match="a signal needs at least one value"):
            Missing.of(mask)
        return
    missing = Missing.of(mask)
    if missing is None:
        assert not mask.any()
        return
    assert (missing.num_samples, missing.num_missing) == (mask.size, mask.sum())
    assert np.array_equal(missing.mask(), mask)


def test_a_mask_that_repeats_takes_little_room() -> None:
    land = np.random.default_rng(0).random((170, 180)) < 0.3
    missing = Missing.of(np.broadcast_to(land, (24, 170, 180)))
    assert missing is not None
    assert len(missing.packed) < land.size / 8 * 2  # of 24 such maps


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"nonsense", "the mask of the missing samples is damaged"),
        (zlib.compress(b"\xe0")[:-2], "expected a mask of 2 bytes for 10 samples"),
        (zlib.compress(b"\xe0"), "expected a mask of 2 bytes for 10 samples"),
        (zlib.compress(bytes(10**7)), "expected a mask of 2 bytes for 10 samples"),
        (zlib.compress(b"\xe0\0") + b"more", "expected a mask of 2 bytes for 10 samples"),
        (zlib.compress(b"\xf0\0"), "expected 3 missing samples, got others"),
    ],
)
def test_a_damaged_mask_is_refused_before_it_takes_memory(packed: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Missing(10, 3, packed).mask()
