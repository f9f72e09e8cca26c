"""The fit of latent grids in compiled code against plain torch with autograd."""

import math

import numpy as np
import pytest
import torch

from ligeia import kernels
from ligeia.kernels import (
    NOTHING,
    OTHER,
    PARENT,
    SAME,
    GridPlan,
    LatentFit,
    Relaxation,
    Source,
    context_sizes,
    point_sizes,
)

NEIGHBORS = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1))
NUM_LEVELS = 3
SOFT = Relaxation(temperature=0.3, noise=0.2, key=5)


def plans(height: int, width: int) -> list[GridPlan]:
    """Return luma at every level, and chroma from level 1 on."""
    order = [(level, plane) for level in (2, 1, 0) for plane in range(3) if level or plane == 0]
    number_of = {each: number for number, each in enumerate(order)}
    found = []
    for level, plane in order:
        inputs = [Source(SAME, *each) for each in NEIGHBORS]
        inputs += [Source(PARENT, row, column) for row in (0, 1) for column in (0, 1)]
        if plane:
            inputs.append(Source(OTHER, 0, 0, number_of[level, 0]))
            inputs.append(Source(OTHER, 0, 0, number_of[level, 1]) if plane == 2 else Source(NOTHING))
        found.append(
            GridPlan(
                shape=(-(-height // 2**level), -(-width // 2**level)),
                level=level,
                plane=plane,
                feature=level if plane == 0 else 2 + plane,
                step=0.1 / 1.4**level,
                network=int(plane > 0),
                bias=level if plane == 0 else 2 * level + plane - 1,
                parent=number_of.get((level + 1, plane), -1),
                inputs=tuple(inputs),
            )
        )
    return found


def fit_of(height: int, width: int) -> LatentFit:
    """Return a fit with random latents, networks and picture."""
    rng = np.random.default_rng(height * 1000 + width)
    sizes = [
        sum(each) for each in (context_sizes(14, NUM_LEVELS), context_sizes(16, 2 * NUM_LEVELS), point_sizes(5, 3))
    ]
    luma, chroma, point = (rng.standard_normal(size).astype(np.float32) * np.float32(0.2) for size in sizes)
    target = rng.uniform(-1, 1, (3, height, width)).astype(np.float32)
    fit = LatentFit(plans(height, width), target, [luma, chroma], point, 5)
    for latent in fit.latents:
        latent[:] = rng.standard_normal(latent.shape) * 1.5
    return fit


def results(fit: LatentFit, how: Relaxation) -> list[np.ndarray]:
    """Return all that a step computes."""
    picture = np.empty_like(fit.target)
    nats, error = fit.evaluate(how, rate_weight=1e-3, with_grad=True, values=picture)
    found = [nats, np.array([error]), picture, *fit.values, *fit.slopes, *fit.grads, *fit.context_grads, fit.point_grad]
    found = [np.array(each) for each in found]
    fit.move(0.1, (0.9, 0.99), 1e-10)
    return [*found, *(np.array(each) for each in fit.latents)]


@pytest.mark.parametrize("how", [SOFT, Relaxation(is_hard=True)])
@pytest.mark.parametrize("shape", [(45, 37), (1, 1), (3, 100), (64, 96), (17, 1)])
@pytest.mark.parametrize("path", [each for each in kernels.available() if each != "torch"])
def test_compiled_steps_are_those_of_torch(path: str, shape: tuple[int, int], how: Relaxation) -> None:
    with kernels.using("torch"):
        expected = results(fit_of(*shape), how)
    with kernels.using(path):
        found = results(fit_of(*shape), how)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=3e-5 * max(1e-3, float(np.abs(other).max())))


def test_sums_do_not_depend_on_the_number_of_threads() -> None:
    before, found = torch.get_num_threads(), []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            found.append(results(fit_of(70, 50), SOFT))
    finally:
        torch.set_num_threads(before)
    if kernels.system().path == "torch":
        pytest.skip("of compiled code")
    for other in found[1:]:
        assert all(np.array_equal(one, each) for one, each in zip(found[0], other, strict=True))


def test_slopes_of_soft_rounding_are_those_of_finite_differences() -> None:
    fit, step = fit_of(24, 20), np.float32(2e-3)
    fit.evaluate(SOFT)
    slopes = [each.copy() for each in fit.slopes]
    originals = [each.copy() for each in fit.latents]
    ends = []
    for side in (1, -1):
        for latent, original in zip(fit.latents, originals, strict=True):
            latent[:] = original + side * step
        fit.evaluate(SOFT)
        ends.append([each.copy() for each in fit.values])
    for ahead, behind, slope, original in zip(*ends, slopes, originals, strict=True):
        is_inside = np.abs(original - np.rint(original)) > 0.1  # of a whole number and the next
        close = np.isclose((ahead - behind) / (2 * step), slope, rtol=0.05, atol=0.02)
        assert close[is_inside].mean() > 0.95  # the second rounding bends at whole numbers, too


def test_nats_are_those_of_the_laplace_distribution() -> None:
    fit = fit_of(4, 4)
    for weights in fit.contexts:
        weights[:] = 0  # mean 0, scale 1
    for latent in fit.latents:
        latent[:] = 3.0
    nats, _ = fit.evaluate(Relaxation(is_hard=True))
    of_three = -math.log(0.5 * math.exp(-2.5) * (1 - math.exp(-1)))
    assert nats == pytest.approx([each.size * of_three for each in fit.latents], rel=1e-5)


def test_rounding_is_to_the_nearest_and_soft_rounding_keeps_integers() -> None:
    fit = fit_of(8, 8)
    fit.latents[0][:] = np.array([[-1.4, 0.6], [2.0, 0.4]])
    fit.evaluate(Relaxation(is_hard=True))
    assert fit.values[0].tolist() == [[-1.0, 1.0], [2.0, 0.0]]
    fit.latents[0][:] = np.array([[-1.0, 1.0], [2.0, 0.0]])
    fit.evaluate(Relaxation(temperature=0.2))
    assert fit.values[0] == pytest.approx(fit.latents[0], abs=1e-5)


def test_a_fit_goes_on_in_another_kernel() -> None:
    fit, expected = fit_of(45, 37), None
    for path in (*kernels.available(), *reversed(kernels.available())):
        with kernels.using(path):
            nats, error = fit.evaluate(SOFT, rate_weight=1e-3, with_grad=True)
        expected = expected or error
        assert error == pytest.approx(expected, rel=1e-5)
        assert np.isfinite(nats).all()
