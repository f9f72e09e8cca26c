"""Requests filled by keywords."""

from dataclasses import dataclass

import pytest

from ligeia.core import filled


@dataclass(frozen=True)
class _Request:
    most_bytes: int = 3
    seed: int = 0


def test_keywords_change_a_request_or_the_usual_one() -> None:
    assert filled(_Request, None, {"seed": 2}) == _Request(seed=2)
    assert filled(_Request, _Request(most_bytes=5), {"seed": 2}) == _Request(most_bytes=5, seed=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("sed", "there is no keyword 'sed'; did you mean seed"),
        ("bytes", "there is no keyword 'bytes'; did you mean most_bytes"),
        ("q", "there is no keyword 'q'; expected one of most_bytes, seed"),
    ],
)
def test_another_keyword_is_refused_with_those_like_it(wrong: str, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        filled(_Request, None, {wrong: 1})
