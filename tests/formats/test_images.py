import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image, ImageOps

from ligeia.core import InputError
from ligeia.formats import image_suffixes, read_image
from ligeia.signals import ArraySource, Channel, ImageSource, Signal
from support.pictures import write_whole

PROFILE = b"an ICC profile in name only " * 10  # kept as bytes: nobody here looks inside
NAMES = {
    "1": ("gray",),
    "L": ("gray",),
    "LA": ("gray", "alpha"),
    "RGB": ("red", "green", "blue"),
    "RGBA": ("red", "green", "blue", "alpha"),
    "CMYK": ("cyan", "magenta", "yellow", "black"),
}
SIZES = [(5, 7), (1, 1), (1, 9), (6, 1), (3, 3)]
EXACT = [
    ("png", "1"),
    ("png", "L"),
    ("png", "LA"),
    ("png", "RGB"),
    ("png", "RGBA"),
    ("webp", "RGB"),
    ("webp", "RGBA"),
    ("tif", "1"),
    ("tif", "L"),
    ("tif", "LA"),
    ("tif", "RGB"),
    ("tif", "RGBA"),
    ("tif", "CMYK"),
    ("bmp", "1"),
    ("bmp", "L"),
    ("bmp", "RGB"),
]
LOSSLESS: dict[str, Any] = {"webp": {"lossless": True, "exact": True}}


def random_pixels(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return random.random(shape) < 0.5
    if dtype.kind == "f":
        return random.normal(size=shape).astype(dtype)
    return random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def smooth_pixels(rows: int, columns: int, channels: int) -> np.ndarray:
    row, column = np.mgrid[:rows, :columns]
    ramps = [row * 200 / rows, column * 200 / columns, (row + column) * 100 / (rows + columns), 0 * row + 90]
    return np.stack(ramps[:channels], axis=-1).astype(np.uint8)


def image_of(pixels: np.ndarray, mode: str) -> Image.Image:
    rows, columns = pixels.shape[:2]
    raw_mode = "1;8" if mode == "1" else mode
    return Image.frombytes(mode, (columns, rows), np.ascontiguousarray(pixels).tobytes(), "raw", raw_mode)


def reopened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def pixels_of(path: Path) -> np.ndarray:
    image = reopened(path)
    array = np.asarray(image)
    return array if array.ndim == 3 else array[..., None]


def source_of(signal: Signal) -> ImageSource:
    assert isinstance(signal.source, ImageSource)
    return signal.source


def write_back(signal: Signal, path: Path, **options: bool) -> Path:
    write_whole(path, signal.values.astype(np.float32), signal.channels, signal.source, **options)
    return path


def stored_shape(path: Path) -> tuple[int, ...]:
    if path.suffix == ".tif":  # Pillow tells the displayed size of a TIFF
        with tifffile.TiffFile(path) as file:
            return file.pages[0].shape[:2]
    with Image.open(path) as image:
        return image.size[::-1]


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("suffix", "mode"), EXACT)
def test_a_byte_image_reads_as_its_samples_and_is_written_back_exactly(
    tmp_path: Path, suffix: str, mode: str, size: tuple[int, int]
) -> None:
    pixels = random_pixels((*size, len(NAMES[mode])), bool if mode == "1" else np.uint8)
    path = tmp_path / f"a.{suffix}"
    image_of(pixels, mode).save(path, **LOSSLESS.get(suffix, {}))
    signal = read_image(path)
    assert [axis.name for axis in signal.grid.axes] == ["row", "column"]
    assert tuple(channel.name for channel in signal.channels) == NAMES[mode]
    assert signal.values.flags.c_contiguous
    assert {(c.low, c.high) for c in signal.channels} == {(0.0, 1.0 if mode == "1" else 255.0)}
    if source_of(signal).palette_mode == "":
        assert signal.values.dtype == pixels.dtype
        assert_array_equal(signal.values, pixels)
    again = write_back(signal, tmp_path / f"b.{suffix}")
    assert reopened(again).format == reopened(path).format
    assert reopened(again).mode == reopened(path).mode
    assert_array_equal(pixels_of(again), pixels_of(path))
    assert_array_equal(read_image(again).values, signal.values)
    assert read_image(again).source == signal.source


