"""Eight tasks on which networks are compared: what each is fitted to, and how it is judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from _common import data_folder

from ligeia import experiments, recipes
from ligeia.field import Field
from ligeia.fitting import Objective, Values
from ligeia.metrics import decibels
from ligeia.physics import DerivativesOf
from ligeia.signals import Channel, Grid, Signal, from_array

_NOISE = 25.0  # standard deviation, of 255
_KNOWN = 0.2  # of the pixels, where the others are to be found


@dataclass(frozen=True)
class Task:
    """What networks are fitted to, on which domain, and the score of a field in decibels: more is better."""

    name: str
    grid: Grid
    channels: tuple[Channel, ...]
    turns: tuple[float, ...]
    """How fast a sine network's first layer turns along each axis by default."""
    objective: Callable[[int], Objective]
    """Made for a seed."""
    score: Callable[[Field], float]
    needs_derivatives: int = 0
    """Highest order of the derivatives that the objective looks at."""


def _turns(signal: Signal) -> tuple[float, ...]:
    return tuple(each.omega for each in recipes.fast().first_frequencies(signal, 30.0))


def _against(truth: Signal, field: Field, chosen: np.ndarray | None = None) -> float:
    """Return the PSNR of a field, sampled as the truth is, clipped to its range; of the samples chosen, or of all."""
    found = field.sample(truth.grid.shape).double().numpy()
    low = np.array([each.low for each in truth.channels])
    high = np.array([each.high for each in truth.channels])
    errors = np.square((found.clip(low, high) - truth.values) / (high - low)).reshape(-1, truth.num_channels)
    return decibels(float((errors if chosen is None else errors[chosen]).mean()), peak=1.0)


def _task(name: str, seen: Signal, score: Callable[[Field], float]) -> Task:
    return Task(name, seen.grid, seen.channels, _turns(seen), lambda seed: Values(seen, seed=seed), score)


def _picture(folder: Path, path: str, shrink: int) -> Signal:
    from PIL import Image

    return from_array(np.asarray(Image.open(folder / "images" / path).convert("RGB").reduce(shrink)))


def _image(folder: Path) -> Task:
    truth = _picture(folder, "kodak/kodim07.png", 3)
    return _task("image", truth, lambda field: _against(truth, field))


def _denoising(folder: Path) -> Task:
    truth = _picture(folder, "kodak/kodim23.png", 3)
    noise = np.random.default_rng(0).normal(0, _NOISE, truth.values.shape)
    seen = replace(truth, values=np.clip(np.rint(truth.values + noise), 0, 255).astype(np.uint8))
    return _task("denoising", seen, lambda field: _against(truth, field))


def _inpainting(folder: Path) -> Task:
    truth = _picture(folder, "kodak/kodim15.png", 3)
    seen, gone = recipes.hold_out(truth, 1 - _KNOWN, seed=0)
    assert gone is not None
    return _task("inpainting", seen, lambda field: _against(truth, field, gone.indices))


def _enlargement(folder: Path) -> Task:
    truth = _picture(folder, "skimage/astronaut.png", 2)
    halved = truth.values.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    seen = from_array(np.rint(halved).astype(np.uint8))
    return _task("2x enlargement", seen, lambda field: _against(truth, field))


def _sound(folder: Path) -> Task:
    from scipy.io import wavfile

    _, samples = wavfile.read(folder / "audio/gt_bach.wav")
    truth = from_array(samples[44100:88200].astype(np.float32))
    power = float(np.square(truth.values).mean())

    def snr(field: Field) -> float:
        error = float(np.square(field.sample().double().numpy() - truth.values).mean())
        return decibels(error / power, peak=1.0)

    turns = tuple(each.omega for each in recipes.fast().first_frequencies(_as_sound(truth), 30.0))
    return replace(_task("sound", truth, snr), turns=turns)


def _as_sound(signal: Signal) -> Signal:
    """Return a signal that says it is a sound, whose first layer is chosen as that of one."""
    from ligeia.signals import SoundSource

    return replace(signal, source=SoundSource(format="WAV", subtype="FLOAT", sample_rate=44100))


def _volume(folder: Path) -> Task:
    with np.load(folder / "volumes/headsq_quarter_93x64x64.npz") as file:
        volume = file[file.files[0]]
    truth = from_array(np.ascontiguousarray(volume[30:62, 8:56, 8:56]))
    return _task("volume", truth, lambda field: _against(truth, field))


def _distance(folder: Path) -> Task:
    shape = recipes.read_shape(folder / "meshes/armadillo.obj")
    seen, held = (shape.distance_samples(60_000, seed=seed) for seed in (0, 1))
    points = torch.from_numpy(np.asarray(held.coordinates(np.arange(held.num_samples)), np.float32))

    def score(field: Field) -> float:
        channel = held.channels[0]
        with torch.no_grad():
            found = field(points).numpy().clip(channel.low, channel.high)
        return decibels(float(np.square((found - held.values) / (channel.high - channel.low)).mean()), peak=1.0)

    turns = (60.0,) * 3  # of `recipes.fit_surface`
    return Task("signed distance", shape.grid, (shape.channel,), turns, lambda seed: Values(seen, seed=seed), score)


def _gradients(folder: Path) -> Task:
    truth = experiments.camera(size=128, align="centers")
    held = DerivativesOf(truth, "gradient")
    turns = (30.0, 30.0)  # of `equations.poisson`
    return Task(
        "from gradients",
        truth.grid,
        truth.channels,
        turns,
        lambda _: held,
        lambda field: held.quality(field).psnr_db,
        needs_derivatives=1,
    )


_TASKS: dict[str, Callable[[Path], Task]] = {
    "image": _image,
    "denoising": _denoising,
    "inpainting": _inpainting,
    "2x enlargement": _enlargement,
    "sound": _sound,
    "volume": _volume,
    "signed distance": _distance,
    "from gradients": _gradients,
}


def task_names() -> Sequence[str]:
    """Return the names of all tasks."""
    return list(_TASKS)


def task(name: str) -> Task:
    """Return a task; all but the last need the research data."""
    folder = data_folder()
    if folder is None and name != "from gradients":
        raise SystemExit("the research data were not found; set LIGEIA_DATA to their folder.")
    torch.manual_seed(0)
    return _TASKS[name](folder or Path())
