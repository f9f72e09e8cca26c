"""Objectives on oriented points. Oracles: the network written out in float64 with autograd, a sphere."""

import math
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial import KDTree
from torch import Tensor
from torch.testing import assert_close

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.networks import Siren
from ligeia.shapes import OrientedSurface, OrientedWeights, PaperSurface, Shape, prepared
from ligeia.signals import Surface, surface_of
from support.sines import siren_of

pytest_plugins = ["support.fixtures"]
pytestmark = pytest.mark.usefixtures("single_precision")

CPU = torch.device("cpu")
RADIUS, CENTER = 2.0, np.array([100.0, -50.0, 7.0])
UNIT = 1 / 1.1  # the radius in coordinates of the domain, with a padding of a tenth
WEIGHTS = OrientedWeights(surface=7.0, normal=2.0, eikonal=0.5, distance=11.0)


def ball(count: int = 1500) -> Surface:
    normals = np.random.default_rng(0).normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals[:6] = np.concatenate([np.eye(3), -np.eye(3)])  # so that the box around it is known
    return surface_of(CENTER + RADIUS * normals, normals=normals)


def sphere_mesh() -> Surface:
    made: Any = trimesh.creation.icosphere(3)
    return surface_of(CENTER + RADIUS * np.array(made.vertices), np.array(made.faces))


def cloud(count: int = 1500) -> Shape:
    return prepared(ball(count), hold_out=0.0)


def network() -> Siren:
    return Siren(3, 16, 1, 1, first_omega_0=3.0, hidden_omega_0=4.0, generator=torch.Generator().manual_seed(1))


def field(shape: Shape) -> Field[Siren]:
    return Field(network(), shape.grid, (shape.channel,), shape.surface.source)


def definition(siren: Siren) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Return values and gradients of a network by its definition, in float64 and with a graph."""

    def both(points: Tensor) -> tuple[Tensor, Tensor]:
        x = points.double().requires_grad_()
        found = x
        for linear, omega in zip_longest(siren.linears(), siren.architecture.layer_omegas()):
            found = found @ linear.weight.double().T + linear.bias.double()
            found = found if omega is None else torch.sin(omega * found)
        (slopes,) = torch.autograd.grad(found.sum(), x, create_graph=True)
        return found[:, 0], slopes

    return both


def oriented_loss(siren: Siren, batch: tuple[Tensor, ...], weights: OrientedWeights) -> Tensor:
    points, normals, places, distances = batch
    both = definition(siren)
    terms = []
    values, slopes = both(points)
    for value, slope, normal in zip(values, slopes, normals.double(), strict=True):
        terms.append(weights.surface * value**2 + weights.normal * ((slope - normal) ** 2).sum())
    values, slopes = both(places)
    for value, slope, distance in zip(values, slopes, distances.tolist(), strict=True):
        term = weights.eikonal * (slope.norm() - 1) ** 2
        terms.append(term if math.isnan(distance) else term + weights.distance * (value - distance) ** 2)
    return torch.stack(terms).mean()


def paper_loss(siren: Siren, batch: tuple[Tensor, ...]) -> Tensor:
    """Return the sum of the four means of the reference code's ``sdf`` loss, where points off the surface are -1."""
    points, normals, places = batch
    is_on = torch.cat([torch.ones(len(points)), torch.zeros(len(places))]).bool()
    value, gradient = definition(siren)(torch.cat([points, places]))
    wanted = torch.cat([normals.double(), torch.full((len(places), 3), -1.0, dtype=torch.float64)])
    zero = torch.zeros_like(value)
    cosine = torch.nn.functional.cosine_similarity(gradient, wanted, dim=-1)
    on = torch.where(is_on, value, zero)
    off = torch.where(is_on, zero, torch.exp(-1e2 * torch.abs(value)))
    turned = torch.where(is_on, 1 - cosine, zero)
    steep = torch.abs(gradient.norm(dim=-1) - 1)
    return torch.abs(on).mean() * 3e3 + off.mean() * 1e2 + turned.mean() * 1e2 + steep.mean() * 5e1


