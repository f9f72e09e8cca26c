"""Requests: frozen objects that say what is asked of a job, filled by keywords."""

import difflib
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

Request = TypeVar("Request")


def filled(cls: type[Request], request: Request | None, options: Mapping[str, Any]) -> Request:
    """Return a request with some of its fields changed; None stands for the usual one, of a dataclass ``cls``.

    `TypeError`, as Python has it, for a keyword that is no field, with those that are spelled most alike.
    """
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for name in options:
        if name not in names:
            alike = difflib.get_close_matches(name, names, n=2) or [each for each in names if name in each]
            advice = f"did you mean {' or '.join(alike)}?" if alike else f"expected one of {', '.join(names)}."
            raise TypeError(f"there is no keyword {name!r}; {advice}")
    return cls(**options) if request is None else replace(request, **options)  # type: ignore[type-var]
