"""Bytes against quality: pictures beside Pillow's codecs and published networks, a sound, a volume.

``anchors`` measures JPEG, JPEG 2000, WebP and AVIF on eight photographs, or with ``--images others`` on eight other
pictures that no choice was made on, ``ligeia`` our files of the same, ``other``
FLAC, Opus, MP3 and AAC on a sound at 64 kbit/s and JPEG 2000 on a volume at 0.5 bits per voxel, and our files of both.
Each row says the bytes of the real file and the RGB PSNR of the bytes that it decodes to. ``table`` prints the tables
from the rows that are there, ``picture`` draws docs/rate-distortion.png. Lossy WebP is 4:2:0 always.
"""

import argparse
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from _common import append_row, data_folder
from _image_codecs import CODECS, encoded, qualities
from _lig_files import COMPRESSORS, Compressor, as_bytes, compress_siren, measured
from _pictures import KODAK, OTHERS, picture_file, pixels_of
from _rate_distortion_picture import picture
from _rate_distortion_tables import RATES, read_rows, tables
from _sound_codecs import LOSSY, flac, lossy, snr
from _volume_codecs import jpeg_2000_slices, lossless, range_psnr

from ligeia import recipes

SOUND, SOUND_RATES = "audio/gt_bach.wav", (40_000, 48_000, 56_000, 64_000, 80_000)  # bits per second
VOLUME, VOLUME_RATES = "volumes/headsq_quarter_93x64x64.npz", (0.25, 0.5, 1.0, 2.0)  # bits per voxel
SOUND_RATE, VOLUME_RATE = 64_000, 0.5


def _report(row: dict[str, object], name: str = "rate_distortion") -> None:
    append_row(name, row)
    keys = ("image", "codec", "setting", "bpp", "kbit_per_second", "bits_per_sample", "psnr_db", "snr_db")
    print({key: row[key] for key in keys if key in row}, flush=True)


def anchors(files: Sequence[Path], codecs: Sequence[str]) -> None:
    """Append a row for each codec, setting and image."""
    for codec in CODECS:
        for setting in codec.settings if codec.name in codecs else ():
            for path in files:
                _report({"what": "anchor", "image": path.stem, **encoded(codec, pixels_of(path), setting)})


def our_image(
    path: Path, bpp: float, *, effort: int, seed: int, network: str = "grid", compressor: Compressor | None = None
) -> dict[str, object]:
    """Return the row of one picture as one of our files."""
    compressor = compressor or COMPRESSORS[network]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "image.lig"
        found, values = measured(path, output, bpp, effort=effort, seed=seed, compressor=compressor, network=network)
    truth = pixels_of(path)
    return {"what": "ligeia", "image": path.stem, **qualities(as_bytes(values).reshape(truth.shape), truth), **found}


def sound_rows(path: Path) -> list[dict[str, object]]:
    """Return what each codec makes of a sound."""
    samples, sample_rate = _sound(path)
    rows = [flac(samples, sample_rate, subtype) for subtype in ("PCM_16", "PCM_24")]
    rows += [lossy(codec, samples, sample_rate, rate) for codec in LOSSY for rate in SOUND_RATES]
    return [{"what": "sound", "image": path.stem, **row} for row in rows]


def _sound(path: Path) -> tuple[np.ndarray, int]:
    signal = recipes.to_signal(path)
    return signal.values[:, 0].astype(np.float64), round(getattr(signal.source, "sample_rate", 0))


def our_sound(
    path: Path, bits_per_second: float, *, effort: int, seed: int, compressor: Compressor = compress_siren
) -> dict[str, object]:
    """Return the row of a mono sound as one of our files."""
    samples, sample_rate = _sound(path)
    with tempfile.TemporaryDirectory() as folder:
        output, rate = Path(folder) / "sound.lig", bits_per_second / sample_rate
        found, values = measured(path, output, rate, effort=effort, seed=seed, compressor=compressor)
    found |= {"setting": bits_per_second, "bits_per_sample": found["bpp"]}
    found["kbit_per_second"] = float(str(found["bpp"])) * sample_rate / 1000
    return {"what": "sound", "image": path.stem, "snr_db": snr(values[:, 0].astype(np.float64), samples), **found}


def our_volume(
    path: Path, bits_per_voxel: float, *, effort: int, seed: int, compressor: Compressor = compress_siren
) -> dict[str, object]:
    """Return the row of a volume as one of our files."""
    truth = recipes.to_signal(path).values[..., 0]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "volume.lig"
        found, values = measured(path, output, bits_per_voxel, effort=effort, seed=seed, compressor=compressor)
    psnr = range_psnr(np.rint(values[..., 0].clip(0, 65535)), truth)
    return {"what": "volume", "image": path.stem, "psnr_db": psnr, **found, "bits_per_sample": found["bpp"]}


def other(folder: Path, *, effort: int, seed: int, with_ours: bool) -> None:
    """Append the rows of the sound and of the volume."""
    sound, volume = folder / SOUND, folder / VOLUME
    truth = recipes.to_signal(volume).values[..., 0]
    sliced = [row for rate in VOLUME_RATES for row in jpeg_2000_slices(truth, rate)]
    rows = [{"what": "volume", "image": volume.stem, **row} for row in (*lossless(truth), *sliced)]
    for row in (*sound_rows(sound), *rows):
        _report(row)
    if with_ours:
        _report(our_sound(sound, SOUND_RATE, effort=effort, seed=seed))
        _report(our_volume(volume, VOLUME_RATE, effort=effort, seed=seed))


def main() -> None:
    """Measure, print the tables, or draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["anchors", "ligeia", "other", "table", "picture"])
    parser.add_argument("--images", nargs="+", default=KODAK, help="names, or `others`: the eight that are not Kodak's")
    parser.add_argument("--codecs", nargs="+", default=[codec.name for codec in CODECS], help="of `anchors`")
    parser.add_argument("--bpp", type=float, nargs="+", default=RATES, help="of `ligeia`")
    parser.add_argument("--network", choices=COMPRESSORS, default="grid", help="of `ligeia`")
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-ours", action="store_true", help="`other`: only what others make of them")
    parser.add_argument("--test", help="`table`, `picture`: the codec that the others stand beside")
    arguments = parser.parse_args()
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    effort, seed, network = arguments.effort, arguments.seed, arguments.network
    test = arguments.test or f"ligeia {network}, effort {effort}"
    images = OTHERS if arguments.images == ["others"] else tuple(arguments.images)
    if arguments.what == "other":
        other(folder, effort=effort, seed=seed, with_ours=not arguments.without_ours)
    elif arguments.what == "table":
        tables(folder / "rd_kodak", images, test, seed)
    elif arguments.what == "picture":
        path = Path(__file__).parents[1] / "docs" / "rate-distortion.png"
        picture(read_rows(seed=seed, images=images), folder / "rd_kodak", images, test, path)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            files = [picture_file(image, folder, Path(scratch)) for image in images]
            if arguments.what == "anchors":
                anchors(files, arguments.codecs)
            for bpp, path in product(arguments.bpp, files) if arguments.what == "ligeia" else ():
                _report(our_image(path, bpp, effort=effort, seed=seed, network=network))


if __name__ == "__main__":
    main()
