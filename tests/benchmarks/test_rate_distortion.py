import importlib
import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from skimage import data

import ligeia as lg
from ligeia.codec import QuantizedTensor, nearest_step, write_record
from ligeia.field import to_record

pytest_plugins = ["support.fixtures"]


def _load(name: str) -> ModuleType:
    """Import a benchmark, which finds its neighbors beside it."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


benchmark = _load("rate_distortion")
curves, published, images = _load("_curves"), _load("_published"), _load("_image_codecs")
sounds, volumes, tables = _load("_sound_codecs"), _load("_volume_codecs"), _load("_rate_distortion_tables")
RATES = np.array([0.1, 0.2, 0.35, 0.7, 1.1])
DECIBELS = np.array([25.0, 27.5, 29.0, 32.5, 34.0])
CURVE = curves.Curve.of(zip(RATES, DECIBELS, strict=True))
IMAGES = [f"kodim{number:02}" for number in range(1, 5)]


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.7])
def test_a_curve_at_a_constant_factor_of_the_rate_has_that_bd_rate(factor: float) -> None:
    test = curves.Curve.of(zip(factor * RATES, DECIBELS, strict=True))
    assert curves.bd_rate(CURVE, test) == pytest.approx(factor - 1)
    assert (1 + curves.bd_rate(CURVE, test)) * (1 + curves.bd_rate(test, CURVE)) == pytest.approx(1)


def test_a_curve_one_decibel_higher_has_a_bd_psnr_of_one() -> None:
    assert curves.bd_psnr(CURVE, CURVE.shifted(lambda bpp: 1.0)) == pytest.approx(1)
    assert curves.bd_psnr(CURVE.shifted(lambda bpp: 1.0), CURVE) == pytest.approx(-1)


def test_deltas_of_straight_lines_are_taken_where_both_are() -> None:
    # 3 dB and 5 dB for each factor e of the rate, from one point on: at 0.4 they are 2 log 4 dB apart
    def line(slope: float, rates: list[float]) -> object:
        return curves.Curve.of((rate, 20 + slope * math.log(rate / 0.1)) for rate in rates)

    anchor, test = line(3, [0.1, 0.2, 0.4]), line(5, [0.1, 0.3, 0.9])
    assert curves.bd_psnr(anchor, test) == pytest.approx(math.log(4))
    # over 0 to 3 log 4 dB the log rates differ by (1/3 - 1/5) of them: at the middle by 0.2 log 4
    assert curves.bd_rate(anchor, test) == pytest.approx(4**-0.2 - 1)
    assert math.isnan(curves.bd_rate(anchor, line(3, [10.0, 20.0])))
    assert math.isnan(curves.bd_rate(anchor, curves.Curve((), ())))


def test_a_curve_is_followed_a_little_beyond_its_ends() -> None:
    assert CURVE.at(0.2) == pytest.approx(27.5)
    assert 27.5 < CURVE.at(0.3) < 29
    slope = (34 - 32.5) / math.log(1.1 / 0.7)
    assert CURVE.at(1.12) == pytest.approx(34 + slope * math.log(1.12 / 1.1))
    assert CURVE.at(1.2) is None
    assert CURVE.at(0.09) is None


def test_averages_of_two_images() -> None:
    points = {("a", 1.0): (0.2, 20.0), ("b", 1.0): (0.4, 40.0), ("a", 2.0): (1.0, 30.0), ("b", 2.0): (1.0, 50.0)}
    mean = curves.average_curve(points | {("a", 3.0): (2.0, 60.0)}, curves.mean_psnr)  # not of all images: left out
    assert (mean.bpp, mean.db) == (pytest.approx((0.3, 1.0)), pytest.approx((30.0, 40.0)))
    error = curves.average_curve(points, curves.psnr_of_mean_error)
    assert error.db[0] == pytest.approx(-10 * math.log10((0.01 + 0.0001) / 2))
    equal = curves.equal_rate_curve(points, curves.mean_psnr)
    assert (equal.bpp[0], equal.bpp[-1]) == (pytest.approx(0.4), pytest.approx(1.0))
    assert equal.db[0] == pytest.approx((20 + 10 * math.log(2) / math.log(5) + 40) / 2)


@pytest.fixture
def publications(tmp_path: Path) -> Path:
    """Write what stands in for the published files: image number n has 20 + n + 4 log2(bpp) dB in Cool-Chic's."""
    folder = tmp_path / "published"
    for name in ("coin", "strumpler", "compressai", "coolchic"):
        (folder / name).mkdir(parents=True)
    rates = [0.05, 0.5, 4.0]
    results = {"bpp": rates, "psnr": [15.0, 20.0, 25.0]}
    for path in [*published._FILES.values(), *published.SAME_CODECS.values()]:
        (folder / path).write_text(json.dumps({"results": results}))
    (folder / "c3_kodak.json").write_text(json.dumps({"C3": results, "RECOMBINER": results}))
    for version in published.COOL_CHIC:
        titles = "seq\tlambda\trate_bpp\tpsnr_db" if version == "1.0" else "seq_name\tlmbda\trate_bpp\tpsnr_db"
        lines = [
            f"{image}\t{1 / rate}\t{rate}\t{20 + number + 4 * math.log2(rate)}"
            for number, image in enumerate(IMAGES)
            for rate in rates
        ]
        (folder / "coolchic" / f"v{version}_image-kodak.tsv").write_text("\r\n".join([titles, *lines]))
    return folder