def gradients(loss: Tensor, siren: Siren) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(siren.parameters())))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["usual", "other"])
def test_the_loss_of_oriented_points_is_the_mean_of_its_squared_residuals(weights: OrientedWeights | None) -> None:
    shape = cloud()
    objective, made = OrientedSurface(shape, weights=weights), field(shape)
    indices = np.random.default_rng(0).permutation(objective.num_points)[:120]
    batch = objective.batch(indices, CPU)
    assert 10 < len(batch[0]) < 110
    batch[3][::3] = math.nan  # as where the side is in doubt
    loss = objective.loss(made, batch)
    wanted = oriented_loss(siren_of(made), batch, OrientedWeights() if weights is None else weights)
    assert_close(loss.detach().double(), wanted.detach(), rtol=1e-5, atol=0)
    found = gradients(loss, siren_of(made))
    assert all(bool(torch.isfinite(each).all()) for each in found)
    assert_close(found, gradients(wanted, siren_of(made)), rtol=1e-4, atol=1e-5 * float(wanted.detach()))


def test_the_loss_of_the_paper_has_the_weights_of_the_reference_code() -> None:
    shape = cloud()
    objective, made = PaperSurface(shape), field(shape)
    batch = objective.batch(np.arange(0, 1500, 30), CPU)
    loss = objective.loss(made, batch)
    wanted = paper_loss(siren_of(made), batch)
    assert_close(loss.detach().double(), wanted.detach(), rtol=1e-5, atol=0)
    found = gradients(loss, siren_of(made))
    assert all(bool(torch.isfinite(each).all()) for each in found)
    assert_close(found, gradients(wanted, siren_of(made)), rtol=1e-4, atol=1e-5 * float(wanted.detach()))


@pytest.mark.parametrize("split", [1, 40, 119])
def test_the_loss_of_a_batch_is_the_mean_of_its_parts(split: int) -> None:
    shape = cloud()
    objective, made = OrientedSurface(shape), field(shape)
    indices = np.random.default_rng(0).permutation(objective.num_points)[:120]
    parts = [objective.loss(made, objective.batch(each, CPU)) * len(each) for each in np.split(indices, [split])]
    whole = objective.loss(made, objective.batch(indices, CPU))
    assert_close((sum(parts) / 120).detach(), whole.detach())  # type: ignore[union-attr]


def test_a_batch_without_a_point_on_or_off_the_surface_has_a_loss() -> None:
    shape = cloud()
    objective, made = OrientedSurface(shape), field(shape)
    on, off = np.arange(7), np.arange(objective.num_points - 7, objective.num_points)
    for indices in (on, off):
        batch = objective.batch(indices, CPU)
        loss = objective.loss(made, batch)
        wanted = oriented_loss(siren_of(made), batch, OrientedWeights())
        assert_close(loss.detach().double(), wanted.detach(), rtol=1e-5, atol=0)
        assert all(bool(torch.isfinite(each).all()) for each in gradients(loss, siren_of(made)))


def test_an_exact_distance_has_no_loss_and_a_mesh_gives_points_and_normals() -> None:
    shape = prepared(sphere_mesh())
    objective = OrientedSurface(shape, num_points=3000)
    assert objective.num_points == 3000 + 4096
    points, normals, places, distances = objective.batch(np.arange(objective.num_points), CPU)
    radii = points.norm(dim=1)
    assert (len(points), len(places)) == (3000, 4096)
    assert UNIT - 0.01 < float(radii.min()) <= float(radii.max()) < UNIT + 1e-6
    assert float((normals * points / radii[:, None]).sum(dim=1).min()) > 0.99
    known = torch.isfinite(distances)
    assert float((distances - (places.norm(dim=1) - UNIT))[known].abs().max()) < 0.05


@pytest.mark.parametrize("kind", [OrientedSurface, PaperSurface])
def test_batches_are_the_same_for_the_same_points(kind: Any) -> None:
    shape = prepared(sphere_mesh())
    first, again, other = (kind(shape, num_points=500, seed=seed) for seed in (3, 3, 4))
    indices = np.arange(0, 500, 7)
    for objective in (first, again):
        for one, two in zip(first.batch(indices, CPU), objective.batch(indices, CPU), strict=True):
            assert torch.equal(one, two)
    assert not torch.equal(first.batch(indices, CPU)[0], other.batch(indices, CPU)[0])


