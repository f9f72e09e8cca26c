"""What holds for every test: no deadlines; tests that fit come first, without checks of shapes and types.

Where coverage is measured, it is not in tests that fit, in those of Hypothesis, in examples of documents, nor where
``no_cover`` says so: they take half as long again with it, and reach lines that others reach.
"""

from collections.abc import Iterator

import jaxtyping
import pytest
from hypothesis import settings

settings.register_profile("ligeia", deadline=None)  # the clock of a shared machine says nothing of the code
settings.load_profile("ligeia")
_EXAMPLES = ("benchmarks", "docs", "experiments")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a test marked ``fits``, with its fixtures, as users run ligeia: without the checks of shapes and types."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", before or item.get_closest_marker("fits") is not None)
    try:
        return (yield)
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files of tests that fit first, so that the longest do not run alone at the end; measure no coverage there."""
    fits = [item for item in items if item.get_closest_marker("fits")]
    for item in items:
        is_drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_drawn or item.get_closest_marker("fits") or item.path.parent.name in _EXAMPLES:
            item.add_marker(pytest.mark.no_cover)
    long = {item.path for item in fits}
    items.sort(key=lambda item: item.path not in long)
