"""Learns the networks that picture files begin with, on pictures that come with scikit-image, and packs them.

``learn`` fits the grids of all pictures at one price of a bit, side by side, with context networks that they share;
each picture counts by the logarithm of its error plus price times bits, so that none rules. ``pack`` writes
src/ligeia/codec/latents/learned/latents-1.bin from what was learned at each price, and prints its SHA-256. The point
network of the package is not learned: pictures differ in it, and it begins best as the linear transform from luma and
chroma. None of the pictures is one that rates are measured on.
"""

import argparse
import hashlib
import math
import time
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from ligeia.codec.latents._layout import CHROMA, LUMA, Steps, num_biases, num_inputs, picture_network
from ligeia.codec.latents._model import FRACTION, MEAN_BITS, NUM_SCALES
from ligeia.compression._relaxation import Relaxing, analyze, fit_of, move_networks, network_optimizer_state
from ligeia.kernels import HIDDEN, LatentFit
from ligeia.networks.grids._latent_grid import RGB_OF_YCBCR

PRICES = (2.5e-4, 1e-3, 4e-3, 1.6e-2)  # mean squared errors of a range of 1 per bit of a pixel
PICTURES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "ihc.png", "retina.jpg")
TEXTURES = ("grass.png", "brick.png", "gravel.png")
SMALLER = {"retina.jpg": 1 / 3}
SMALLER_TOO = {"astronaut.png": 0.6, "motorcycle_left.png": 0.6, "coffee.png": 0.6}
MOST = 512  # rows and columns of a picture that are used
FINER_LEVEL, FINER_CHROMA = 4, 2
PACKAGE = Path(__file__).parents[1] / "src" / "ligeia" / "codec" / "latents" / "learned"


def pictures() -> list[np.ndarray]:
    """Return pictures ``(3, rows, columns)`` from -1 to 1."""
    folder = Path(skimage.__file__).parent / "data"
    wanted = [(name, SMALLER.get(name, 1.0)) for name in (*PICTURES, *TEXTURES)] + list(SMALLER_TOO.items())
    found = []
    for name, factor in wanted:
        image = Image.open(folder / name).convert("RGB")
        if factor < 1:
            size = (int(image.width * factor), int(image.height * factor))
            image = image.resize(size, Image.Resampling.LANCZOS)
        values = np.asarray(image)[:MOST, :MOST].transpose(2, 0, 1)
        found.append(np.ascontiguousarray(values.astype(np.float32) / 127.5 - 1))
    return found


def first_contexts(rng: np.random.Generator) -> list[np.ndarray]:
    """Return context networks that know nothing."""
    found = []
    for network in (LUMA, CHROMA):
        inputs, biases = num_inputs(network), num_biases(network)
        output_bias = np.zeros((biases, 2))
        output_bias[:, 1] = -1
        parts = [
            rng.standard_normal((inputs, HIDDEN)) / math.sqrt(inputs) * 0.5,
            np.zeros((biases, HIDDEN)),
            rng.standard_normal((HIDDEN, HIDDEN)) * 0.02,
            np.zeros(HIDDEN),
            rng.standard_normal((2, HIDDEN)) * 0.02,
            np.zeros((2, inputs)),
            output_bias,
        ]
        found.append(np.concatenate([part.ravel() for part in parts]).astype(np.float32))
    return found


def first_point(rng: np.random.Generator) -> np.ndarray:
    """Return the point network that pictures begin with: the planes, and hidden features that do nearly nothing."""
    colors = np.array(RGB_OF_YCBCR)
    straight = np.concatenate([np.repeat(colors[:, :1], 4, axis=1), colors[:, 1:]], axis=1)
    parts = [
        rng.standard_normal((6, HIDDEN)) / math.sqrt(6) * 0.75,
        rng.standard_normal(HIDDEN) * 0.1,
        rng.standard_normal((3, HIDDEN)) * 0.006,
        straight,
        np.full(3, -0.1),
    ]
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def learn(price: float, num_steps: int, output: Path, seed: int) -> None:
    """Write the context networks that suit all pictures at a price."""
    rng = np.random.default_rng(seed)
    contexts, point = first_contexts(rng), first_point(np.random.default_rng(0))
    settings = Relaxing(network_rate=0.015)
    moments = network_optimizer_state([*contexts, point])
    fits: list[LatentFit] = []
    for picture in pictures():
        config = picture_network((picture.shape[1], picture.shape[2]), 3)
        steps = Steps.near(2 * 1.2 * math.sqrt(8.66 * price), FINER_LEVEL, FINER_CHROMA)
        fits.append(fit_of(config, picture, steps, contexts, point))
        analyze(fits[-1], settings.dead_zones)
    began = time.perf_counter()
    for step in range(num_steps):
        total, gradients = 0.0, [np.zeros_like(each) for each in (*contexts, point)]
        for number, fit in enumerate(fits):
            pixels = fit.target.shape[1] * fit.target.shape[2]
            relaxation = settings.relaxation(step / num_steps, step * 7919 + number * 104729 + seed)
            nats, error = fit.evaluate(relaxation, rate_weight=4 * price / pixels / math.log(2), with_grad=True)
            settings.move_latents(fit, step / num_steps)
            cost = error / 4 + price * float(nats.sum()) / math.log(2) / pixels
            total += math.log(cost)
            for gradient, each in zip(gradients, (*fit.context_grads, fit.point_grad), strict=True):
                np.add(gradient, np.float32(3 * price / cost / len(fits)) * each, out=gradient)
        move_networks(moments, gradients, settings.rates(step / num_steps, step)[1])
        if step % 50 == 49 or step + 1 == num_steps:
            print(f"{step + 1}: mean ln cost {total / len(fits):.4f}, {time.perf_counter() - began:.0f} s", flush=True)
    np.savez(output, luma=contexts[0], chroma=contexts[1])


def pack(folder: Path) -> None:
    """Write the file of the package."""
    scales = np.exp(-4.5 + np.arange(NUM_SCALES) / 16)
    decays = np.rint(2.0**32 * np.exp(-1 / (scales * (1 << MEAN_BITS)))).astype("<u4")
    data = bytes([len(PRICES)]) + decays.tobytes() + np.array(PRICES, "<f4").tobytes()
    for price in PRICES:
        learned = np.load(folder / f"{price:g}.npz")
        for vector in (learned["luma"], learned["chroma"], first_point(np.random.default_rng(0))):
            data += np.clip(np.rint(vector * (1 << FRACTION)), -32767, 32767).astype("<i2").tobytes()
    PACKAGE.mkdir(exist_ok=True)
    (PACKAGE / "latents-1.bin").write_bytes(data)
    print(f"{len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


def main() -> None:
    """Learn at a price, or pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["learn", "pack"])
    parser.add_argument("folder", type=Path, help="where what is learned at each price is kept")
    parser.add_argument("--prices", type=float, nargs="+", default=PRICES)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.what == "pack":
        pack(arguments.folder)
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for price in arguments.prices:
        learn(price, arguments.steps, arguments.folder / f"{price:g}.npz", arguments.seed)


if __name__ == "__main__":
    main()
