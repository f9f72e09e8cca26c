"""Several frames of one scene: where they lie, and the picture that they make together."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from ligeia.core import InputError
from ligeia.enlargement import Pose, TileSettings, clip_around, super_resolve
from ligeia.enlargement._imaging import Imaging, agreeing
from ligeia.enlargement._registration import estimated
from ligeia.signals import ArraySource, Channel, Grid, Signal, from_array

SCALE = 3
QUICK = TileSettings(num_tilings=1, hidden_features=32, steps=40)


def photograph(side: int) -> np.ndarray:
    from skimage.data import camera

    return camera()[100 : 100 + side, 120 : 120 + side].astype(float)


def exposure(picture: np.ndarray, pose: Pose, scale: int = SCALE) -> np.ndarray:
    """Return what a camera sees of a picture: moved in the picture's samples, then the means over cells, rounded."""
    fine = Pose(pose.row * scale, pose.column * scale, pose.angle)
    grid = np.meshgrid(*(np.arange(side, dtype=float) for side in picture.shape), indexing="ij")
    moved = map_coordinates(picture, np.stack(fine.places(grid, (len(picture), len(picture)))), order=5, mode="mirror")
    height, width = picture.shape[0] // scale, picture.shape[1] // scale
    means = moved.reshape(height, scale, width, scale).mean(axis=(1, 3))
    return means.round().clip(0, 255).astype(np.uint8)


def poses_of(num_frames: int, *, degrees: float = 0.0, reach: float = 2.0, seed: int = 0) -> list[Pose]:
    random = np.random.default_rng(seed)
    moves = [
        Pose(
            random.uniform(-reach, reach),
            random.uniform(-reach, reach),
            math.radians(random.uniform(-degrees, degrees)),
        )
        for _ in range(num_frames - 1)
    ]
    return [Pose(), *moves]


def largest_error(found: list[Pose] | tuple[Pose, ...], wanted: list[Pose]) -> float:
    """Return the largest error of a shift along an axis, in pixels."""
    pairs = list(zip(found, wanted, strict=True))
    return max(max(abs(a.row - b.row), abs(a.column - b.column)) for a, b in pairs)


def psnr(found: np.ndarray, wanted: np.ndarray) -> float:
    error = (found.round().clip(0, 255) - wanted)[4:-4, 4:-4]
    return 10 * math.log10(255**2 / float((error**2).mean()))


def as_signals(frames: list[np.ndarray]) -> list[Signal]:
    return [from_array(frame) for frame in frames]


def test_places_and_their_inverse_meet() -> None:
    pose, shape = Pose(1.25, -3.5, 0.04), (20, 31)
    rows, columns = np.random.default_rng(0).uniform(0, 20, (2, 50))
    again = pose.back(pose.places((rows, columns), shape), shape)
    np.testing.assert_allclose(again, (rows, columns), atol=1e-12)
    middle = pose.places((np.array([9.5]), np.array([15.0])), shape)
    np.testing.assert_allclose(np.ravel(middle), [10.75, 11.5])  # the center moves by the shift alone
    down = Pose(angle=math.pi / 2).places((np.array([10.5]), np.array([15.0])), shape)
    np.testing.assert_allclose(np.ravel(down), [9.5, 16.0], atol=1e-12)  # down turns to the right


def test_spreading_is_the_transpose_of_taking_means() -> None:
    random = np.random.default_rng(0)
    way = Imaging(Pose(0.4, -0.7, 0.05), (9, 11), (25, 31))
    picture = random.standard_normal((25, 31, 2)).astype(np.float32)
    pixels = random.standard_normal((int(way.seen.sum()), 2)).astype(np.float32)
    one, other = np.vdot(way.means(picture), pixels), np.vdot(picture, way.spread(pixels))
    assert one == pytest.approx(other, rel=1e-4)


