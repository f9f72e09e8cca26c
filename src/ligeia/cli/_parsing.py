"""Parsers of options: paths, shapes, regions, ranges, boxes, numbers."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ligeia.codec import check_field_output as check_field_output
from ligeia.core import InputError, check_readable, check_writable

if TYPE_CHECKING:
    from ligeia.recipes import BackgroundLike
    from ligeia.signals import MissingValue, Place, Region

_Word = TypeVar("_Word", bound=str)


def check_paths(output: Path, inputs: Iterable[Path]) -> None:
    """Raise an error unless all inputs can be read, and ``output`` written without overwriting one of them."""
    for path in inputs:
        check_readable(path)
        if output.resolve() == path.resolve():
            raise InputError(f"{output}: the output would overwrite an input; name another file.")
    check_writable(output)


def parse_scale(text: str) -> tuple[float | None, tuple[int, int] | None]:
    """Return the factor of ``2`` or ``1.7``, or rows and columns of ``1920x1080`` (width x height)."""
    if "x" in text.lower():
        sizes = text.lower().split("x")
        if len(sizes) == 2 and all(size.isdecimal() and 0 < int(size) < 1 << 31 for size in sizes):
            return None, (int(sizes[1]), int(sizes[0]))
    else:
        try:
            return float(text), None
        except ValueError:
            pass
    raise InputError(f"expected a factor such as 2 or 1.7, or a width x height such as 1920x1080, got {text!r}.")


def parse_shape(text: str | None) -> tuple[int, ...] | None:
    """Return the sizes of ``768x1024`` (rows x columns)."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if not all(len(part) < 19 and part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"expected a shape such as 768x1024 (rows x columns, above 0), got {text!r}.")
    return tuple(int(part) for part in parts)


def parse_region(text: str | None) -> "Region | None":
    """Return the ranges of ``0:100,50:150`` (rows, columns), or the physical ones of ``z=-40:60,y=12.5``."""
    if text is None:
        return None
    if "=" not in text:
        return _parse_ranges(text)
    region: dict[str, Place | tuple[Place, Place]] = {}
    for part in text.split(","):
        name, _, ends = part.partition("=")
        places = [_place(end, text) for end in ends.split(":")]
        if not name.strip() or len(places) > 2:
            raise _no_region(text)
        region[name.strip()] = places[0] if len(places) == 1 else (places[0], places[1])
    return region


def _place(text: str, region: str) -> "Place":
    """Return a number, or the text of a date: the axis knows the calendar."""
    try:
        number = float(text)
    except ValueError:
        if "-" in text[1:] and text.strip()[-1:].isdigit():
            return text.strip()
        raise _no_region(region) from None
    if not math.isfinite(number):
        raise _no_region(region)
    return number


def _no_region(text: str) -> InputError:
    return InputError(f"expected a region such as z=-40:60,y=12.5 or time=2001-06-16, got {text!r}.")


def _parse_ranges(text: str) -> tuple[tuple[int, int], ...]:
    ranges = [part.split(":") for part in text.split(",")]
    if not all(len(ends) == 2 and all(len(end) < 19 and end.strip().isdecimal() for end in ends) for ends in ranges):
        raise InputError(f"expected a region such as 0:100,50:150 (rows, columns) or z=-40:60,y=12.5, got {text!r}.")
    return tuple((int(start), int(stop)) for start, stop in ranges)


def parse_frames(text: str | None) -> tuple[int, int] | None:
    """Return the range of ``0:60``."""
    if text is None:
        return None
    ranges = _parse_ranges(text)
    if len(ranges) != 1 or not ranges[0][0] < ranges[0][1]:
        raise InputError(f"expected a range of frames such as 0:60, got {text!r}.")
    return ranges[0]


def parse_numbers(text: str, wanted: str = "numbers such as 30 or 30,60.5") -> list[float]:
    """Return the numbers of ``30,60.5``."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"expected {wanted}, got {text!r}.") from None


def parse_tuple(text: str, count: int, example: str) -> list[float]:
    """Return the ``count`` numbers of ``0,0,0.05``; ``example`` is an option with as many numbers."""
    found = parse_numbers(text, f"{count} numbers as in {example}")
    if len(found) != count:
        raise InputError(f"expected {count} numbers as in {example}, got {text!r}.")
    return found


def parse_background(text: str | None) -> "BackgroundLike | None":
    """Return a name, or the three numbers of ``0.2,0.4,1``."""
    if text is None or text == "white" or text == "black" or text == "none":
        return text
    red, green, blue = parse_tuple(text, 3, "--background 0.2,0.4,1, or white, black, none")
    return red, green, blue


def parse_choice(text: str, known: Sequence[_Word], wanted: str) -> _Word:
    """Return the one of the known words that a text is; ``wanted`` begins the refusal of any other."""
    for each in known:
        if each == text:
            return each
    raise InputError(f"{wanted}, got {text!r}.")


def parse_names(text: str | None) -> tuple[str, ...]:
    """Return the names of ``x,y``."""
    return () if text is None else tuple(name for part in text.split(",") if (name := part.strip()))


def parse_box(text: str | None) -> tuple[tuple[float, float], ...] | None:
    """Return the intervals of ``-5:15,-5:5``."""
    if text is None:
        return None
    try:
        found = [tuple(float(end) for end in part.split(":")) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(len(ends) == 2 for ends in found):
        raise InputError(f"expected a box such as -5:15,-5:5 (low:high, per coordinate), got {text!r}.")
    return tuple((ends[0], ends[1]) for ends in found)


def parse_missing(text: str | None) -> "MissingValue":
    """Return the value of missing samples of a text such as ``-9999``, ``nan`` or ``none``."""
    if text is None or text == "none":
        return "none" if text else None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"expected a number, nan or none as in --missing -9999, got {text!r}.") from None