@pytest.mark.parametrize("size", [(40, 56), (1, 1), (1, 9)])
@pytest.mark.parametrize(
    ("suffix", "mode", "tolerance"),
    [
        ("jpg", "L", 3),
        ("jpg", "RGB", 6),
        ("jpg", "CMYK", 6),
        ("avif", "RGB", 3),
        ("avif", "RGBA", 3),
    ],
)
def test_a_lossy_image_is_written_back_with_little_loss(
    tmp_path: Path, suffix: str, mode: str, tolerance: int, size: tuple[int, int]
) -> None:
    path = tmp_path / f"a.{suffix}"
    image_of(smooth_pixels(*size, len(NAMES[mode])), mode).save(path, quality=95)
    signal = read_image(path)
    assert_array_equal(signal.values, pixels_of(path))
    again = write_back(signal, tmp_path / f"b.{suffix}")
    assert reopened(again).format == reopened(path).format
    assert reopened(again).mode == mode
    assert np.abs(pixels_of(again).astype(int) - signal.values).max() <= tolerance


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_16_bit_png_keeps_all_its_bits(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    pixels = random_pixels((*size, len(NAMES[mode])), np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(pixels[..., 0] if mode == "L" else pixels))
    signal = read_image(path)
    assert signal.values.dtype == np.uint16
    assert source_of(signal).mode == mode
    assert {(c.low, c.high) for c in signal.channels} == {(0.0, 65535.0)}
    assert_array_equal(signal.values, pixels)
    again = write_back(signal, tmp_path / "b.png")
    assert again.read_bytes()[24:26] == path.read_bytes()[24:26]  # bit depth and color type
    decoded = imagecodecs.png_decode(again.read_bytes()).reshape(pixels.shape)
    assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("color_type", [0, 3])
def test_a_png_of_few_bits_keeps_its_depth(tmp_path: Path, bits: int, color_type: int) -> None:
    levels = random_pixels((5, 8)) % 2**bits
    packed = np.packbits(((levels[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(5, -1), axis=1)
    lines = b"".join(b"\0" + line.tobytes() for line in packed)
    colors = random_pixels((2**bits, 3), seed=1)
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 5, bits, color_type, 0, 0, 0))
        + (png_chunk(b"PLTE", colors.tobytes()) if color_type == 3 else b"")
        + png_chunk(b"IDAT", zlib.compress(lines))
        + png_chunk(b"IEND", b"")
    )
    signal = read_image(path)
    assert_array_equal(signal.values, colors[levels] if color_type == 3 else levels[..., None])
    assert signal.channels[0].high == (255 if color_type == 3 else 2**bits - 1)
    again = write_back(signal, tmp_path / "b.png")
    assert again.read_bytes()[24:26] == path.read_bytes()[24:26]
    assert_array_equal(np.asarray(reopened(again)), np.asarray(reopened(path)))


TYPES = ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64"]


@pytest.mark.parametrize(
    ("dtype", "channels", "size"),  # every pair of a type, a number of channels and a size, but not every triple
    [(dtype, 1 + (row + column) % 4, size) for row, dtype in enumerate(TYPES) for column, size in enumerate(SIZES)],
)
def test_a_tiff_keeps_its_sample_type(tmp_path: Path, dtype: str, channels: int, size: tuple[int, int]) -> None:
    pixels = random_pixels((*size, channels), dtype)
    if pixels.dtype.itemsize >= 4 and pixels.dtype.kind in "ui":
        pixels >>= 12  # what float32 values of a field can hold
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        pixels[..., 0] if channels == 1 else pixels,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
    )
    signal = read_image(path)
    assert signal.values.dtype == np.dtype(dtype)
    assert signal.num_channels == channels
    assert_array_equal(signal.values, pixels)
    if dtype not in ("uint8", "uint16") and pixels.size > 1:
        assert (signal.channels[0].low, signal.channels[0].high) == (pixels.min(), pixels.max())
    again = write_back(signal, tmp_path / "b.tif")
    with tifffile.TiffFile(again) as file:
        assert file.pages[0].dtype == np.dtype(dtype)
        assert file.pages[0].aspage().photometric == (2 if channels > 2 else 1)
    expected = pixels.astype(np.float32).astype(dtype)
    assert_array_equal(tifffile.imread(again).reshape(pixels.shape), expected)
    assert read_image(again).source == signal.source


