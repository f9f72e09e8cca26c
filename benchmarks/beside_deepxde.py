"""Three equations in two dimensions by `solve_linear` and by DeepXDE in turns: seconds to 5 % and to 1 %.

DeepXDE (its torch backend, sines) has the settings of its own demos: Helmholtz of Helmholtz_Dirichlet_2d with its hard
boundary condition; the waves of wave_1d with its loss weights, its decay and its new points at each step, and a plain
network of its size, since the torch backend lacks the one of the demo; waves a tenth as fast, for which the formula of
those weights is a bad one, without them; Poisson with the network and the points of
Poisson_Lshape and a hard boundary condition, without which it takes ten times as long.

Both run on the CPU with as many threads. Counted is what finds the solution: all of `solve_linear`, with its search for
frequencies, and DeepXDE's training without the looks at the error. Imports are not counted; preparing (points, network,
`Model.compile`) is told apart. Errors are relative L2 distances from the closed form on 201 x 201 places.
"""

import argparse
import contextlib
import importlib
import io
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from _common import append_row
from torch import Tensor

import ligeia as lg
from ligeia import equations, kernels
from ligeia.physics import Constraint, points_in
from ligeia.signals import Axis, Grid

PI = np.pi
_DEMO_SPEED = 10.0
TARGETS = (0.05, 0.01)
PACKAGES = "deepxde scikit-learn scikit-optimize joblib threadpoolctl pyaml cloudpickle narwhals"
INSTALL = f".venv/bin/pip install --no-deps -c constraints.txt {PACKAGES}"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """An equation with a closed form."""

    grid: Grid
    exact: Callable[[np.ndarray], np.ndarray]
    constraints: Callable[[np.random.Generator], list[Constraint]]
    model: Callable[[Any], tuple[Any, list[Any]]]
    """Makes DeepXDE's model, compiled, and the callbacks that train it."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """How long it took to prepare and to come as close as each target, None where it did not."""

    prepared_s: float
    reached_s: tuple[float | None, ...]
    cpu_s: tuple[float | None, ...]
    spent_s: float
    error: float


def square(names: str, low: float, high: float) -> Grid:
    """Return a square domain."""
    return Grid(tuple(Axis(name=name, size=64, extent=(low, high)) for name in names))


def value(u: Any, points: Tensor, known: Tensor) -> Tensor:
    """Return by how much a field differs from what is known."""
    return u(points) - known


def known_at(exact: Callable[[np.ndarray], np.ndarray], *points: np.ndarray) -> Constraint:
    """Return the values of a closed form as a constraint."""
    places = np.concatenate(points)
    return Constraint(value, places, (exact(places),))


def poisson() -> Problem:
    """Return -laplacian u = f in a square, u = 0 around."""
    grid = square("xy", -1.0, 1.0)

    def exact(at: np.ndarray) -> np.ndarray:
        x, y = PI * at[:, :1], PI * at[:, 1:]
        return np.sin(x) * np.sin(y) + 0.5 * np.sin(2 * x) * np.sin(3 * y)

    def source(at: np.ndarray) -> np.ndarray:
        x, y = PI * at[:, :1], PI * at[:, 1:]
        return PI**2 * (2 * np.sin(x) * np.sin(y) + 6.5 * np.sin(2 * x) * np.sin(3 * y))

    def equation(u: Any, points: Tensor, source: Tensor) -> Tensor:
        return lg.derivatives(u, points, "xx+yy")[0] + source

    def constraints(generator: np.random.Generator) -> list[Constraint]:
        inside = points_in(grid, 2000, generator=generator)
        sides = [points_in(grid, 150, generator=generator, **{axis: end}) for axis in "xy" for end in (-1.0, 1.0)]
        return [Constraint(equation, inside, (source(inside),)), known_at(exact, *sides)]

    def model(dde: Any) -> tuple[Any, list[Any]]:
        def residual(x: Tensor, u: Tensor) -> Tensor:
            first, second = PI * x[:, :1], PI * x[:, 1:]
            slow = 2 * torch.sin(first) * torch.sin(second)
            f = PI**2 * (slow + 6.5 * torch.sin(2 * first) * torch.sin(3 * second))
            return -dde.grad.hessian(u, x, i=0, j=0) - dde.grad.hessian(u, x, i=1, j=1) - f

        data = dde.data.PDE(dde.geometry.Rectangle([-1, -1], [1, 1]), residual, [], num_domain=1200, num_boundary=120)
        network = dde.nn.FNN([2] + [50] * 4 + [1], "sin", "Glorot uniform")
        network.apply_output_transform(lambda x, u: (1 - x[:, :1] ** 2) * (1 - x[:, 1:] ** 2) * u)
        found = dde.Model(data, network)
        found.compile("adam", lr=1e-3)
        return found, []

    return Problem(grid=grid, exact=exact, constraints=constraints, model=model)


def helmholtz() -> Problem:
    """Return -laplacian u - k^2 u = f in a square, u = 0 around; two wavelengths along each side."""
    wavenumber = 4 * PI
    grid = square("xy", 0.0, 1.0)

    def exact(at: np.ndarray) -> np.ndarray:
        return np.sin(wavenumber * at[:, :1]) * np.sin(wavenumber * at[:, 1:])

    def equation(u: Any, points: Tensor, source: Tensor) -> Tensor:
        now, bend = lg.derivatives(u, points, "", "xx+yy")
        return bend + wavenumber**2 * now + source

    def constraints(generator: np.random.Generator) -> list[Constraint]:
        inside = points_in(grid, 2000, generator=generator)
        sides = [points_in(grid, 150, generator=generator, **{axis: end}) for axis in "xy" for end in (0.0, 1.0)]
        return [Constraint(equation, inside, (wavenumber**2 * exact(inside),)), known_at(exact, *sides)]

    def model(dde: Any) -> tuple[Any, list[Any]]:
        def residual(x: Tensor, u: Tensor) -> Tensor:
            f = wavenumber**2 * torch.sin(wavenumber * x[:, :1]) * torch.sin(wavenumber * x[:, 1:])
            return -dde.grad.hessian(u, x, i=0, j=0) - dde.grad.hessian(u, x, i=1, j=1) - wavenumber**2 * u - f

        data = dde.data.PDE(dde.geometry.Rectangle([0, 0], [1, 1]), residual, [], num_domain=400, num_boundary=80)
        network = dde.nn.FNN([2] + [150] * 3 + [1], "sin", "Glorot uniform")
        network.apply_output_transform(lambda x, u: x[:, :1] * (1 - x[:, :1]) * x[:, 1:] * (1 - x[:, 1:]) * u)
        found = dde.Model(data, network)
        found.compile("adam", lr=1e-3)
        return found, []

    return Problem(grid=grid, exact=exact, constraints=constraints, model=model)


def wave(speed: float) -> Problem:
    """Return u_tt = c^2 u_xx between fixed ends, two standing waves that start at rest."""
    grid = square("xt", 0.0, 1.0)

    def exact(at: np.ndarray) -> np.ndarray:
        x, t = at[:, :1], at[:, 1:]
        slow = np.sin(PI * x) * np.cos(speed * PI * t)
        return slow + np.sin(2 * PI * x) * np.cos(2 * speed * PI * t)

    def equation(u: Any, points: Tensor) -> Tensor:
        in_time, in_space = lg.derivatives(u, points, "tt", "xx")
        return in_time - speed**2 * in_space

    def at_rest(u: Any, points: Tensor) -> Tensor:
        return lg.derivatives(u, points, "t")[0]

    def constraints(generator: np.random.Generator) -> list[Constraint]:
        start = points_in(grid, 200, generator=generator, t=0.0)
        ends = [points_in(grid, 200, generator=generator, x=end) for end in (0.0, 1.0)]
        inside = points_in(grid, 2000, generator=generator)
        return [
            Constraint(equation, inside),
            known_at(exact, start),
            Constraint(at_rest, start),
            known_at(exact, *ends),
        ]

    def model(dde: Any) -> tuple[Any, list[Any]]:
        def residual(x: Tensor, u: Tensor) -> Tensor:
            return dde.grad.hessian(u, x, i=1, j=1) - speed**2 * dde.grad.hessian(u, x, i=0, j=0)

        domain = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1))
        conditions = [
            dde.icbc.DirichletBC(domain, exact, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(domain, exact, lambda _, on_initial: on_initial),
            dde.icbc.OperatorBC(
                domain, lambda x, u, _: dde.grad.jacobian(u, x, i=0, j=1), lambda x, _: dde.utils.isclose(x[1], 0)
            ),
        ]
        data = dde.data.TimePDE(domain, residual, conditions, num_domain=360, num_boundary=360, num_initial=360)
        network = dde.nn.FNN([2] + [100] * 3 + [1], "sin", "Glorot uniform")
        network.apply_feature_transform(lambda x: (x - 0.5) * 2 * 3**0.5)
        found = dde.Model(data, network)
        found.compile("adam", lr=1e-3)
        weights = None
        if speed == _DEMO_SPEED:
            history, _ = found.train(iterations=0)
            weights = list(5 / np.asarray(history.loss_train[0]))
        found.compile("adam", lr=1e-3, loss_weights=weights, decay=("inverse time", 2000, 0.9))
        return found, [dde.callbacks.PDEPointResampler(period=1)]

    return Problem(grid=grid, exact=exact, constraints=constraints, model=model)


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "poisson": poisson,
    "helmholtz": helmholtz,
    "wave, c 10": lambda: wave(_DEMO_SPEED),
    "wave, c 1": lambda: wave(1.0),
}


def error_of(problem: Problem, values: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return the relative L2 distance from the closed form."""
    along = [np.linspace(*axis.extent, 201) for axis in problem.grid.axes]
    places = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, 2)
    wanted = problem.exact(places)
    return float(np.linalg.norm(values(places) - wanted) / np.linalg.norm(wanted))


