"""Oracles: the siren-pytorch package itself, and restatements of the two forms of the reference code."""

import pytest
import torch
from siren_pytorch import Sine, SirenNet
from torch import Tensor, nn
from torch.testing import assert_close

from ligeia.core import FormatError, InputError, SampleError, ShapeError
from ligeia.networks import Siren, from_reference
from oracles.reference_models import NotebookNetwork, RepositoryNetwork


def points(num_coordinates: int) -> Tensor:
    return torch.linspace(-1, 1, 30 * num_coordinates, dtype=torch.float64).reshape(30, num_coordinates)


def tamed(network: nn.Module) -> nn.Module:
    """Shrink the weights: torch's own, under omega 30, enlarge the rounding of the layer before."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.1)
    return network.double()


def weights_of(convention: str) -> dict[str, Tensor]:
    """A small valid file of a convention: 2 inputs, width 4, 3 outputs."""
    torch.manual_seed(0)
    network = {
        "repository": lambda: RepositoryNetwork(2, 4, 1, 3),
        "notebook": lambda: NotebookNetwork(2, 4, 1, 3, True, 30, 30),
        "siren-pytorch": lambda: SirenNet(2, 4, 3, num_layers=2),
    }[convention]()
    return network.state_dict()


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(
    ("num_layers", "width", "w0_initial", "w0"), [(1, 5, 30.0, 1.0), (2, 16, 30.0, 1.0), (5, 64, 60.0, 30.0)]
)
def test_weights_of_siren_pytorch_give_its_outputs(
    num_layers: int, width: int, w0_initial: float, w0: float, use_bias: bool
) -> None:
    theirs = SirenNet(2, width, 3, num_layers, w0=w0, w0_initial=w0_initial, use_bias=use_bias).double()
    ours = from_reference(theirs.state_dict(), convention="siren-pytorch", first_omega_0=w0_initial, hidden_omega_0=w0)
    assert ours.architecture.num_sine_layers == num_layers
    assert_close(ours(points(2)), theirs(points(2)), rtol=1e-12, atol=1e-12)


def test_default_omegas_of_siren_pytorch_are_30_then_1() -> None:
    theirs = SirenNet(1, 8, 1, num_layers=3).double()
    ours = from_reference(theirs.state_dict(), convention="siren-pytorch")
    assert ours.architecture.omegas == (30.0, 1.0, 1.0)
    assert_close(ours(points(1)), theirs(points(1)), rtol=1e-12, atol=1e-12)


def test_a_final_sine_of_siren_pytorch_is_one_more_sine_layer() -> None:
    theirs = SirenNet(2, 8, 3, num_layers=2, final_activation=Sine(7.0)).double()
    ours = from_reference(
        theirs.state_dict(), convention="siren-pytorch", hidden_omega_0=[1.0, 7.0], outermost_linear=False
    )
    assert_close(ours(points(2)), theirs(points(2)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("num_coordinates", "width", "depth", "num_channels"), [(1, 3, 0, 1), (2, 32, 3, 3)])
def test_weights_of_the_repository_give_its_outputs(
    num_coordinates: int, width: int, depth: int, num_channels: int
) -> None:
    theirs = tamed(RepositoryNetwork(num_coordinates, width, depth, num_channels))
    ours = from_reference(theirs.state_dict(), convention="repository")
    assert (ours.architecture.hidden_layers, ours.architecture.outermost_linear) == (depth, True)
    assert_close(ours(points(num_coordinates)), theirs(points(num_coordinates)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("outermost_linear", [True, False])
@pytest.mark.parametrize(("depth", "first_omega", "hidden_omega"), [(0, 30.0, 30.0), (3, 3000.0, 20.0)])
def test_weights_of_the_notebook_give_its_outputs(
    depth: int, first_omega: float, hidden_omega: float, outermost_linear: bool
) -> None:
    theirs = tamed(NotebookNetwork(2, 16, depth, 3, outermost_linear, first_omega, hidden_omega))
    ours = from_reference(
        theirs.state_dict(), convention="notebook", first_omega_0=first_omega, hidden_omega_0=hidden_omega
    )
    assert ours.architecture.outermost_linear is outermost_linear
    # a phase of hundreds, at omega 3000, keeps 13 digits
    assert_close(ours(points(2)), theirs(points(2)), rtol=1e-10, atol=1e-10)


def test_the_weights_are_copies_that_train_in_their_own_dtype() -> None:
    saved = {name: tensor.double() for name, tensor in weights_of("notebook").items()}
    network = from_reference(saved, convention="notebook")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}
    assert all(parameter.requires_grad for parameter in network.parameters())
    before = saved["net.0.linear.weight"].clone()
    with torch.no_grad():
        network.linears()[0].weight.zero_()
    assert_close(saved["net.0.linear.weight"], before, rtol=0, atol=0)


def test_our_own_weights_are_in_the_form_of_the_notebook() -> None:
    network = Siren(2, 8, 2, 3)
    again = from_reference(network.state_dict(), convention="notebook")
    assert again.config == network.config
    assert_close(again(points(2).float()), network(points(2).float()), rtol=0, atol=0)


@pytest.mark.parametrize("convention", ["repository", "notebook", "siren-pytorch"])
def test_a_common_prefix_is_dropped(convention: str) -> None:
    weights = weights_of(convention)
    parallel = {f"module.{name}": tensor for name, tensor in weights.items()}
    expected = from_reference(weights, convention=convention)(points(2).float())
    assert_close(from_reference(parallel, convention=convention)(points(2).float()), expected, rtol=0, atol=0)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("actual", ["repository", "notebook", "siren-pytorch"])
@pytest.mark.parametrize("claimed", ["repository", "notebook", "siren-pytorch"])
def test_a_wrong_convention_is_refused_and_the_right_one_named(claimed: str, actual: str, prefix: str) -> None:
    if claimed == actual:
        return
    weights = {prefix + name: tensor for name, tensor in weights_of(actual).items()}
    with pytest.raises(FormatError, match=f"does not belong to the {claimed} .* try convention='{actual}'"):
        from_reference(weights, convention=claimed)


def test_an_unknown_convention_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="one of notebook, repository, siren-pytorch, got 'jax'"):
        from_reference({}, convention="jax")


@pytest.mark.parametrize(
    ("convention", "missing"),
    [
        ("repository", "net.net.1.0.bias"),
        ("repository", "net.net.0.0.weight"),
        ("notebook", "net.1.linear.weight"),
        ("siren-pytorch", "layers.1.bias"),
        ("siren-pytorch", "last_layer.weight"),
    ],
)
def test_a_missing_tensor_is_named(convention: str, missing: str) -> None:
    weights = weights_of(convention)
    del weights[missing]
    with pytest.raises(FormatError, match=f"expected '{missing}' by the {convention} convention, it is missing"):
        from_reference(weights, convention=convention)


def test_a_missing_layer_is_named() -> None:
    weights = {name: tensor for name, tensor in weights_of("notebook").items() if not name.startswith("net.1.")}
    with pytest.raises(
        FormatError, match=r"expected 'net\.1\.linear\.weight' by the notebook convention, it is missing"
    ):
        from_reference(weights, convention="notebook")


def test_no_weights_at_all_are_refused() -> None:
    with pytest.raises(
        FormatError, match=r"expected 'layers\.0\.weight' by the siren-pytorch convention, it is missing"
    ):
        from_reference({}, convention="siren-pytorch")


def test_a_layer_with_two_names_is_refused() -> None:
    weights = weights_of("notebook")
    weights["net.0.weight"] = weights["net.0.linear.weight"]
    with pytest.raises(FormatError, match=r"layer 0 has two names, 'net\.0\.linear' and 'net\.0'"):
        from_reference(weights, convention="notebook")


def test_something_beside_the_weights_is_named() -> None:
    weights = {**weights_of("siren-pytorch"), "grid": torch.zeros(4, 2)}
    with pytest.raises(FormatError, match=r"the name 'grid' does not belong .* whole and with nothing else"):
        from_reference(weights, convention="siren-pytorch")


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (
            "net.1.linear.weight",
            (4, 5),
            r"net.1.linear.weight is \(4, 5\), which does not follow .* 4 outputs",
        ),
        ("net.2.weight", (3, 5), r"net.2.weight is \(3, 5\), which does not follow"),
        ("net.1.linear.bias", (5,), r"net.1.linear must have .* got \(4, 4\) and \(5,\)"),
        ("net.0.linear.weight", (), r"net.0.linear must have a weight \(outputs, inputs\)"),
    ],
)
def test_layers_that_do_not_follow_one_another_are_refused(name: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        from_reference({**weights_of("notebook"), name: torch.zeros(shape)}, convention="notebook")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value: float) -> None:
    weights = weights_of("repository")
    weights["net.net.1.0.bias"][2] = value
    with pytest.raises(SampleError, match=r"net\.net\.1\.0\.bias holds NaN or infinite"):
        from_reference(weights, convention="repository")


def test_mixed_dtypes_are_refused() -> None:
    weights = weights_of("repository")
    weights["net.net.1.0.bias"] = weights["net.net.1.0.bias"].double()
    with pytest.raises(FormatError, match=r"net\.net\.1\.0\.bias is torch\.float64; expected one floating dtype"):
        from_reference(weights, convention="repository")


def test_an_output_layer_that_contradicts_the_names_is_refused() -> None:
    with pytest.raises(InputError, match="outermost_linear is True by the names"):
        from_reference(weights_of("notebook"), convention="notebook", outermost_linear=False)


def test_loading_leaves_the_global_random_stream_untouched() -> None:
    weights, before = weights_of("notebook"), torch.get_rng_state()
    from_reference(weights, convention="notebook")
    assert_close(torch.get_rng_state(), before, rtol=0, atol=0)


def test_the_oracles_write_the_names_of_the_reference_code() -> None:
    assert list(RepositoryNetwork(2, 4, 1, 3).state_dict())[::2] == [f"net.net.{i}.0.weight" for i in range(3)]
    assert isinstance(NotebookNetwork(2, 4, 1, 3, True, 30, 30).net, nn.Sequential)
    assert list(weights_of("notebook"))[::2] == ["net.0.linear.weight", "net.1.linear.weight", "net.2.weight"]