def test_the_shift_between_images_is_what_their_curves_are_apart(publications: Path) -> None:
    points = published.cool_chic(publications, "1.0")
    for bpp in (0.04, 0.15, 0.6):  # the first is beyond all curves
        assert published.shift_at_equal_rate(points, IMAGES[2:], bpp) == pytest.approx(1.0)  # 2.5 less 1.5
    assert published.shift_by_setting(points, IMAGES[2:], 0.6) == pytest.approx(1.0)
    curve = published.mean_curves(publications)["COIN"]
    assert published.raised("COIN", curve, points, IMAGES[2:]).db == pytest.approx([16, 21, 26])
    assert published.raised("C3", curve, points, IMAGES[2:]).db == pytest.approx([16, 21, 26])  # rates are equal here


def rounded_fit(source: Path, output: Path, bits_per_sample: float, effort: int, seed: int) -> None:
    """Write a short fit, its weights rounded to steps as coarse as the bits want."""
    field = lg.fit(source, stop=lg.passes(effort), hidden_features=12, hidden_layers=1, seed=seed)
    record = to_record(field)
    steps = [nearest_step(float(np.abs(each).mean()) * 8 * 2**-bits_per_sample) for each in record.float_tensors()]
    tensors = tuple(
        QuantizedTensor(np.rint(each / step).astype(np.int32), step)
        for each, step in zip(record.float_tensors(), steps, strict=True)
    )
    write_record(replace(record, tensors=tensors), output)


