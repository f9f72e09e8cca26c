"""`ligeia bench`."""

from dataclasses import asdict
from typing import Any

from ._console import Json, NoDevice, Quiet, Seed, decibels, emit, say


def bench(
    seed: Seed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure how fast this machine is.

    It fits and renders with each of its kernels, which takes half a minute.

    Example: ligeia bench
    """
    import torch

    from ligeia import experiments, kernels

    say("timing training and rendering with each kernel ...", quiet=quiet)
    rates = experiments.measure_rates()
    say("fitting a 256 x 256 photograph ...", quiet=quiet)
    fitted = experiments.time_fit(seed=seed)
    result: dict[str, Any] = {
        "kernel": kernels.current_path(),
        "threads": torch.get_num_threads(),
        "rates": [asdict(each) for each in rates],
        "fit": asdict(fitted),
    }
    plain = next(each for each in rates if each.kernel == "torch")
    lines = [f"{'kernel':13}{'training':>14}{'rendering':>14}{'of its peak':>13}{'times torch':>13}   (points/s)"]
    lines += [
        f"{each.kernel:13}{each.training:14,.0f}{each.rendering:14,.0f}"
        f"{'' if each.peak_share is None else f'{each.peak_share:.0%}':>13}{each.training / plain.training:13.1f}"
        f"{'   in use' if each.kernel == kernels.current_path() else ''}"
        for each in rates
    ]
    lines.append(
        f"a 256 x 256 photograph to {decibels(fitted.psnr_db)}: {fitted.seconds:.1f} s, "
        f"{fitted.point_steps:,} point-steps (500 full batches take 32,768,000)"
    )
    lines.append(f"{torch.get_num_threads()} threads; a network 2 -> 256 x 4 -> 1; batches of 2048")
    emit(result, "\n".join(lines), as_json=as_json, quiet=quiet)
