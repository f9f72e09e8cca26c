"""Burgers' equation by Adam, Muon, SOAP and an L-BFGS tail, with and without points where the residual is large."""

import argparse
import runpy
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _common import append_row

import ligeia as lg
from ligeia import fitting
from ligeia.fitting import Adam, LRSchedule, Muon, Optimizer, Recipe, Soap
from ligeia.physics import Constraint, Constraints, points_in, residual_adaptive

BURGERS = runpy.run_path(str(Path(__file__).parents[1] / "examples" / "burgers.py"))
POOL, BATCH, TAIL_POINTS, TAIL_SHARE = 40_000, 1024, 8192, 0.4
ROUNDS = 4


def by(optimizer: Optimizer, rounds: int = 1, tail: bool = False) -> Callable[[lg.Field, Constraint, float], None]:
    """Return a way to spend seconds on a field: so many rounds, points chosen anew in each, and a tail."""

    def run(field: lg.Field, everywhere: Constraint, seconds: float) -> None:
        recipe = Recipe(name="burgers", optimizer=optimizer, batch_size=BATCH, schedule=LRSchedule())
        generator = np.random.default_rng(0)
        first = seconds * (1 - TAIL_SHARE) if tail else seconds
        for number in range(rounds):
            constraint = everywhere
            if number:
                constraint = residual_adaptive(field, everywhere, POOL // 4, generator=generator)
            fitting.fit(field, Constraints([constraint]), recipe, lg.seconds(first / rounds), seed=number)
        if tail:
            fixed = Constraints([residual_adaptive(field, everywhere, TAIL_POINTS, generator=generator)])
            batch = fixed.batch(np.arange(TAIL_POINTS), torch.device("cpu"))
            ends = time.perf_counter() + seconds * TAIL_SHARE
            fitting.lbfgs(
                list(field.parameters()),
                lambda: fixed.loss(field, batch),
                evaluations=100_000,
                callbacks=[lambda _: time.perf_counter() > ends],
            )

    return run


WAYS = {
    "Adam 1e-3": by(Adam(learning_rate=1e-3)),
    "Muon 2e-3": by(Muon(learning_rate=2e-3)),
    "SOAP 3e-3": by(Soap(learning_rate=3e-3)),
    "SOAP, focused": by(Soap(learning_rate=3e-3), rounds=ROUNDS),
    "Adam, then L-BFGS": by(Adam(learning_rate=1e-3), tail=True),
    "SOAP, then L-BFGS": by(Soap(learning_rate=3e-3), tail=True),
}


def error_of(field: lg.Field) -> float:
    """Return the relative L2 distance from the closed form."""
    places = points_in(BURGERS["DOMAIN"], 5000, generator=np.random.default_rng(1))
    found = BURGERS["held"](field.physical)(torch.from_numpy(places).float()).detach().numpy()
    wanted = BURGERS["exact"](places)
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def main() -> None:
    """Print and keep the error of each way after equal time, for some seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for seed in range(arguments.seeds):
        for name, run in WAYS.items():
            network = lg.Siren(
                2, 64, 2, 1, first_omega_0=10.0, hidden_omega_0=10.0, generator=torch.Generator().manual_seed(seed)
            )
            field = lg.Field(network, BURGERS["DOMAIN"])
            points = points_in(BURGERS["DOMAIN"], POOL, generator=np.random.default_rng(seed))
            began = time.perf_counter()
            run(field, Constraint(BURGERS["burgers"], points), arguments.seconds)
            seconds = time.perf_counter() - began
            error = error_of(field)
            print(f"{name:20s} seed {seed}: {error:.2%} in {seconds:.0f} s", flush=True)
            append_row("equation_optimizers", {"way": name, "seed": seed, "error": error, "seconds": seconds})


if __name__ == "__main__":
    main()