def by_ligeia(problem: Problem, seed: int) -> Solution:
    """Solve with a sine layer; what it reaches, it reaches at its end."""
    began = time.perf_counter()
    constraints = problem.constraints(np.random.default_rng(seed))
    prepared_s = time.perf_counter() - began
    began, cpu = time.perf_counter(), time.process_time()
    field = equations.solve_linear(constraints, problem.grid, seed=seed).field
    spent_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu

    error = error_of(problem, lambda places: field.values_at(problem.grid.from_physical(places)))
    hits = [error <= target for target in TARGETS]
    return Solution(
        prepared_s=prepared_s,
        reached_s=tuple(spent_s if hit else None for hit in hits),
        cpu_s=tuple(cpu_s if hit else None for hit in hits),
        spent_s=spent_s,
        error=error,
    )


def by_deepxde(problem: Problem, dde: Any, seed: int, budget_s: float) -> Solution:
    """Train until the last target is met or the budget is spent; looks at the error stop the clock."""
    began = time.perf_counter()
    dde.config.set_random_seed(seed)
    with contextlib.redirect_stdout(io.StringIO()):
        model, callbacks = problem.model(dde)
    prepared_s = time.perf_counter() - began

    class Clock(dde.callbacks.Callback):
        spent_s, spent_cpu_s, next_look_s, error = 0.0, 0.0, 0.0, np.inf

        def on_train_begin(self) -> None:
            self.reached: dict[float, tuple[float, float]] = {}
            self._go_on()

        def on_epoch_end(self) -> None:
            self.spent_s += time.perf_counter() - self._began
            self.spent_cpu_s += time.process_time() - self._cpu
            if self.spent_s >= self.next_look_s:
                self.next_look_s = self.spent_s + max(0.1, 0.01 * self.spent_s)
                self.error = error_of(problem, model.predict)
                for target in TARGETS:
                    if self.error <= target:
                        self.reached.setdefault(target, (self.spent_s, self.spent_cpu_s))
                model.stop_training = TARGETS[-1] in self.reached or self.spent_s > budget_s
            self._go_on()

        def _go_on(self) -> None:
            self._began, self._cpu = time.perf_counter(), time.process_time()

    clock = Clock()
    with contextlib.redirect_stdout(io.StringIO()):
        model.train(iterations=10**8, display_every=10**8, callbacks=[*callbacks, clock])
    nothing = (None, None)
    return Solution(
        prepared_s=prepared_s,
        reached_s=tuple(clock.reached.get(target, nothing)[0] for target in TARGETS),
        cpu_s=tuple(clock.reached.get(target, nothing)[1] for target in TARGETS),
        spent_s=clock.spent_s,
        error=clock.error,
    )


