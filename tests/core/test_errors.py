from pathlib import Path

import pytest

from ligeia import core
from ligeia.core import InputError, LigeiaError, OutputError, SampleError, errors_name


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


def test_an_error_gets_the_name_of_its_file_once_and_keeps_its_class() -> None:
    with pytest.raises(SampleError, match=r"^a\.npy: no numbers\.$"), errors_name(Path("a.npy")):
        raise SampleError("no numbers.")
    with pytest.raises(InputError, match=r"^a\.npy: no such file\.$"), errors_name("a.npy"), errors_name("a.npy"):
        raise InputError("no such file.")
    with pytest.raises(InputError, match=r"^a\.npy, u: empty\.$"), errors_name("a.npy"), errors_name("a.npy, u"):
        raise InputError("empty.")


def test_a_file_that_is_being_written_goes_by_its_final_name() -> None:
    partial = Path(".a.7.partial.png")
    found = pytest.raises(InputError, match=r"^a\.png: \.a\.7\.partial\.png is odd\.$")
    with found, errors_name("a.png", written_as=partial):
        raise InputError(f"{partial}: {partial} is odd.")


def test_a_name_that_happens_to_begin_a_message_is_put_in_front_of_it() -> None:
    with pytest.raises(InputError, match=r"^a: expected an image\.$"), errors_name("a"):
        raise InputError("expected an image.")


def test_errors_of_other_kinds_stay_as_they_are() -> None:
    with pytest.raises(OutputError, match=r"^disk full$"), errors_name("a.npy"):
        raise OutputError("disk full")