def test_the_paper_sees_as_many_fresh_places_as_points() -> None:
    shape = cloud()
    objective = PaperSurface(shape)
    assert objective.num_points == 1500
    batches = [objective.batch(np.arange(start, start + 500), CPU) for start in (0, 500, 1000)]
    points, normals, _ = (torch.cat(each) for each in zip(*batches, strict=True))
    assert np.allclose(points, shape.grid.from_physical(shape.surface.vertices), atol=1e-6)
    assert shape.surface.normals is not None
    assert np.allclose(normals, shape.surface.normals, atol=1e-6)
    places = torch.cat([batch[2] for batch in batches])
    assert len(torch.unique(places, dim=0)) == 1500
    assert float(places.abs().max()) <= 1
    assert_close(places.mean(dim=0), torch.zeros(3), rtol=0, atol=4 / math.sqrt(3 * 1500))
    assert_close(places.var(dim=0), torch.full((3,), 1 / 3), rtol=0.1, atol=0)  # of a uniform law over [-1, 1]


def test_distances_that_a_cloud_tells_are_near_those_of_its_sphere() -> None:
    shape = cloud()
    objective = OrientedSurface(shape)
    spacing = math.sqrt(4 * math.pi * UNIT**2 / 1500)
    assert objective.spacing == pytest.approx(spacing, rel=0.1)
    points, _, places, distances = objective.batch(np.arange(objective.num_points), CPU)
    assert len(places) == 4096
    away = places.double().norm(dim=1).numpy()
    signed, found = away - UNIT, distances.double().numpy()
    known = np.isfinite(found)
    assert known.sum() > 1000
    clear = known & (np.abs(signed) > spacing / 2)
    assert np.array_equal(found[clear] < 0, signed[clear] < 0)
    assert np.abs(found - signed)[known].max() < spacing
    assert np.abs(found - signed)[known].mean() < spacing / 10
    # no place of the sphere is farther from a point of the cloud than the gap
    drawn = np.random.default_rng(1).normal(size=(100_000, 3))
    gap = KDTree(points.double().numpy()).query(UNIT * drawn / np.linalg.norm(drawn, axis=1, keepdims=True))[0].max()
    far = known & (np.abs(signed) > 3 * spacing)
    assert far.sum() > 500
    assert (np.abs(found**2 - signed**2) <= 1.05 * gap**2 * away / UNIT)[far].all()


def test_the_side_is_in_doubt_behind_a_hole() -> None:
    whole = ball(4000)
    kept = whole.vertices[:, 2] < CENTER[2] + 0.6 * RADIUS
    assert whole.normals is not None
    shape = prepared(surface_of(whole.vertices[kept], normals=whole.normals[kept]), hold_out=0.0)
    objective = OrientedSurface(shape)
    _, _, places, distances = objective.batch(np.arange(objective.num_points), CPU)
    at = (shape.grid.to_physical(places.double().numpy()) - CENTER) / RADIUS
    told = distances.double().numpy()
    # a place z on the axis sees the hole, 0.8 wide, under the share (1 - cosine) / 2 of all directions
    below = 0.6 - at[:, 2]
    winding = 1 - (1 - below / np.hypot(below, 0.8)) / 2
    on_axis = (np.hypot(at[:, 0], at[:, 1]) < 0.2) & (at[:, 2] > -0.7)
    in_doubt = on_axis & (winding > 0.5) & (winding < 0.75)
    assert in_doubt.sum() > 5
    assert np.isnan(told[in_doubt]).all()
    inside = on_axis & (winding > 0.85)
    assert inside.sum() > 5
    assert (told[inside] < 0).all()


@pytest.mark.parametrize("kind", [OrientedSurface, PaperSurface])
def test_the_quality_is_the_psnr_of_zero_on_the_surface(kind: Any) -> None:
    shape = cloud()
    objective, made = kind(shape), field(shape)
    points = torch.from_numpy(shape.grid.from_physical(shape.surface.vertices))
    values = definition(siren_of(made))(points)[0].detach()
    found = objective.quality(made)
    assert found.num_measured == 1500
    assert found.psnr_db == pytest.approx(10 * math.log10(4 / float((values**2).mean())), abs=1e-3)  # the domain is 2
    some = objective.quality(made, most_points=3)
    chosen = values[[0, 749, 1499]]
    assert some.num_measured == 3
    assert some.psnr_db == pytest.approx(10 * math.log10(4 / float((chosen**2).mean())), abs=1e-3)
    assert (objective.finest_db, objective.constant_db) == (math.inf, -math.inf)


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_weights_that_are_none_are_refused(wrong: float) -> None:
    with pytest.raises(InputError, match="expected weights of 0 or more, got"):
        OrientedWeights(normal=wrong)
