import io
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from ligeia.core import FormatError, InputError, OutputError, SampleError, ShapeError
from ligeia.formats import read_image
from ligeia.signals import ArraySource, Channel, ImageSource, Signal
from support.pictures import write_whole


def random_pixels(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def image_of(pixels: np.ndarray, mode: str) -> Image.Image:
    rows, columns = pixels.shape[:2]
    raw_mode = "1;8" if mode == "1" else mode
    return Image.frombytes(mode, (columns, rows), np.ascontiguousarray(pixels).tobytes(), "raw", raw_mode)


def write_back(signal: Signal, path: Path, **options: bool) -> Path:
    write_whole(path, signal.values.astype(np.float32), signal.channels, signal.source, **options)
    return path


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def encoded(name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image_of(random_pixels((64, 96, 3)), "RGB").save(buffer, name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_image_is_one_clear_line(tmp_path: Path, name: str, kept: float) -> None:
    whole = encoded(name)
    path = tmp_path / "a.png"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(FormatError, match=rf"a\.png: expected a whole {name} image, its bytes are") as info:
        read_image(path)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
def test_a_truncated_deep_tiff_is_one_clear_line(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, random_pixels((60, 70), np.uint16), compression=compression, photometric="minisblack")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(FormatError, match="expected a whole TIFF image"):
        read_image(path)


def test_a_tiff_that_claims_more_rows_than_it_holds_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, random_pixels((60, 70)), rowsperstrip=20, photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].aspage().tags["ImageLength"].overwrite(600)
    with pytest.raises(FormatError, match=r"expected a whole TIFF image, .*\(3 of 30 strips"):
        read_image(path)


def test_a_damaged_16_bit_png_says_nothing_beside_its_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(imagecodecs.png_encode(random_pixels((60, 70, 3), np.uint16)))
    content[-20] ^= 255  # the end of the pixels
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FormatError, match="expected a whole PNG image"):
        read_image(tmp_path / "a.png")
    assert capfd.readouterr() == ("", "")


def test_a_truncated_16_bit_png_is_one_clear_line(tmp_path: Path) -> None:
    whole = imagecodecs.png_encode(random_pixels((60, 70, 3), np.uint16))
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="expected a whole PNG image"):
        read_image(tmp_path / "a.png")


def test_text_with_the_name_of_an_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("hello world")
    with pytest.raises(FormatError, match=r"a\.png: expected an image \(PNG, .*begins with b'hello wo'"):
        read_image(tmp_path / "a.png")


def test_a_missing_or_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "a.png")
    (tmp_path / "a.png").touch()
    with pytest.raises(InputError, match="the file is empty"):
        read_image(tmp_path / "a.png")


def test_the_content_tells_the_format_and_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("PNG"))
    source = read_image(tmp_path / "a.jpg").source
    assert isinstance(source, ImageSource)
    assert source.format == "PNG"


def test_an_image_without_pixels_is_refused(tmp_path: Path) -> None:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 5, 8, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.png: "):
        read_image(tmp_path / "a.png")


def test_a_small_file_that_claims_a_huge_picture_is_refused(tmp_path: Path) -> None:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2**17, 2**17, 8, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match="at most 1073741824 pixels are read, the image has 131072 x 131072"):
        read_image(tmp_path / "a.png")


def test_a_picture_above_the_decoders_own_limit_reads_and_leaves_that_limit_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    (tmp_path / "a.png").write_bytes(encoded("PNG"))  # 6144 pixels
    assert read_image(tmp_path / "a.png").grid.shape == (64, 96)
    assert Image.MAX_IMAGE_PIXELS == 1000


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_is_refused(tmp_path: Path, name: str) -> None:
    frames = [image_of(random_pixels((8, 9, 3), seed=seed), "RGB") for seed in range(3)]
    path = tmp_path / "a.file"
    frames[0].save(path, name, save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match=rf"expected one picture, this {name} holds 3 frames; save one"):
        read_image(path)