@pytest.mark.parametrize("bits", [2, 4, 12])
def test_a_tiff_of_unusual_depth_keeps_it_and_its_range(tmp_path: Path, bits: int) -> None:
    pixels = random_pixels((5, 8), np.uint16) >> (16 - bits)
    pixels = pixels.astype(np.uint8 if bits < 8 else np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", bitspersample=bits)
    signal = read_image(path)
    assert_array_equal(signal.values[..., 0], pixels)
    assert signal.channels[0].high == 2**bits - 1
    again = write_back(signal, tmp_path / "b.tif")
    assert_array_equal(tifffile.imread(again), pixels)
    assert source_of(read_image(again)).bits == bits
    shown = write_back(signal, tmp_path / "b.jpg", upright=True)
    assert abs(int(pixels_of(shown).max()) - int(pixels.max()) * 255 / (2**bits - 1)) < 20


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", None])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiff_layouts_all_read_alike(tmp_path: Path, compression: str | None, planar: str, byteorder: Any) -> None:
    pixels = random_pixels((5, 7, 3), np.uint16)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        byteorder=byteorder,
    )
    signal = read_image(tmp_path / "a.tif")
    assert_array_equal(signal.values, pixels)
    assert signal.values.dtype.isnative


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white_looks_right(tmp_path: Path, dtype: type) -> None:
    pixels = random_pixels((5, 7), dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    high = 1 if dtype is bool else np.iinfo(dtype).max
    assert_array_equal(read_image(tmp_path / "a.tif").values[..., 0], high - pixels.astype(dtype))


def test_a_tiff_with_colors_multiplied_by_alpha_says_so_again(tmp_path: Path) -> None:
    pixels = random_pixels((5, 7, 4)) | 1
    pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["assocalpha"])
    signal = read_image(tmp_path / "a.tif")
    assert source_of(signal).mode == "RGBa"
    with tifffile.TiffFile(write_back(signal, tmp_path / "b.tif")) as file:
        assert file.pages[0].aspage().extrasamples == (1,)
        assert_array_equal(file.asarray(), pixels)
    straight = pixels_of(write_back(signal, tmp_path / "b.png"))
    expected = np.clip(np.rint(pixels[..., :3] * 255.0 / pixels[..., 3:]), 0, 255)
    assert_array_equal(straight[..., :3], expected)
    assert_array_equal(straight[..., 3], pixels[..., 3])


def test_a_jpeg_within_a_tiff_reads_as_rgb(tmp_path: Path) -> None:
    pixels = smooth_pixels(32, 48, 3)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression="jpeg")
    signal = read_image(tmp_path / "a.tif")
    assert source_of(signal).mode == "RGB"
    assert np.abs(signal.values.astype(int) - pixels).max() < 12


def test_a_camera_file_of_several_pictures_reads_as_its_photograph(tmp_path: Path) -> None:
    first, second = (image_of(smooth_pixels(size, 24, 3), "RGB") for size in (16, 8))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    signal = read_image(tmp_path / "a.jpg")
    assert source_of(signal).format == "JPEG"
    assert signal.grid.shape == (16, 24)


def test_a_constant_float_tiff_reads_with_a_range_around_its_value(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 5), 7.0, np.float32), photometric="minisblack")
    (channel,) = read_image(tmp_path / "a.tif").channels
    assert channel.low < 7.0 < channel.high


def test_thumbnails_in_a_tiff_are_left_out(tmp_path: Path) -> None:
    pixels = random_pixels((16, 24, 3))
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels, photometric="rgb")
        file.write(pixels[::4, ::4].copy(), photometric="rgb", subfiletype=1)
    assert_array_equal(read_image(tmp_path / "a.tif").values, pixels)


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp", "tif"])
@pytest.mark.parametrize("num_colors", [2, 5, 200])
def test_a_palette_image_shows_its_colors_and_keeps_its_palette(tmp_path: Path, suffix: str, num_colors: int) -> None:
    colors = random_pixels((num_colors, 3))
    indices = random_pixels((30, 41)) % num_colors
    image = image_of(indices, "L")
    image.putpalette(colors.tobytes())
    path = tmp_path / f"a.{suffix}"
    image.save(path)
    signal = read_image(path)
    assert_array_equal(signal.values, colors[indices])
    assert source_of(signal).palette_mode == "RGB"
    again = write_back(signal, tmp_path / f"b.{suffix}")
    assert reopened(again).mode == reopened(path).mode == "P"
    assert_array_equal(np.asarray(reopened(again)), np.asarray(reopened(path)))
    assert read_image(again).source == signal.source
    if suffix == "png":
        assert again.read_bytes()[24] == path.read_bytes()[24]


