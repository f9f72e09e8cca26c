"""What is asked of `compress`: keywords and the frozen request are the same."""

from dataclasses import fields
from typing import get_type_hints

import numpy as np
import pytest

from ligeia.compression import CompressOptions, CompressRequest, compress

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_the_keywords_of_compress_are_the_fields_of_a_request_and_as_optional() -> None:
    assert get_type_hints(CompressOptions) == get_type_hints(CompressRequest)
    assert CompressOptions.__required_keys__ == frozenset()
    assert list(CompressOptions.__annotations__) == [each.name for each in fields(CompressRequest)]


@pytest.mark.fits
def test_keywords_change_a_request() -> None:
    asked = compress(RAMP, request=CompressRequest(most_bytes=900, effort=2, seed=1), most_bytes=300, effort=1)
    assert asked.data == compress(RAMP, most_bytes=300, effort=1, seed=1).data