def median(times: list[float | None]) -> float | None:
    """Return the median of times, of which None is the longest."""
    middle = statistics.median(np.inf if each is None else each for each in times)
    return None if np.isinf(middle) else middle


def shown(seconds: float | None, budget_s: float) -> str:
    """Return a time for the table."""
    return f"not in {budget_s:.0f}" if seconds is None else f"{seconds:.2f}"


def print_problem(name: str, found: list[tuple[Solution, Solution]], budget_s: float) -> None:
    """Print a line of the table per target."""
    for number, target in enumerate(TARGETS):
        ours, theirs = (median([run[side].reached_s[number] for run in found]) for side in (0, 1))
        if ours is None:
            ratio = "-"
        else:
            ratio = f"{theirs / ours:.0f}" if theirs is not None else f"above {budget_s / ours:.0f}"
        prepared = [statistics.median(run[side].prepared_s for run in found) for side in (0, 1)]
        errors = [statistics.median(run[side].error for run in found) for side in (0, 1)]
        print(
            f"| {name} | {target:.0%} | {shown(ours, budget_s)} | {shown(theirs, budget_s)} | {ratio} "
            f"| {prepared[0]:.2f}, {prepared[1]:.2f} | {errors[0]:.1e}, {errors[1]:.1e} |",
            flush=True,
        )


