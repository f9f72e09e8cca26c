import pytest

import ligeia
import ligeia.core


def test_an_unknown_name_is_an_attribute_error_that_names_the_package() -> None:
    with pytest.raises(AttributeError, match="module 'ligeia' has no attribute 'sirens'"):
        ligeia.sirens  # type: ignore[attr-defined]  # noqa: B018


def test_a_lazy_name_is_the_object_of_its_module() -> None:
    from ligeia.signals import Grid

    assert ligeia.Grid is Grid


@pytest.mark.parametrize("package", [ligeia, ligeia.core])
def test_the_listing_of_a_package_holds_every_public_name(package: object) -> None:
    assert set(package.__all__) <= set(dir(package))  # type: ignore[attr-defined]
