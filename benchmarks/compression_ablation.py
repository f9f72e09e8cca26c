"""What each part of compressing is worth: photographs at one rate, with one part changed at a time.

Rows are quality at the size that came out and, since sizes differ a little, at the size asked for, by 2.2 dB per
doubling. The last table prices the integers of one file under other models than those of the file.

The rows of "bit allocation" and "pruning" in the results are of commit 49fdfd4 and stay as a record. Both lost between
1 and 6 dB, and the code that they need has been removed.
"""

import argparse
import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from _common import RESULTS, append_row, data_folder

from ligeia import codec, compression
from ligeia.codec import QuantizedTensor
from ligeia.compression import CodedWeights, compact
from ligeia.recipes import Configuration

IMAGES = ("kodim08", "kodim23")
DB_PER_DOUBLING = 2.2
NEVER = 2.0  # later than the end


def _coded(**changes: object) -> Configuration:
    configuration = compact()
    optimizer = configuration.recipe.optimizer
    assert isinstance(optimizer, CodedWeights)
    return replace(configuration, recipe=replace(configuration.recipe, optimizer=replace(optimizer, **changes)))


def _adam(factor: float = 1.0, **changes: object) -> Configuration:
    optimizer = compact().recipe.optimizer
    assert isinstance(optimizer, CodedWeights)
    return _coded(optimizer=replace(optimizer.optimizer, learning_rate=factor * optimizer.learning_rate, **changes))


def _adam_alone() -> Configuration:
    half = _adam(0.5).recipe.optimizer
    assert isinstance(half, CodedWeights)
    return _coded(optimizer=half.optimizer, batch_size=1024, muon=0.0)


def _first_layer(factor: float) -> Configuration:
    return replace(compact(), first_layer_scale=factor * compact().first_layer_scale)


PARTS: dict[str, dict[str, Callable[[], Configuration]]] = {
    "as it is": {"": compact},
    "initialization": {
        "first layer as in the paper, half as fast": lambda: _first_layer(0.5),
        "first layer twice as fast": lambda: _first_layer(2.0),
    },
    "optimizer": {
        "Adam for all weights": lambda: _coded(muon=0.0),
        "Adam for all weights, batches of 1024, half the rate": _adam_alone,
        "neurons' weights of any length": lambda: _coded(longest=math.inf),
        "second beta 0.999": lambda: _adam(betas=(0.9, 0.999)),
        "half the rate": lambda: _adam(0.5),
    },
    "quantization-aware training": {
        "none: weights rounded after the fit": lambda: _coded(priced_from=NEVER, rounded_from=NEVER),
        "only rounded in the last part, no noise or price before": lambda: _coded(priced_from=NEVER),
        "only noise and price, rounded after the fit": lambda: _coded(rounded_from=NEVER),
    },
}


def measure(folder: Path, images: Sequence[str], parts: Sequence[str], bpp: float, effort: int, seed: int) -> None:
    """Append a row for each part, change and image."""
    for part in parts:
        for change, configuration in PARTS[part].items():
            for image in images:
                made = compression.compress(
                    folder / f"{image}.png",
                    bits_per_pixel=bpp,
                    effort=effort,
                    seed=seed,
                    configuration=configuration(),
                )
                row = {"part": part, "change": change, "image": image, "asked_bpp": bpp, "effort": effort, "seed": seed}
                row |= {"bpp": made.bits_per_sample, "psnr_db": made.psnr_db, "seconds": made.report.seconds}
                if part == "as it is":
                    row["models"] = model_bytes(made.data)
                append_row("compression_ablation", row)
                print(row, flush=True)


def model_bytes(data: bytes) -> dict[str, int]:
    """Return the bytes of a file's weights under the models of the file and under others."""
    record = codec.decode(data)
    tensors = [each for each in record.tensors if isinstance(each, QuantizedTensor)]
    zeros = tuple(QuantizedTensor(np.zeros(each.shape, np.int32), 1.0) for each in tensors)
    empty = len(codec.encode(replace(record, tensors=zeros)))
    packed = b"".join(each.integers.astype(np.int16).tobytes() for each in tensors)
    return {
        "the file's": len(data) - empty,
        "fixed length per tensor": round(sum(_fixed_bits(each.integers) for each in tensors) / 8),
        "deflate of 16-bit integers": len(zlib.compress(packed, 9)),
        "order-0 entropy per tensor, tables free": round(sum(_entropy_bits(each.integers) for each in tensors) / 8),
        "one order-0 entropy for all, table free": round(
            _entropy_bits(np.concatenate([each.integers.ravel() for each in tensors])) / 8
        ),
    }


def _fixed_bits(integers: np.ndarray) -> int:
    return integers.size * math.ceil(math.log2(int(integers.max()) - int(integers.min()) + 1))


def _entropy_bits(integers: np.ndarray) -> float:
    counts = np.unique(integers, return_counts=True)[1]
    return float(-(counts * np.log2(counts / counts.sum())).sum())


def table(images: Sequence[str], bpp: float, effort: int, seed: int) -> None:
    """Print the latest rows as Markdown."""
    rows = {}
    for line in (RESULTS / "compression_ablation.jsonl").read_text().splitlines():
        row = json.loads(line)
        if (row["asked_bpp"], row["effort"], row["seed"]) == (bpp, effort, seed):
            rows[row["part"], row["change"], row["image"]] = row
    print(f"| part | change | {' | '.join(images)} | mean change at equal size, dB |\n|{'---|' * (len(images) + 3)}")
    for part, changes in PARTS.items():
        for change in changes:
            found = [rows.get((part, change, image)) for image in images]
            if any(row is None for row in found):
                continue
            values = [at_equal_size(row) for row in found if row is not None]
            base = [at_equal_size(rows["as it is", "", image]) for image in images]
            cells = [f"{row['psnr_db']:.2f} ({row['bpp']:.3f} bpp)" for row in found if row is not None]
            change_db = np.mean(values) - np.mean(base)
            cells.append("nothing left" if math.isnan(change_db) else f"{change_db:+.2f}")
            print(f"| {part} | {change} | {' | '.join(cells)} |")
    models = [rows["as it is", "", image]["models"] for image in images]
    titles = ["model of the weights, bytes", *images]
    print(f"\n| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for name in models[0]:
        print(f"| {name} | {' | '.join(f'{each[name]:,}' for each in models)} |")


def at_equal_size(row: dict[str, float]) -> float:
    """Return the quality that the size asked for would have given; NaN for a constant, which has lost its network."""
    if row["bpp"] < 0.5 * row["asked_bpp"]:
        return math.nan
    return row["psnr_db"] + DB_PER_DOUBLING * math.log2(row["asked_bpp"] / row["bpp"])


def main() -> None:
    """Measure, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", nargs="+", default=IMAGES)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--bpp", type=float, default=0.3)
    parser.add_argument("--effort", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="print the rows that are there")
    arguments = parser.parse_args()
    folder = data_folder()
    if arguments.table:
        table(arguments.images, arguments.bpp, arguments.effort, arguments.seed)
    elif folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    else:
        chosen = arguments.parts
        measure(folder / "images/kodak", arguments.images, chosen, arguments.bpp, arguments.effort, arguments.seed)


if __name__ == "__main__":
    main()
