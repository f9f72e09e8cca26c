"""Cameras: from points to places in a picture, and back along rays.

The lens is OpenCV's model: a pinhole, radial distortion k1, k2, k3 and tangential distortion p1, p2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError

_Numbers: TypeAlias = Float[np.ndarray, " n"]
_Vector: TypeAlias = tuple[float, float, float]
_ROUNDED: Final = 1e-3  # from a rotation: a pose written with four digits
_EXACT: Final = 1e-12
_UNDONE: Final = 1e-10  # in units of the focal length: far below a millionth of a pixel
_NEWTON_STEPS: Final = 30
_LAST_STEP: Final = 1e-8  # the error is then its square
_LONGEST_STEP: Final = 0.5  # in units of the focal length, so that a step does not leap over a fold


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Camera:
    """A camera: where it is, how it is turned, and its lens.

    Its axes are those of OpenGL and Blender: x to the right, y upward, and it looks along -z. Places in a picture are
    (row, column), measured in pixels from the top left *corner*: pixel (r, c) covers [r, r + 1] x [c, c + 1], and its
    middle is (r + 0.5, c + 0.5).

    >>> camera = Camera.looking((0.0, 0.0, 4.0), (0.0, 0.0, 0.0), shape=(100, 200))
    >>> camera.project(np.zeros((1, 3)))
    (array([[ 50., 100.]]), array([4.]))
    """

    pose: Float[np.ndarray, "3 4"]
    """Camera to world: the camera's axes x, y, z as columns, then its place; a copy that is read-only and float64.

    Axes that are a rotation but for rounding, within 0.001, become the nearest rotation.
    """
    focal_lengths: tuple[float, float]
    """fx and fy: along columns and along rows, in pixels."""
    principal_point: tuple[float, float]
    """cx and cy: the column and the row, in pixels, that the camera looks at."""
    shape: tuple[int, int]
    """Rows and columns."""
    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    p1: float = 0.0
    p2: float = 0.0

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise InputError(f"expected a picture of 1 or more rows and columns, got {self.shape}.")
        pose = np.array(self.pose, np.float64)
        if not np.isfinite(pose).all():
            raise InputError("expected a pose of finite numbers, got NaN or infinite ones.")
        turn = pose[:, :3]
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers that are far from a rotation
            error, determinant = np.abs(turn.T @ turn - np.eye(3)).max(), float(np.linalg.det(turn))
            lengths = ", ".join(f"{length:.6g}" for length in np.linalg.norm(turn, axis=0))
        if not error <= _ROUNDED or determinant < 0:
            raise InputError(
                "expected a rigid pose, whose axes form a right-handed system of unit vectors, got axes of lengths "
                f"{lengths} and determinant {determinant:.6g}; remove its scale, shear or mirror."
            )
        if error > _EXACT:
            left, _, right = np.linalg.svd(turn)
            pose[:, :3] = left @ right
        lens = (*self.focal_lengths, *self.principal_point, *self.distortion)
        if not np.isfinite(lens).all():
            raise InputError(f"expected a lens of finite numbers, got {lens}.")
        if min(self.focal_lengths) <= 0:
            raise InputError(f"expected focal lengths above 0, got {self.focal_lengths} pixels.")
        pose.setflags(write=False)
        object.__setattr__(self, "pose", pose)

    @classmethod
    def looking(
        cls,
        eye: _Vector,
        target: _Vector,
        *,
        shape: tuple[int, int],
        up: _Vector = (0.0, 1.0, 0.0),
        field_of_view_degrees: float = 40.0,
    ) -> "Camera":
        """Return a camera at ``eye`` with ``target`` in the middle of its picture, and square pixels.

        ``up`` points upward in the picture. The field of view is the angle between the picture's top and its bottom.
        """
        if not 0 < field_of_view_degrees < 180:
            raise InputError(f"expected a field of view between 0 and 180 degrees, got {field_of_view_degrees:g}.")
        ahead = np.subtract(target, eye)
        if not np.linalg.norm(np.cross(ahead, up)) > 1e-9 * np.linalg.norm(ahead) * np.linalg.norm(up):
            raise InputError(
                "expected a target away from the eye, and not straight above or below it, got an eye at "
                f"{eye}, a target at {target} and {up} upward; choose another `up`."
            )
        back = _unit(np.subtract(eye, target).astype(np.float64))
        right = _unit(np.cross(up, back))
        rows, columns = shape
        focal = rows / 2 / float(np.tan(np.radians(field_of_view_degrees) / 2))
        return cls(
            pose=np.column_stack([right, np.cross(back, right), back, np.asarray(eye, np.float64)]),
            focal_lengths=(focal, focal),
            principal_point=(columns / 2, rows / 2),
            shape=shape,
        )

    @classmethod
    def around(
        cls,
        box: Sequence[tuple[float, float]],
        azimuth_degrees: float,
        elevation_degrees: float,
        distance: float | None = None,
        *,
        shape: tuple[int, int],
        up: _Vector = (0.0, 1.0, 0.0),
        field_of_view_degrees: float = 40.0,
    ) -> "Camera":
        """Return a camera that looks at the middle of a box, from as many of its diagonals away.

        At azimuth 0 and elevation 0, x is to the right (y, if x is upward); a positive azimuth moves the camera to its
        right, a positive elevation upward. Without a distance, all of the box is in a picture that is no taller than
        wide, as it just fits.

        >>> Camera.around([(-1.0, 1.0)] * 3, 0.0, 0.0, 1.0, shape=(60, 80)).eye
        array([0.        , 0.        , 3.46410162])
        """
        if not np.isfinite([azimuth_degrees, elevation_degrees]).all():
            raise InputError(f"expected finite angles, got {azimuth_degrees} and {elevation_degrees} degrees.")
        low, high = np.asarray(box, np.float64).T
        upward = np.asarray(up, np.float64) / np.linalg.norm(up)
        side = np.eye(3)[1 if abs(upward[0]) > 0.9 else 0]
        right = _unit(side - (side @ upward) * upward)
        front = np.cross(right, upward)
        azimuth, elevation = np.radians([azimuth_degrees, elevation_degrees])
        level = np.cos(azimuth) * front + np.sin(azimuth) * right
        away = np.cos(elevation) * level + np.sin(elevation) * upward
        if distance is None:
            distance = 0.5 / float(np.sin(np.radians(field_of_view_degrees) / 2))
        middle = (low + high) / 2
        return cls.looking(
            _vector(middle + distance * float(np.linalg.norm(high - low)) * away),
            _vector(middle),
            shape=shape,
            up=_vector(np.cos(elevation) * upward - np.sin(elevation) * level),  # never along the view
            field_of_view_degrees=field_of_view_degrees,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Camera):
            return NotImplemented
        return self._lens() == other._lens() and np.array_equal(self.pose, other.pose)

    def __hash__(self) -> int:
        return hash((self._lens(), self.pose.tobytes()))

    def _lens(self) -> tuple[object, ...]:
        return self.shape, self.focal_lengths, self.principal_point, self.distortion

    @property
    def eye(self) -> Float[np.ndarray, " 3"]:
        """Where the camera is."""
        return self.pose[:, 3]

    @property
    def distortion(self) -> tuple[float, float, float, float, float]:
        """k1, k2, k3, p1 and p2."""
        return self.k1, self.k2, self.k3, self.p1, self.p2

    def axes(self) -> Float[np.ndarray, "3 3"]:
        """Return the unit vectors to the right, upward and backward, as rows: a right-handed system."""
        return np.ascontiguousarray(self.pose[:, :3].T)

    def rays(self, places: Float[np.ndarray, "n 2"]) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, "n 3"]]:
        """Return where rays through places (row, column) begin, and their unit directions, in float64.

        `InputError` where the distortion cannot be undone.
        """
        places = np.asarray(places, np.float64)
        (fx, fy), (cx, cy) = self.focal_lengths, self.principal_point
        x, y = (places[:, 1] - cx) / fx, (places[:, 0] - cy) / fy
        if any(self.distortion):
            x, y = self._undistorted(x, y)
        right, upward, back = self.axes()
        return self.eye, _unit(x[:, None] * right + -y[:, None] * upward - back)

    def pixel_rays(self) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, "n 3"]]:
        """Return where rays through the middles of all pixels begin and their directions, row by row from the top."""
        rows, columns = self.shape
        y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
        return self.rays(np.column_stack([y.ravel(), x.ravel()]))

    def project(self, points: Float[np.ndarray, "n 3"]) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
        """Return the places (row, column) of points, in the picture or beside it, and their depths, in float64.

        The depth is that along the viewing direction, not along the ray. Points that are not in front of the camera, or
        so far aside that the distortion folds there, have no place: NaN.
        """
        right, down, ahead = (self.axes() @ (np.asarray(points, np.float64) - self.eye).T) * [[1.0], [-1.0], [-1.0]]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            x, y = right / ahead, down / ahead
            is_seen = (ahead > 0) & np.isfinite(x) & np.isfinite(y)
            if any(self.distortion):
                across, along, slopes = self._distorted(x, y)
                is_seen &= _determinant(slopes) > 0
                x, y = across, along
        (fx, fy), (cx, cy) = self.focal_lengths, self.principal_point
        places = np.column_stack([fy * y + cy, fx * x + cx])
        places[~is_seen] = np.nan
        return places, ahead

    def resized(self, shape: tuple[int, int]) -> "Camera":
        """Return the camera of the same view in other numbers of rows and columns."""
        if min(shape) < 1:
            raise InputError(f"expected a picture of 1 or more rows and columns, got {shape}.")
        down, across = shape[0] / self.shape[0], shape[1] / self.shape[1]
        (fx, fy), (cx, cy) = self.focal_lengths, self.principal_point
        return replace(
            self, focal_lengths=(fx * across, fy * down), principal_point=(cx * across, cy * down), shape=shape
        )

    def _distorted(self, x: _Numbers, y: _Numbers) -> tuple[_Numbers, _Numbers, tuple[_Numbers, _Numbers, _Numbers]]:
        """Return what the lens makes of x to the right and y downward at depth 1, and dx'/dx, dx'/dy = dy'/dx, dy'/dy.

        OpenCV, "Camera Calibration and 3D Reconstruction": x' = x (1 + k1 r^2 + k2 r^4 + k3 r^6) + 2 p1 x y
        + p2 (r^2 + 2 x^2), y' = y (...) + p1 (r^2 + 2 y^2) + 2 p2 x y.
        """
        k1, k2, k3, p1, p2 = self.distortion
        square = x * x + y * y
        radial = 1 + square * (k1 + square * (k2 + square * k3))
        growth = 2 * (k1 + square * (2 * k2 + square * 3 * k3))  # d radial / d x, over x
        across = x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x)
        along = y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y
        mixed = x * y * growth + 2 * p1 * x + 2 * p2 * y
        slopes = (
            radial + x * x * growth + 2 * p1 * y + 6 * p2 * x,
            mixed,
            radial + y * y * growth + 6 * p1 * y + 2 * p2 * x,
        )
        return across, along, slopes

    def _undistorted(self, x: _Numbers, y: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Return what the lens makes these places of, by Newton's method."""
        wanted, found = np.stack([x, y]), np.stack([x, y])
        with np.errstate(all="ignore"):  # a step that fails is seen below
            for _ in range(_NEWTON_STEPS):
                across, along, (a, b, c) = self._distorted(*found)
                left = wanted - [across, along]
                step = np.stack([c * left[0] - b * left[1], a * left[1] - b * left[0]]) / (a * c - b * b)
                step *= np.minimum(1, _LONGEST_STEP / np.maximum(np.hypot(*step), _LONGEST_STEP))
                found = found + step
                if np.abs(step).max(initial=0.0) <= _LAST_STEP:
                    break
            across, along, slopes = self._distorted(*found)
            missed = np.abs(wanted - [across, along]).max(axis=0)
            is_undone = (missed <= _UNDONE) & (_determinant(slopes) > 0)
        if not is_undone.all():
            (fx, fy), (cx, cy) = self.focal_lengths, self.principal_point
            worst = int(np.argmin(is_undone))
            raise InputError(
                f"expected a distortion that can be undone at all places, k1, k2, k3, p1, p2 of {self.distortion} "
                f"cannot be at row {fy * y[worst] + cy:.6g}, column {fx * x[worst] + cx:.6g}; undistort the picture."
            )
        return found[0], found[1]


def _determinant(slopes: tuple[_Numbers, _Numbers, _Numbers]) -> _Numbers:
    """Return the area that the lens makes of a unit one; it is negative where the picture folds."""
    a, b, c = slopes
    return a * c - b * b


def _unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _vector(values: Float[np.ndarray, " 3"]) -> _Vector:
    x, y, z = (float(each) + 0.0 for each in values)  # no -0
    return x, y, z