@pytest.mark.parametrize(("suffix", "transparency"), [("png", bytes([0, 100, 255])), ("png", 2), ("gif", 2)])
def test_a_palette_with_transparency_gives_an_alpha_channel(
    tmp_path: Path, suffix: str, transparency: bytes | int
) -> None:
    image = image_of(np.arange(20, dtype=np.uint8).reshape(4, 5) % 7, "L")
    image.putpalette(random_pixels((8, 3)).tobytes())
    path = tmp_path / f"a.{suffix}"
    image.save(path, transparency=transparency)
    signal = read_image(path)
    assert source_of(signal).palette_mode == "RGBA"
    assert_array_equal(signal.values, np.asarray(reopened(path).convert("RGBA")))
    again = write_back(signal, tmp_path / f"b.{suffix}")
    assert reopened(again).mode == "P"
    assert_array_equal(np.asarray(reopened(again).convert("RGBA")), signal.values)
    with pytest.raises(InputError, match=r"cannot hold the alpha channel; choose \.png, "):
        write_back(signal, tmp_path / "b.jpg")


def test_a_gif_of_all_grays_is_a_gray_image(tmp_path: Path) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(8, 32, 1)
    image_of(pixels, "L").save(tmp_path / "a.gif", optimize=False)
    signal = read_image(tmp_path / "a.gif")
    assert_array_equal(signal.values, pixels)
    again = write_back(signal, tmp_path / "b.gif")
    assert reopened(again).mode == "L"
    assert_array_equal(pixels_of(again), pixels)


def test_a_gray_gif_with_a_transparent_level_keeps_both(tmp_path: Path) -> None:
    image_of(random_pixels((9, 8)) % 4, "L").save(tmp_path / "a.gif", transparency=3)
    signal = read_image(tmp_path / "a.gif")
    assert [channel.name for channel in signal.channels] == ["red", "green", "blue", "alpha"]
    again = write_back(signal, tmp_path / "b.gif")
    assert_array_equal(np.asarray(reopened(again).convert("RGBA")), signal.values)


@pytest.mark.parametrize(("mode", "key"), [("L", 3), ("RGB", (3, 3, 3))])
def test_a_transparent_color_becomes_alpha(tmp_path: Path, mode: str, key: Any) -> None:
    pixels = random_pixels((9, 8, len(mode))) % 2 + 2
    pixels[..., 1:] = pixels[..., :1]
    image_of(pixels, mode).save(tmp_path / "a.png", transparency=key)
    signal = read_image(tmp_path / "a.png")
    assert source_of(signal).mode == mode + "A"
    assert_array_equal(signal.values[..., -1], np.where(pixels[..., 0] == 3, 0, 255))


def test_values_off_the_palette_go_to_the_nearest_color(tmp_path: Path) -> None:
    colors = random_pixels((17, 3))
    source = ImageSource(format="PNG", mode="P", dtype="uint8", palette=colors.tobytes(), palette_mode="RGB")
    values = np.random.default_rng(0).uniform(-20, 275, (700, 600, 3)).astype(np.float32)  # many pieces
    channels = [Channel(name=name, low=0.0, high=255.0) for name in NAMES["RGB"]]
    write_whole(tmp_path / "a.png", values, channels, source)
    distances = ((values[:60, :, None].astype(float) - colors) ** 2).sum(axis=-1)
    assert_array_equal(np.asarray(reopened(tmp_path / "a.png"))[:60], distances.argmin(axis=-1))
    distances = ((values[-60:, :, None].astype(float) - colors) ** 2).sum(axis=-1)
    assert_array_equal(np.asarray(reopened(tmp_path / "a.png"))[-60:], distances.argmin(axis=-1))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "avif", "tif", "16.png"])
