"""Oracles: a network whose only sine is a plane wave, in closed form; scaling by hand; `ligeia.calculus`."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor
from torch.testing import assert_close

import ligeia as lg
from ligeia.core import InputError, ShapeError
from ligeia.networks import Siren
from ligeia.signals import Alignment, ArraySource, Axis, Channel, Grid, Quantity
from support.sines import siren_of

SOURCE = ArraySource(dtype="<f4")
CHANNELS = (Channel(name="u", low=-3.0, high=7.0), Channel(name="v", low=0.0, high=255.0))
FAR_AXES = (
    Axis(name="time", size=5, extent=(100.0, 160.0), unit="s"),
    Axis(name="latitude", size=7, extent=(90.0, -90.0), unit="degrees"),
)


def field_on(grid: Grid, channels: Sequence[Channel] = CHANNELS, *, hidden_layers: int = 1) -> lg.Field:
    network = Siren(
        grid.num_axes, 8, hidden_layers, len(channels), first_omega_0=5.0, generator=torch.Generator().manual_seed(0)
    )
    return lg.Field(network, grid, channels, SOURCE)


def wave_field(grid: Grid, wave_vector: Tensor, phase: float, channel: Channel) -> lg.Field:
    """Return middle + half range * sin(k . x + phase), in float64."""
    network = Siren(grid.num_axes, 1, 0, 1, first_omega_0=1.0).double()
    first, last = network.linears()
    with torch.no_grad():
        first.weight.copy_(wave_vector[None])
        first.bias.fill_(phase)
        last.weight.fill_(1.0)
        last.bias.zero_()
    return lg.Field(network, grid, [channel], SOURCE).double()


def some_points(count: int, num_axes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, num_axes, generator=generator, dtype=dtype) * 2 - 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_the_network_scaled_to_the_range_of_each_channel(dtype: torch.dtype) -> None:
    field = field_on(Grid.of((4, 5))).to(dtype)
    points = some_points(20, 2, dtype)
    output = field.network(points)
    expected = torch.stack([2 + 5 * output[:, 0], 127.5 + 127.5 * output[:, 1]], dim=1)
    assert field(points).dtype == dtype
    assert_close(field(points), expected)


def test_minus_one_and_one_are_the_ends_of_a_range_of_32_bit_integers() -> None:
    channel = Channel(name="value", low=0.0, high=2.0**32 - 1)
    field = wave_field(Grid.of((3,)), torch.tensor([torch.pi / 2], dtype=torch.float64), 0.0, channel)
    ends = field(torch.tensor([[-1.0], [1.0]], dtype=torch.float64))
    assert_close(ends, torch.tensor([[0.0], [2.0**32 - 1]], dtype=torch.float64))


def test_values_are_not_clipped_to_the_range() -> None:
    field = field_on(Grid.of((4, 5)))
    with torch.no_grad():
        siren_of(field).linears()[-1].bias.fill_(9.0)
    assert field(some_points(20, 2)).min() > 7.0


@pytest.mark.parametrize("shape", [(6,), (4, 5), (3, 4, 5)])
def test_the_jet_is_value_jacobian_and_laplacian_of_the_field(shape: tuple[int, ...]) -> None:
    field = field_on(Grid.of(shape)).double()
    points = some_points(9, len(shape), torch.float64)
    jet = field.jet(points)
    assert_close(jet.value, field(points))
    assert_close(jet.jacobian, lg.jacobian(field, points))
    assert_close(jet.laplacian, lg.laplacian(field, points))


def test_derivatives_are_in_units_of_the_signal_per_unit_coordinate() -> None:
    wave_vector = torch.tensor([2.0, -3.0], dtype=torch.float64)
    channel = Channel(name="temperature", low=250.0, high=310.0, unit="K")
    field = wave_field(Grid.of((4, 5)), wave_vector, 0.4, channel)
    points = some_points(10, 2, torch.float64)
    angle = points @ wave_vector + 0.4
    assert_close(field(points), 280 + 30 * torch.sin(angle)[:, None])
    assert_close(lg.gradient(field, points), 30 * torch.cos(angle)[:, None] * wave_vector)
    assert_close(lg.laplacian(field, points), -13 * 30 * torch.sin(angle)[:, None])


@pytest.mark.parametrize("align", ["centers", "corners"])
def test_physical_derivatives_are_per_unit_of_each_axis_also_downward(align: Alignment) -> None:
    wave_vector = torch.tensor([2.0, -3.0], dtype=torch.float64)
    field = wave_field(Grid(FAR_AXES, align), wave_vector, 0.4, Channel(name="t", low=-1.0, high=1.0))
    time, latitude = 100 + 60 * torch.rand(10, dtype=torch.float64), 180 * torch.rand(10, dtype=torch.float64) - 90
    # in closed form: x_0 = (time - 130) / 30 and x_1 = -latitude / 90
    angle = 2 * (time - 130) / 30 + 3 * latitude / 90 + 0.4
    points = torch.stack([time, latitude], dim=1)
    assert_close(field.physical(points), torch.sin(angle)[:, None])
    expected = torch.cos(angle)[:, None] * torch.tensor([2 / 30, 3 / 90], dtype=torch.float64)
    assert_close(lg.gradient(field.physical, points), expected)
    assert_close(lg.laplacian(field.physical, points), -((2 / 30) ** 2 + (3 / 90) ** 2) * torch.sin(angle)[:, None])


def test_physical_coordinates_agree_with_those_of_the_grid() -> None:
    field = field_on(Grid(FAR_AXES)).double()
    points = field.grid.points().astype(np.float64)
    physical = torch.from_numpy(field.grid.to_physical(points))
    assert_close(field.physical(physical), field(torch.from_numpy(points)))


@pytest.mark.parametrize("align", ["centers", "corners"])
@pytest.mark.parametrize("shape", [(6,), (4, 5), (2, 1, 3), (1, 2, 1, 3)])
def test_a_sampling_is_the_field_at_the_points_of_its_grid(shape: tuple[int, ...], align: Alignment) -> None:
    field = field_on(Grid.of(shape, align=align))
    expected = field(torch.from_numpy(field.grid.points())).detach()
    assert torch.equal(field.sample(), expected.view(*shape, 2))
    other = tuple(2 * size + 1 for size in shape)
    points = torch.from_numpy(Grid.of(other, align=align).points())
    assert torch.equal(field.sample(other), field(points).detach().view(*other, 2))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
    st.sampled_from(["centers", "corners"]),
    st.data(),
)
def test_a_region_is_the_crop_of_the_whole(shape: tuple[int, ...], align: Alignment, data: Any) -> None:
    starts = [data.draw(st.integers(0, size - 1)) for size in shape]
    region = [(start, data.draw(st.integers(start + 1, size))) for start, size in zip(starts, shape, strict=True)]
    field = field_on(Grid.of(shape, align=align))
    crop = field.sample()[tuple(slice(start, stop) for start, stop in region)]
    assert_close(field.sample(region=region), crop, rtol=0, atol=2e-3)


def test_a_region_can_be_enlarged_and_averages_to_its_original_samples() -> None:
    wave_vector = torch.tensor([0.3, -0.2], dtype=torch.float64)
    field = wave_field(Grid.of((8, 10)), wave_vector, 0.0, Channel(name="value", low=-1.0, high=1.0))
    region = [(2, 5), (4, 8)]
    fine = field.sample((24, 32), region=region).view(3, 8, 4, 8, 1).mean(dim=(1, 3))
    assert_close(fine, field.sample(region=region), rtol=0, atol=1e-4)
    assert torch.equal(field.sample((24, 32), region=[(0, 8), (0, 10)]), field.sample((24, 32)))


def test_quantities_are_the_norm_of_the_gradient_and_the_laplacian() -> None:
    field = field_on(Grid.of((4, 5))).double()
    points = torch.from_numpy(field.grid.points()).double()
    expected = {
        "value": field(points).detach(),
        "gradient": lg.jacobian(field, points).detach().square().sum(dim=-1).sqrt(),
        "laplacian": lg.laplacian(field, points).detach(),
    }
    quantities: list[Quantity] = ["value", "gradient", "laplacian"]
    for quantity in quantities:
        assert_close(field.sample(quantity=quantity), expected[quantity].view(4, 5, 2))


@pytest.mark.parametrize("quantity", ["value", "gradient", "laplacian"])
@pytest.mark.parametrize("working_set", [1, 40, 100])
def test_a_sampling_in_small_pieces_is_the_whole(
    quantity: Quantity, working_set: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = field_on(Grid.of((4, 5))).double()
    region = [(1, 3), (0, 5)]
    whole, part = field.sample((7, 9), quantity=quantity), field.sample((3, 8), region=region, quantity=quantity)
    monkeypatch.setattr("ligeia.field._field._WORKING_SET", working_set)
    pieces = list(field.pieces(field.grid.sampling((7, 9)), quantity=quantity))
    assert len(pieces) > 4
    assert [start for start, _, _ in pieces[1:]] == [stop for _, stop, _ in pieces[:-1]]
    assert_close(field.sample((7, 9), quantity=quantity), whole)
    assert_close(field.sample((3, 8), region=region, quantity=quantity), part)


def test_a_sampling_carries_no_graph_and_leaves_gradients_on() -> None:
    field = field_on(Grid.of((4, 5)))
    walk: Iterator[Any] = field.pieces(field.grid.sampling((4, 5)))
    _, _, values = next(walk)
    assert not values.requires_grad
    assert not field.sample().requires_grad
    assert field(some_points(2, 2)).requires_grad  # also while the walk is under way


def test_samples_have_the_precision_of_the_weights_whatever_the_default() -> None:
    field = field_on(Grid.of((4, 5)))
    expected = field.sample()
    assert field.double().sample().dtype == torch.float64
    torch.set_default_dtype(torch.float64)
    try:
        again = field.float().sample()
    finally:
        torch.set_default_dtype(torch.float32)
    assert_close(again, expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_device_is_that_of_the_parameters() -> None:
    field = field_on(Grid.of((4, 5)))
    expected = field.sample()
    moved = field.to("cuda")
    assert moved(some_points(3, 2).to("cuda")).device.type == "cuda"
    assert_close(moved.sample(), expected, rtol=1e-4, atol=1e-2)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_a_large_sampling_needs_memory_for_its_result_and_little_more() -> None:
    program = """