def test_from_photographs_to_tables_and_a_picture(
    publications: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for name, corner in zip(IMAGES[:2], (100, 200), strict=True):
        path = tmp_path / f"{name}.png"
        Image.fromarray(data.astronaut()[corner:, corner:][:64, :64]).save(path)
        for bits in (4.0, 7.0):
            rows.append(benchmark.our_image(path, bits, effort=5, seed=0, compressor=rounded_fit))
        for codec in images.CODECS:
            for setting in sorted(codec.settings)[2:8:2] if codec.name in ("JPEG", "JPEG 2000", "AVIF") else ():
                found = images.encoded(codec, benchmark.pixels_of(path), setting)
                rows.append({"what": "anchor", "image": name, **found})
    ours = [row for row in rows if row["what"] == "ligeia"]
    assert all(row["bytes"] * 8 / 64**2 == row["bpp"] for row in ours)
    assert all(row["largest_difference_of_decoders"] < 0.01 for row in ours)
    assert ours[0]["bytes"] < ours[1]["bytes"]
    assert ours[0]["psnr_db"] < ours[1]["psnr_db"]
    rows += benchmark.sound_rows(_write_sound(tmp_path)) + volume_rows(tmp_path)
    (tmp_path / "rate_distortion.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    tables.tables(publications, IMAGES[:2], "ligeia grid, effort 5", 0)
    printed = capsys.readouterr().out
    for words in ("| ligeia grid, effort 5 beside |", "| COIN |", "| Opus |", "| zlib, level 9 | - |", "| AVIF |"):
        assert words in printed
    picture = tmp_path / "picture.png"
    benchmark.picture(tables.read_rows(), publications, IMAGES[:2], "ligeia grid, effort 5", picture)
    with Image.open(picture) as drawn:
        assert drawn.width > 600


def _write_sound(folder: Path) -> Path:
    import soundfile

    seconds = np.arange(11_025) / 22_050
    samples = 0.4 * np.sin(2 * np.pi * (200 + 300 * seconds) * seconds) * np.hanning(len(seconds))
    soundfile.write(folder / "sound.wav", samples, 22_050, subtype="FLOAT")
    return folder / "sound.wav"


def volume_rows(folder: Path) -> list[dict[str, object]]:
    path = folder / "volume.npy"
    axes = np.mgrid[:8, :16, :16] / 8
    np.save(path, (1000 + 900 * np.sin(axes.sum(axis=0))).astype(np.uint16))
    found = benchmark.our_volume(path, 5.0, effort=2, seed=0, compressor=rounded_fit)
    return [found, *({"what": "volume", "image": "volume", **row} for row in volumes.lossless(np.load(path)))]


def test_our_sound_is_held_to_bits_per_second(tmp_path: Path) -> None:
    asked: list[float] = []

    def compressor(source: Path, output: Path, bits_per_sample: float, effort: int, seed: int) -> None:
        asked.append(bits_per_sample)
        rounded_fit(source, output, 5.0, effort, seed)

    row = benchmark.our_sound(_write_sound(tmp_path), 64_000, effort=2, seed=0, compressor=compressor)
    assert asked == [pytest.approx(64_000 / 22_050)]
    assert row["kbit_per_second"] == pytest.approx(8 * row["bytes"] / 0.5 / 1000)


@pytest.mark.parametrize("delay", [-37, 0, 312])
def test_the_delay_of_a_codec_is_found(delay: int) -> None:
    truth = np.random.default_rng(0).normal(size=5000)
    late = np.pad(truth, (max(delay, 0), 400))[max(-delay, 0) :]
    found, seen = sounds.aligned(late, truth)
    assert seen == delay
    assert np.array_equal(found[max(-delay, 0) :], truth[max(-delay, 0) :])


def test_a_sound_within_the_band_comes_back_from_another_rate() -> None:
    seconds = np.arange(44_100) / 44_100
    truth = np.sin(2 * np.pi * 1000 * seconds) * np.hanning(len(seconds))
    there = sounds.resampled(truth, 44_100, 48_000)
    assert len(there) == 48_000
    wanted = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    middle = slice(20_000, 28_000)  # where the window is flat enough to divide by
    window = np.interp(np.arange(48_000) / 48_000, seconds, np.hanning(len(seconds)))
    assert np.abs(there[middle] / window[middle] - wanted[middle]).max() < 1e-4
    assert sounds.snr(sounds.resampled(there, 48_000, 44_100)[:44_100], truth) > 100


Quality = Callable[[np.ndarray, np.ndarray], float]


@pytest.mark.parametrize(
    ("quality", "truth", "error", "decibels"),
    [
        (images.image_psnr, np.full((2, 2, 3), 9, np.uint8), 1, 20 * math.log10(255)),
        (volumes.range_psnr, np.array([100, 1100], np.uint16), 10, 40.0),
        (sounds.snr, np.array([3.0, -3.0]), 0.3, 20.0),
    ],
)
def test_decibels_are_closed_forms(quality: Quality, truth: np.ndarray, error: float, decibels: float) -> None:
    assert quality(truth + truth.dtype.type(error), truth) == pytest.approx(decibels)
