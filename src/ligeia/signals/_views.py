"""Views: photographs with known cameras."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Shaped

from ligeia.core import InputError, SampleError, ShapeError

from ._camera import Camera

_ALIKE = 1e-9  # poses that differ by less are the same one


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Views:
    """Photographs of one scene, and the camera of each. Coordinates are the user's own.

    Alpha means that a pixel is empty, to a part; a mask that nothing is known of it. Both may be there.
    """

    cameras: tuple[Camera, ...]
    names: tuple[str, ...]
    """File names, as the user knows them."""
    pictures: tuple[Shaped[np.ndarray, "..."], ...]
    """(rows, columns, channels) as stored: gray, RGB, RGBA of straight alpha; uint8, uint16, or float32 from 0 to 1."""
    masks: tuple[Bool[np.ndarray, "_ _"] | None, ...] = ()
    """True where a pixel is ignored; None where none is. Empty if no view has a mask."""
    points: Float[np.ndarray, "n 3"] | None = None
    """Of the scene, where the tool that found the cameras found some."""

    def __post_init__(self) -> None:
        if not self.cameras:
            raise InputError("expected one view or more, there are none.")
        if not self.masks:
            object.__setattr__(self, "masks", (None,) * len(self.cameras))
        counts = {len(each) for each in (self.cameras, self.names, self.pictures, self.masks)}
        if len(counts) > 1:
            raise ShapeError(
                f"expected a name, a picture and a mask or None for each of {len(self.cameras)} cameras, got "
                f"{len(self.names)}, {len(self.pictures)} and {len(self.masks)}."
            )
        for name, camera, picture, mask in zip(self.names, self.cameras, self.pictures, self.masks, strict=True):
            _check_picture(name, camera, picture, mask)
        poses = np.stack([camera.pose for camera in self.cameras])
        if len(poses) > 1 and np.abs(poses - poses[0]).max() <= _ALIKE * max(1.0, float(np.abs(poses[0]).max())):
            raise InputError(
                f"expected views from different places, all {len(poses)} poses are alike; the cameras were not found."
            )
        if self.points is not None and not np.isfinite(self.points).all():
            raise SampleError("expected points of finite coordinates, got NaN or infinite ones; leave them out.")

    @property
    def has_alpha(self) -> bool:
        """Whether some pixel of some picture is not opaque."""
        return any(
            picture.shape[2] == 4 and bool((picture[..., 3] < _full(picture)).any()) for picture in self.pictures
        )

    @property
    def num_pixels(self) -> int:
        """The number of pixels of all pictures, with those that are ignored."""
        return sum(rows * columns for rows, columns in (camera.shape for camera in self.cameras))

    def rgba(self, number: int) -> Float[np.ndarray, "rows columns 4"]:
        """Return a picture as float32 red, green, blue and alpha from 0 to 1, the colors multiplied by alpha."""
        picture = self.pictures[number]
        scaled = picture.astype(np.float32) / np.float32(_full(picture))
        result = np.ones((*picture.shape[:2], 4), np.float32)
        result[..., : max(3, scaled.shape[2])] = scaled  # gray three times
        result[..., :3] *= result[..., 3:]
        return result

    def reduced(self, factor: int) -> "Views":
        """Return the views with squares of ``factor**2`` pixels averaged, colors by their alpha; the rest is cut off.

        A pixel is ignored if any of its square is.
        """
        if factor < 1 or factor > min(min(camera.shape) for camera in self.cameras):
            raise InputError(f"expected a factor from 1 to the pixels along a side, got {factor}.")
        if factor == 1:
            return self
        cameras, pictures, masks = [], [], []
        for number, (camera, mask) in enumerate(zip(self.cameras, self.masks, strict=True)):
            rows, columns = (count // factor for count in camera.shape)
            whole = (slice(rows * factor), slice(columns * factor))
            squares = self.rgba(number)[whole].reshape(rows, factor, columns, factor, 4)
            rgba = squares.mean(axis=(1, 3))
            rgba[..., :3] /= np.maximum(rgba[..., 3:], np.finfo(np.float32).tiny)
            has_alpha = self.pictures[number].shape[2] == 4
            pictures.append(np.minimum(rgba if has_alpha else rgba[..., :3], 1))
            (fx, fy), (cx, cy) = camera.focal_lengths, camera.principal_point
            cameras.append(
                replace(
                    camera,
                    focal_lengths=(fx / factor, fy / factor),
                    principal_point=(cx / factor, cy / factor),
                    shape=(rows, columns),
                )
            )
            hidden = None if mask is None else mask[whole].reshape(rows, factor, columns, factor).any(axis=(1, 3))
            masks.append(hidden)
        return replace(self, cameras=tuple(cameras), pictures=tuple(pictures), masks=tuple(masks))

    def subset(self, numbers: Sequence[int]) -> "Views":
        """Return some of the views, in the given order, with all points."""
        if not numbers:
            raise InputError("expected one view or more, there are none.")
        return replace(
            self,
            cameras=tuple(self.cameras[number] for number in numbers),
            names=tuple(self.names[number] for number in numbers),
            pictures=tuple(self.pictures[number] for number in numbers),
            masks=tuple(self.masks[number] for number in numbers),
        )


def _full(picture: Shaped[np.ndarray, "rows columns channels"]) -> float:
    """Return what a sample that is fully bright or opaque has."""
    return 1.0 if picture.dtype.kind == "f" else float(np.iinfo(picture.dtype).max)


def _check_picture(name: str, camera: Camera, picture: Shaped[np.ndarray, "..."], mask: np.ndarray | None) -> None:
    if (
        picture.ndim != 3
        or picture.shape[2] not in (1, 3, 4)
        or str(picture.dtype) not in ("uint8", "uint16", "float32")
    ):
        raise ShapeError(
            f"{name}: expected gray, RGB or RGBA of uint8, uint16 or float32 in rows, columns and channels, got "
            f"{picture.dtype} {picture.shape}."
        )
    if picture.shape[:2] != camera.shape:
        (rows, columns), (wanted_rows, wanted_columns) = picture.shape[:2], camera.shape
        raise ShapeError(
            f"{name}: expected {wanted_columns} x {wanted_rows} pixels as its camera has, the picture has {columns} x "
            f"{rows}; use the pictures that the cameras were found from, or scale focal length and center alike."
        )
    if picture.dtype == np.float32 and not (picture.min() >= 0 and picture.max() <= 1):  # NaN is in no range
        raise SampleError(
            f"{name}: expected samples from 0 to 1, got {picture.min():g} to {picture.max():g}; scale them, or save "
            "8 or 16 bits."
        )
    if mask is not None and mask.shape != camera.shape:
        raise ShapeError(
            f"{name}: expected a mask of {camera.shape[1]} x {camera.shape[0]} pixels as the picture has, got "
            f"{' x '.join(map(str, mask.shape[::-1]))}."
        )