def main() -> None:
    """Solve each problem in turns, keep the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS), help=f"of {', '.join(PROBLEMS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=180.0, help="seconds of training, for DeepXDE")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    os.environ.update(DDE_BACKEND="pytorch", CUDA_VISIBLE_DEVICES="")
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it says which backend it takes
            dde = importlib.import_module("deepxde")
    except ModuleNotFoundError as error:
        raise SystemExit(f"expected DeepXDE here ({error}); type: {INSTALL}") from error
    torch.set_num_threads(arguments.threads)
    by_ligeia(poisson(), seed=0)  # not counted: the first calls of all load what the later ones find loaded
    by_deepxde(poisson(), dde, seed=0, budget_s=0.0)
    print("| problem | error | ligeia, s | DeepXDE, s | times faster | prepared in, s | error at the end |")
    print("|---" * 7 + "|")
    for name in arguments.problems:
        problem, found = PROBLEMS[name](), []
        for seed in range(arguments.rounds):
            found.append((by_ligeia(problem, seed), by_deepxde(problem, dde, seed, arguments.budget)))
            for side, solution in zip(("ligeia", "deepxde"), found[-1], strict=True):
                row = {"problem": name, "side": side, "seed": seed, "targets": TARGETS, **vars(solution)}
                machine = {
                    "threads": arguments.threads,
                    "kernel": kernels.current_path(),
                    "versions": f"torch {torch.__version__}, deepxde {dde.__version__}",
                }
                append_row("beside_deepxde", row | {"budget_s": arguments.budget} | machine)
        print_problem(name, found, arguments.budget)


if __name__ == "__main__":
    main()
