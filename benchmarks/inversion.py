"""Full-waveform inversion at one frequency: how far the speed found is from the true circle, for some seeds."""

import argparse
from dataclasses import asdict

import torch
from _common import append_row

from ligeia.equations import solve_inversion
from ligeia.experiments import made_recordings, speed_error
from ligeia.physics import Circle

MEDIA = {
    "faster": Circle(center=(0.1, -0.08), radius=0.22, speed=1.3, edge=0.012),
    "slower": Circle(center=(-0.12, 0.1), radius=0.22, speed=0.8, edge=0.012),
}


def main() -> None:
    """Print and keep one row per medium and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--media", nargs="+", choices=MEDIA, default=["faster"])
    parser.add_argument("--evaluations", type=int, default=400)
    parser.add_argument("--noise", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print("medium seed  velocity  of change  center off  radius   peak  misfit  seconds")
    for name in arguments.media:
        for seed in range(arguments.seeds):
            problem = made_recordings(MEDIA[name], noise=arguments.noise, seed=seed)
            found = solve_inversion(problem, evaluations=arguments.evaluations, seed=seed)
            error = speed_error(found.speed, MEDIA[name])
            print(
                f"{name} {seed:4}  {error.relative_l2:8.2%}  {error.of_change:9.1%}  {error.center_off:10.4f}  "
                f"{error.radius:6.3f}  {error.peak:5.3f}  {found.relative_misfit:6.2%}  {found.seconds:7.1f}",
                flush=True,
            )
            row = {
                "medium": name,
                "seed": seed,
                "noise": arguments.noise,
                "threads": arguments.threads,
                **asdict(error),
                "relative_misfit": found.relative_misfit,
                "relative_residual": found.relative_residual,
                "evaluations": found.evaluations,
                "seconds": found.seconds,
            }
            append_row("inversion", row)


if __name__ == "__main__":
    main()