def test_the_displayed_picture_and_the_stored_size_come_back(tmp_path: Path, suffix: str, orientation: int) -> None:
    stored = smooth_pixels(24, 40, 3)
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    if suffix == "16.png":
        encoded = imagecodecs.png_encode(stored.astype(np.uint16) * 257)
        tag = png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
        path.write_bytes(encoded[:33] + tag + encoded[33:])
    else:
        image_of(stored, "RGB").save(path, exif=exif, quality=95, lossless=True)
    with Image.open(path) as image:
        shown = np.asarray(ImageOps.exif_transpose(image))
    signal = read_image(path)
    assert source_of(signal).orientation == orientation
    assert signal.values.flags.c_contiguous
    assert_array_equal(signal.values // (257 if suffix == "16.png" else 1), shown)
    again = write_back(signal, tmp_path / f"b.{suffix}")
    assert stored_shape(again) == (24, 40)
    with Image.open(again) as image:
        assert image.getexif().get(0x0112, 1) == orientation
        assert np.abs(np.asarray(ImageOps.exif_transpose(image)).astype(int) - shown).max() <= 5
    turned = write_back(signal, tmp_path / f"c.{suffix}", upright=True)
    assert stored_shape(turned) == shown.shape[:2]
    with Image.open(turned) as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert np.abs(np.asarray(image).astype(int) - shown).max() <= 5


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "avif", "tif", "16.png"])
def test_a_color_profile_comes_back_byte_for_byte(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "16.png":
        encoded = imagecodecs.png_encode(random_pixels((4, 5, 3), np.uint16))
        chunk = png_chunk(b"iCCP", b"name\0\0" + zlib.compress(PROFILE))
        path.write_bytes(encoded[:33] + chunk + encoded[33:])
    else:
        image_of(smooth_pixels(4, 5, 3), "RGB").save(path, icc_profile=PROFILE)
    signal = read_image(path)
    assert source_of(signal).icc_profile == PROFILE
    again = write_back(signal, tmp_path / f"b.{suffix}")
    assert reopened(again).info["icc_profile"] == PROFILE


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".avif"])
def test_cmyk_becomes_rgb_without_its_profile_where_it_cannot_be_stored(tmp_path: Path, suffix: str) -> None:
    pixels = smooth_pixels(8, 9, 4)
    image_of(pixels, "CMYK").save(tmp_path / "a.tif", icc_profile=PROFILE)
    written = write_back(read_image(tmp_path / "a.tif"), tmp_path / f"b{suffix}")
    assert reopened(written).mode == "RGB"
    assert "icc_profile" not in reopened(written).info
    expected = np.asarray(image_of(pixels, "CMYK").convert("RGB")).astype(int)
    assert np.abs(pixels_of(written) - expected).max() <= (4 if suffix == ".avif" else 0)


@pytest.mark.parametrize("suffix", ["webp", "avif"])
def test_gray_becomes_rgb_without_its_profile_where_it_cannot_be_stored(tmp_path: Path, suffix: str) -> None:
    pixels = smooth_pixels(8, 9, 1)
    image_of(pixels, "L").save(tmp_path / "a.png", icc_profile=PROFILE)
    written = write_back(read_image(tmp_path / "a.png"), tmp_path / f"b.{suffix}")
    assert "icc_profile" not in reopened(written).info
    assert np.abs(pixels_of(written).astype(int) - pixels).max() <= 1


def test_cmyk_stays_cmyk_in_a_jpeg(tmp_path: Path) -> None:
    image_of(smooth_pixels(8, 9, 4), "CMYK").save(tmp_path / "a.tif", icc_profile=PROFILE)
    written = write_back(read_image(tmp_path / "a.tif"), tmp_path / "b.jpg")
    assert reopened(written).mode == "CMYK"
    assert reopened(written).info["icc_profile"] == PROFILE


@pytest.mark.parametrize(("suffix", "tolerance"), [("jpg", 8), ("webp", 0), ("bmp", 0), ("gif", 0)])
def test_16_bits_are_scaled_to_8_where_there_are_no_more(tmp_path: Path, suffix: str, tolerance: int) -> None:
    levels = smooth_pixels(16, 24, 2)[..., 1]
    tifffile.imwrite(tmp_path / "a.tif", levels.astype(np.uint16) * 257, photometric="minisblack")
    written = write_back(read_image(tmp_path / "a.tif"), tmp_path / f"b.{suffix}")
    shown = np.asarray(reopened(written).convert("L")).astype(int)
    assert np.abs(shown - levels).max() <= tolerance


