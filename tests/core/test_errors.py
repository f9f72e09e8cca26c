import pytest

from ligeia import core
from ligeia.core import LigeiaError


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InputError", ValueError),
        ("ShapeError", ValueError),
        ("SampleError", ValueError),
        ("FormatError", ValueError),
        ("OutputError", OSError),
        ("MissingExtraError", ImportError),
        ("DivergenceError", ArithmeticError),
    ],
)
def test_every_error_is_ours_and_a_builtin_one(name: str, builtin: type[Exception]) -> None:
    error = getattr(core, name)
    with pytest.raises(LigeiaError, match=r"^what to do$"):
        raise error("what to do")
    assert issubclass(error, builtin)


@pytest.mark.parametrize("name", ["ShapeError", "SampleError", "FormatError"])
def test_unusable_input_is_one_family(name: str) -> None:
    assert issubclass(getattr(core, name), core.InputError)