@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"metadata": None}, {"volumetric": True}])
def test_a_tiff_of_several_pages_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    if options.get("volumetric"):
        options = options | {"tile": (16, 16, 16)}
    stack = random_pixels((3, 16, 16))
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", **options)
    with pytest.raises(InputError, match=r"this TIFF holds 3 pages; save one page as a file, or the whole"):
        read_image(tmp_path / "a.tif")


def test_samples_that_are_not_finite_are_refused_with_the_path(tmp_path: Path) -> None:
    values = np.zeros((4, 5), dtype=np.float32)
    values[2, 3] = np.inf
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    with pytest.raises(SampleError, match=r"a\.tif: expected finite samples, 1 of 20 are NaN"):
        read_image(tmp_path / "a.tif")


def test_complex_samples_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5), dtype=np.complex64), photometric="minisblack")
    with pytest.raises(SampleError, match=r"a\.tif: expected real samples, the TIFF holds complex64"):
        read_image(tmp_path / "a.tif")


def test_a_tiff_of_many_channels_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", random_pixels((4, 5, 6)), photometric="minisblack", planarconfig="contig")
    with pytest.raises(InputError, match="the TIFF has 6 samples of MINISBLACK"):
        read_image(tmp_path / "a.tif")


GRAY = Channel(name="gray", low=0.0, high=255.0)
GRAY_SOURCE = ImageSource(format="PNG", mode="L", dtype="uint8")


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected the ending of an image \(\.png, \.jpg, .*\.gif\), got '\.xyz'"):
        write_whole(tmp_path / "a.xyz", np.zeros((2, 3, 1), np.float32), [GRAY], GRAY_SOURCE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65501), (".webp", 16384), (".avif", 32769)])
def test_a_picture_too_large_for_its_format_is_refused(tmp_path: Path, suffix: str, side: int) -> None:
    with pytest.raises(InputError, match=rf"has 1 to {side - 1} rows and columns, .* has 1 x {side}; choose"):
        write_whole(tmp_path / f"a{suffix}", np.zeros((1, side, 1), np.float32), [GRAY], GRAY_SOURCE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65500), (".webp", 16383), (".avif", 32768)])
def test_a_picture_of_the_largest_side_is_written(tmp_path: Path, suffix: str, side: int) -> None:
    path = tmp_path / f"a{suffix}"
    write_whole(path, np.zeros((1, side, 1), np.float32), [GRAY], GRAY_SOURCE)
    assert read_image(path).grid.shape == (1, side)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("suffix", [".jpg", ".gif"])
def test_alpha_is_refused_where_it_cannot_be_stored(tmp_path: Path, mode: str, suffix: str) -> None:
    image_of(random_pixels((4, 5, len(mode))), mode).save(tmp_path / "a.png")
    signal = read_image(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"cannot hold the alpha channel; choose \.png, \.webp, \.avif, \.tif"):
        write_back(signal, tmp_path / f"b{suffix}")
    assert not (tmp_path / f"b{suffix}").exists()


def test_true_color_is_refused_in_a_gif(tmp_path: Path) -> None:
    image_of(random_pixels((4, 5, 3)), "RGB").save(tmp_path / "a.png")
    with pytest.raises(InputError, match="a GIF holds at most 256 colors"):
        write_back(read_image(tmp_path / "a.png"), tmp_path / "b.gif")


def test_more_channels_than_an_image_has_are_refused(tmp_path: Path) -> None:
    channels = [Channel(name=f"channel{number}", low=0.0, high=1.0) for number in range(5)]
    with pytest.raises(InputError, match=r"an image holds 1 to 4 channels, the field has 5; choose \.npy"):
        write_whole(tmp_path / "a.png", np.zeros((2, 3, 5), np.float32), channels, ArraySource(dtype="<f4"))
    with pytest.raises(ShapeError, match="expected values of 1 channels, got"):
        write_whole(tmp_path / "a.png", np.zeros((2, 3, 5), np.float32), [GRAY], GRAY_SOURCE)


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write_whole(tmp_path / "no" / "a.png", np.zeros((2, 3, 1), np.float32), [GRAY], GRAY_SOURCE)