def test_floats_spread_over_the_range_of_the_file(tmp_path: Path) -> None:
    values = np.linspace(-3.0, 5.0, 300, dtype=np.float32).reshape(10, 30)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    signal = read_image(tmp_path / "a.tif")
    deep = imagecodecs.png_decode(write_back(signal, tmp_path / "b.png").read_bytes())
    assert_array_equal(deep, np.rint((values.astype(float) + 3) / 8 * 65535))
    shallow = pixels_of(write_back(signal, tmp_path / "b.bmp"))[..., 0]
    assert_array_equal(shallow, np.rint((values.astype(float) + 3) / 8 * 255))


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif", "gif"])
def test_black_and_white_become_grays_where_there_is_no_single_bit(tmp_path: Path, suffix: str) -> None:
    pixels = np.zeros((16, 16, 1), dtype=bool)
    pixels[:, 8:] = True
    image_of(pixels, "1").save(tmp_path / "a.png")
    written = write_back(read_image(tmp_path / "a.png"), tmp_path / f"b.{suffix}")
    shown = np.asarray(reopened(written).convert("L")).astype(int)
    assert np.abs(shown - 255 * pixels[..., 0]).max() <= 2


def test_a_palette_image_becomes_true_color_where_there_is_no_palette(tmp_path: Path) -> None:
    image_of(random_pixels((9, 8, 3)), "RGB").quantize(9).save(tmp_path / "a.png")
    signal = read_image(tmp_path / "a.png")
    written = write_back(signal, tmp_path / "b.webp")
    assert reopened(written).mode == "RGB"
    assert_array_equal(pixels_of(written), signal.values)


def test_alpha_survives_a_bmp(tmp_path: Path) -> None:
    pixels = random_pixels((5, 7, 4))
    image_of(pixels, "RGBA").save(tmp_path / "a.png")
    written = write_back(read_image(tmp_path / "a.png"), tmp_path / "b.bmp")
    assert reopened(written).mode == "RGBA"
    assert_array_equal(pixels_of(written), pixels)
    again = write_back(read_image(written), tmp_path / "c.bmp")
    assert again.read_bytes() == written.read_bytes()


def test_gray_with_alpha_becomes_rgba_in_a_bmp(tmp_path: Path) -> None:
    pixels = random_pixels((5, 7, 2))
    image_of(pixels, "LA").save(tmp_path / "a.png")
    written = write_back(read_image(tmp_path / "a.png"), tmp_path / "b.bmp")
    assert_array_equal(pixels_of(written), pixels[..., [0, 0, 0, 1]])


@pytest.mark.parametrize(("suffix", "high"), [("png", 65535), ("webp", 255)])
def test_a_field_of_an_array_is_written_as_a_picture(tmp_path: Path, suffix: str, high: int) -> None:
    values = np.linspace(-1, 1, 60, dtype=np.float32).reshape(4, 5, 3)
    channels = [Channel(name=f"channel{number}", low=-1.0, high=1.0) for number in range(3)]
    write_whole(tmp_path / f"a.{suffix}", values, channels, ArraySource(dtype="<f4", has_channel_axis=True))
    signal = read_image(tmp_path / f"a.{suffix}")
    assert_array_equal(signal.values, np.rint((values.astype(float) + 1) / 2 * high))


def test_values_are_rounded_and_clipped(tmp_path: Path) -> None:
    values = np.array([[[-40.0], [0.49], [0.51], [254.6], [300.0]]], dtype=np.float32)
    source = ImageSource(format="PNG", mode="L", dtype="uint8")
    write_whole(tmp_path / "a.png", values, [Channel(name="gray", low=0.0, high=255.0)], source)
    assert_array_equal(pixels_of(tmp_path / "a.png").ravel(), [0, 0, 1, 255, 255])


def test_every_listed_suffix_is_written_and_read(tmp_path: Path) -> None:
    gray = Channel(name="gray", low=0.0, high=255.0)
    source = ImageSource(format="PNG", mode="L", dtype="uint8")
    for suffix in image_suffixes():
        path = tmp_path / f"a{suffix.upper()}"
        write_whole(path, np.full((2, 3, 1), 90, np.float32), [gray], source)
        assert abs(int(read_image(path).values[0, 0, 0]) - 90) <= 1