from pathlib import Path
import ligeia.field._field
from ligeia.networks import Siren
from ligeia.signals import ArraySource, Channel, Grid

def peak():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) << 10

ligeia.field._field._WORKING_SET = 1 << 16
grid = Grid.of((8,))
channel = Channel(name="value", low=-1.0, high=1.0)
field = ligeia.field.Field(Siren(1, 1, 0, 1), grid, [channel], ArraySource(dtype="<f4"))
field.sample((1 << 18,))
before = peak()
result = field.sample((1 << 23,))
print(result.nbytes, peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    num_bytes, growth = map(int, done.stdout.split())
    assert num_bytes == 1 << 25
    assert growth < num_bytes + (24 << 20)


def test_gradients_reach_the_weights_and_whatever_produced_the_points() -> None:
    field = field_on(Grid.of((4, 5))).double()
    shift = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    points = some_points(6, 2, torch.float64)
    (slope,) = torch.autograd.grad(field(points + shift).sum(), shift)
    assert_close(slope, lg.jacobian(field, points).sum(dim=(0, 1)).detach())
    lg.laplacian(field, points + shift).square().sum().backward()
    assert shift.grad is not None
    assert shift.grad.abs().max() > 0
    assert all(weight.grad is not None for weight in field.network.parameters() if weight.ndim == 2)


def test_a_field_has_no_weights_beside_those_of_its_network() -> None:
    field = field_on(Grid.of((4, 5)))
    assert field.report is None
    assert [name for name, _ in field.named_parameters()] == list(field.state_dict())
    assert all(name.startswith("network.") for name in field.state_dict())


def test_a_network_of_other_sizes_than_the_grid_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected a network of 2 coordinates and 2 channels.* got 3 and 1"):
        lg.Field(Siren(3, 8, 1, 1), Grid.of((4, 5)), CHANNELS, SOURCE)
    with pytest.raises(ShapeError, match="got 2 and 3"):
        lg.Field(Siren(2, 8, 1, 3), Grid.of((4, 5)), CHANNELS, SOURCE)


@pytest.mark.parametrize("method", ["forward", "jet", "physical"])
def test_points_of_another_number_of_axes_are_refused(method: str) -> None:
    with pytest.raises(ShapeError, match=r"points must be \(n, 2\) for this 2-axis field, got \(7, 3\)"):
        getattr(field_on(Grid.of((4, 5))), method)(torch.zeros(7, 3))


@pytest.mark.parametrize(
    ("shape", "region", "message"),
    [
        ((4,), None, r"expected a shape of 2 sizes \(row, column\), got \(4,\)"),
        ((4, 0), None, "axis 'column' must have at least one sample, got 0"),
        (None, [(0, 4)], r"expected a region of 2 ranges \(row, column\), got 1"),
        (None, [(0, 4), (2, 6)], "the region 2:6 must be within 0:5 on axis 'column'"),
        ((3, 3), [(0, 4), (2, 6)], "the region 2:6 must be within 0:5 on axis 'column'"),
    ],
)
def test_a_sampling_outside_the_grid_is_refused(
    shape: tuple[int, ...] | None, region: list[tuple[int, int]] | None, message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        field_on(Grid.of((4, 5))).sample(shape, region=region)


def test_an_unknown_quantity_is_refused() -> None:
    field = field_on(Grid.of((4, 5)))
    jaxtyping.config.update("jaxtyping_disable", True)  # users run without the checks of a test run
    try:
        with pytest.raises(InputError, match="the quantity must be value, gradient or laplacian, got 'curl'"):
            field.sample(quantity="curl")  # type: ignore[arg-type]
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("points", [[[0.0, 1.1]], [[-7.0, 0.0]]])
def test_points_beyond_the_domain_are_warned_of(points: list[list[float]]) -> None:
    field = field_on(Grid.of((4, 5)))
    for call in (field, field.jet):
        with pytest.warns(UserWarning, match=r"outside of \[-1, 1\], where nothing is known"):
            call(torch.tensor(points))
    field(torch.tensor([[1.0, -1.0], [1.0001, 0.0]]))
    torch.func.vmap(field)(torch.tensor(points))
    field(torch.zeros(0, 2))