def test_an_unmoved_frame_is_the_mean_over_cells() -> None:
    picture = photograph(60)
    way = Imaging(Pose(), (20, 20), (60, 60))
    wanted = picture.reshape(20, 3, 20, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(way.means(picture[..., None]).reshape(20, 20), wanted, rtol=1e-5)


def test_bands_of_a_picture_see_what_the_whole_sees() -> None:
    whole = Imaging(Pose(0.3, 0.2, 0.02), (20, 20), (60, 60))
    band = Imaging(Pose(0.3, 0.2, 0.02), (20, 20), (60, 60), band=(12, 48))
    picture = photograph(60)[..., None]
    both = np.zeros((2, 20, 20))
    both[0][whole.seen], both[1][band.seen] = whole.means(picture)[:, 0], band.means(picture[12:48])[:, 0]
    inner = band.seen & (np.abs(np.arange(20) - 9.5) < 4)[:, None]  # whose taps are all in the band
    assert inner.any()
    np.testing.assert_allclose(both[1][inner], both[0][inner], rtol=1e-5)


def test_a_picture_agrees_with_its_frames_after_a_few_steps() -> None:
    picture, poses = photograph(60), poses_of(5)
    frames = np.stack([exposure(picture, pose) for pose in poses])[..., None] / 127.5 - 1
    start = np.zeros((60, 60, 1), np.float32)
    errors = []
    for num_steps in (0, 5, 20):
        found = agreeing(start, frames, poses, kept=[np.ones((20, 20), bool)] * 5, num_steps=num_steps)
        ways = [Imaging(pose, (20, 20), (60, 60)) for pose in poses]
        errors.append(
            np.mean([np.square(way.means(found) - f[way.seen]).mean() for way, f in zip(ways, frames, strict=True)])
        )
    assert errors[2] < errors[1] / 4 < errors[0] / 16


@pytest.mark.parametrize("degrees", [0.0, 3.0])
def test_poses_of_eight_frames_are_found_within_a_twentieth_of_a_pixel(degrees: float) -> None:
    wanted = poses_of(8, degrees=degrees)
    picture = photograph(240)
    frames = np.stack([exposure(picture, pose) for pose in wanted]).astype(float)
    found = estimated(frames, 0, SCALE)
    assert found[0] == Pose()
    assert largest_error(found, wanted) < 0.05
    assert max(abs(a.angle - b.angle) for a, b in zip(found, wanted, strict=True)) < math.radians(0.05)


def test_a_shift_of_a_seventh_of_the_frame_is_found() -> None:
    picture, wanted = photograph(240), Pose(20.3, -17.6, 0.0)
    grid = np.meshgrid(*(np.arange(150, dtype=float),) * 2, indexing="ij")
    places = np.stack(grid) + 45  # cut from the middle: nothing is mirrored
    moved = places + np.array([wanted.row, wanted.column])[:, None, None]
    frames = np.stack([map_coordinates(picture, each, order=5) for each in (places, moved)])
    found = estimated(frames[:, ::2, ::2] * 1.0, 0, 2)
    assert largest_error(found[1:], [Pose(wanted.row / 2, wanted.column / 2)]) < 0.05


@pytest.mark.fits
def test_eight_exposures_are_three_decibels_better_than_a_spline_of_one() -> None:
    picture, wanted = photograph(96), poses_of(8, reach=1.5)
    frames = [exposure(picture, pose) for pose in wanted]
    fused = super_resolve(as_signals(frames), scale=SCALE, settings=replace(QUICK, hidden_features=64, steps=250))
    places = np.stack(np.meshgrid(*((np.arange(96) + 0.5) / 3 - 0.5,) * 2, indexing="ij"))
    spline = map_coordinates(frames[0].astype(float), places, order=3, mode="mirror")
    assert fused.values.shape == (96, 96, 1)
    assert fused.shares == (1.0,) * 8
    assert largest_error(fused.poses, wanted) < 0.05
    assert psnr(fused.values[..., 0], picture) > psnr(spline, picture) + 3


@pytest.mark.fits
def test_another_reference_and_given_poses_are_honored() -> None:
    picture, poses = photograph(48), [Pose(0.5, 0.25), Pose(), Pose(-0.5, 0.75)]
    frames = as_signals([exposure(picture, pose) for pose in poses])
    told: list[tuple[int, int]] = []
    again = [
        super_resolve(
            frames, shape=(48, 40), poses=poses, reference=1, settings=QUICK, on_tile=lambda *at: told.append(at)
        )
        for _ in range(2)
    ]
    assert again[0].poses == tuple(poses)
    assert again[0].values.shape == (48, 40, 1)
    assert told == [(1, 1), (1, 1)]
    np.testing.assert_array_equal(again[0].values, again[1].values)


def test_what_moves_by_itself_is_left_out() -> None:
    picture, poses = photograph(144), poses_of(3, reach=1.0)
    frames = [exposure(picture, pose) for pose in poses]
    for number, frame in enumerate(frames):  # a white square that goes six pixels a frame
        frame[20:28, 6 + 12 * number : 14 + 12 * number] = 255
    still, all_of_it = (
        super_resolve(as_signals(frames), scale=SCALE, settings=QUICK, moving=moving) for moving in (True, False)
    )
    ghost = (slice(64, 80), slice(58, 74))  # where frame 1 has the square, and the reference has not
    errors = [np.abs(each.values[..., 0] - picture)[ghost].mean() for each in (still, all_of_it)]
    assert errors[0] < errors[1] / 3
    assert still.shares[0] == 1
    assert 0.6 < min(still.shares[1:]) < 0.99


def video(num_frames: int) -> Signal:
    values = np.random.default_rng(0).integers(0, 255, (num_frames, 9, 12, 3)).astype(np.uint8)
    signal = from_array(values, channels=True)
    assert signal.grid.num_axes == 3
    return signal


def test_frames_around_a_moment_are_those_of_the_video() -> None:
    clip = video(10)
    frames, middle = clip_around(clip, 4, neighbors=2)
    assert (len(frames), middle) == (5, 2)
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.values, np.asarray(clip.values)[2 + number])
        assert frame.channels == clip.channels
        assert frame.grid.num_axes == 2
    assert [len(clip_around(clip, at, neighbors=3)[0]) for at in (0, 9)] == [4, 4]
    assert [clip_around(clip, at, neighbors=3)[1] for at in (0, 9)] == [0, 3]


