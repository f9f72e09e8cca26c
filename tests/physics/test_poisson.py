"""A field from the derivatives of a signal: closed forms, alignment, and what is refused."""

import numpy as np
import pytest
import torch

import ligeia as lg
from ligeia import equations
from ligeia.core import InputError, random_stream
from ligeia.physics import DerivativesOf, Known
from ligeia.signals import Signal, from_array


def picture(channels: int = 1) -> Signal:
    """Cosines that have no slope across the border."""
    rows, columns = np.meshgrid((np.arange(20) + 0.5) / 20, (np.arange(28) + 0.5) / 28, indexing="ij")
    both = [np.cos((3 + each) * np.pi * rows) + np.cos(4 * np.pi * columns) * rows for each in range(channels)]
    return from_array(np.stack(both, axis=-1).astype(np.float32), channels=True)


@pytest.mark.parametrize("known", ["gradient", "laplacian"])
def test_a_field_is_found_from_derivatives_alone(known: Known) -> None:
    signal = picture(channels=2)
    field = equations.poisson(signal, known, stop=lg.passes(160), hidden_features=64, hidden_layers=1)
    assert field.report is not None
    assert field.report.psnr_db > (30 if known == "gradient" else 25)
    found = field.sample().numpy()
    assert np.allclose(found.mean(axis=(0, 1)), signal.values.mean(axis=(0, 1)), atol=1e-3)
    error = DerivativesOf.aligned_error(signal, field, affine=False)
    assert -10 * np.log10(error.mean()) == pytest.approx(field.report.psnr_db, abs=0.01)
    assert (DerivativesOf.aligned_error(signal, field, affine=True) <= error).all()


def test_the_lowest_modes_are_missed_by_what_the_field_lacks() -> None:
    signal = from_array(np.cos(np.pi * 2 * (2 * np.arange(32) + 1) / 64)[:, None] * np.ones(24)[None] * 3.0)
    objective = DerivativesOf(signal, "gradient", weak=1.0)
    network = lg.Siren(2, 8, 0, 1, generator=random_stream(0, "test"))
    with torch.no_grad():
        for each in network.linears()[-1].parameters():
            each.zero_()
    field = lg.Field(network, signal.grid, signal.channels)
    loss = objective.loss(field, objective.batch(np.arange(objective.num_points), torch.device("cpu")))
    assert float(loss.detach()) == pytest.approx(2.0, rel=1e-3)  # both parts miss all there is


def test_derivatives_that_say_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="a signal that varies"):
        DerivativesOf(from_array(np.full((8, 8), 3.0)), "gradient")
    with pytest.raises(InputError, match="two samples or more along each axis"):
        DerivativesOf(from_array(np.arange(8.0)[None]), "laplacian")


def test_the_quality_on_some_samples_is_near_that_on_all() -> None:
    rows, columns = np.mgrid[0:60, 0:80]
    signal = from_array(np.cos(rows / 4) + np.sin(columns / 5))
    field = equations.poisson(signal, "gradient", stop=lg.passes(0.5), hidden_features=16, hidden_layers=1)
    objective = DerivativesOf(signal, "gradient")
    some, every = objective.quality(field, most_points=1000), objective.quality(field)
    assert (some.num_measured, every.num_measured) == (1000, 4800)
    assert some.psnr_db == pytest.approx(every.psnr_db, abs=0.5)