def noise(*shape: int, seed: int = 0) -> Signal:
    return from_array(np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8))


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        ([noise(16, 16)], {"scale": 3}, "expected at least 2 frames, got 1"),
        ([noise(16, 16), noise(16, 17)], {"scale": 3}, "frame 0 has 16 x 16 pixels .* frame 1 has 16 x 17"),
        ([noise(16, 16), noise(16, 16, 3)], {"scale": 3}, "in 1 channels .* in 3 channels"),
        (
            [noise(7, 16), noise(7, 16)],
            {"scale": 3},
            "expected pictures of at least 8 x 8 pixels, got 7 x 16 in frame 0",
        ),
        ([noise(16, 16)] * 2, {"scale": 3, "poses": [Pose()]}, "expected a pose for each of the 2 frames, got 1"),
        (
            [noise(16, 16)] * 2,
            {"scale": 3, "poses": [Pose(), Pose(16.0)]},
            "expected frames that overlap, frame 1 lies 16 rows",
        ),
        ([noise(16, 16)] * 2, {"scale": 3, "poses": [Pose(1.0), Pose()]}, "that of frame 0 itself"),
        ([noise(16, 16)] * 2, {"scale": 3, "reference": 2}, "expected a reference frame from 0 to 1, got 2"),
        ([noise(16, 16)] * 2, {"scale": 0.5}, "expected a scale of 1 or more, got 0.5"),
        ([noise(16, 16)] * 2, {"shape": (8, 48)}, "expected a shape of at least 16 x 16"),
        ([noise(16, 16)] * 2, {}, "expected either a scale or a shape"),
        ([noise(32, 32), noise(32, 32, seed=1)], {"scale": 2}, "expected frames of one scene, frame 1 has a corr"),
    ],
)
def test_what_cannot_be_fused_is_refused(frames: list[Signal], options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        super_resolve(frames, settings=QUICK, **options)


def test_a_pose_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="three finite numbers"):
        Pose(math.nan)


def test_scattered_samples_are_refused() -> None:
    points = np.array([[0.0, 0.0], [0.5, 0.5]], np.float32)
    channel, source = Channel(name="gray", low=0, high=1), ArraySource(dtype="<f4")
    grid = Grid.of((16, 16))
    signal = Signal(grid=grid, values=np.zeros((2, 1), np.float32), channels=(channel,), source=source, points=points)
    with pytest.raises(InputError, match="expected whole pictures in memory, frame 0 is not"):
        super_resolve([signal, signal], scale=2)


def test_a_clip_of_what_is_no_video_is_refused() -> None:
    with pytest.raises(InputError, match="video with the axes time, row and column"):
        clip_around(noise(16, 16), 0)
    with pytest.raises(InputError, match="expected a frame from 0 to 3, got 4"):
        clip_around(video(4), 4)
    with pytest.raises(InputError, match="at least 1 neighbor"):
        clip_around(video(4), 1, neighbors=0)
