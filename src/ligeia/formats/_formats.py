"""The table of file formats: how each is recognized, read and written.

A new kind is one file with these functions, and one row (CONTRIBUTING.md, "A reader of a new kind of file").
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from ligeia.core import InputError
from ligeia.signals import (
    ArraySource,
    GriddedSource,
    ImageSource,
    PointsSource,
    Signal,
    SoundSource,
    Source,
    SurfaceSource,
    VideoSource,
    VolumeSource,
)

from ._arrays import array_of, is_archive, is_array, read_archive, save_archive, save_array
from ._gridded import GRIDDED_SUFFIXES, is_gridded, read_gridded, save_gridded
from ._opened import Opened, PointColumns, Reading
from ._output import Output
from ._points import is_points, is_points_output, read_points, save_points
from ._sounds import is_sound, is_sound_output, save_sound, sound_of, sound_suffixes
from ._tables import TABLE_SUFFIXES, is_matlab, read_matlab
from ._volumes import VOLUME_SUFFIXES, is_volume, is_volume_output, read_volume, save_volume
from ._zarr_arrays import is_zarr_array, read_zarr_array, save_zarr_array
from .images._kinds import image_suffixes
from .images._output import save_image
from .images._read import image_of, is_image
from .images._stacks import STACK_SUFFIXES, is_stack, is_stack_output, save_stack, stack_of
from .surfaces._read import SURFACE_SUFFIXES, holds_surface
from .videos._videos import is_video, is_video_of, read_video, save_video, video_suffixes


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A file format: how it is recognized, read and written."""

    name: str
    endings: tuple[str, ...]
    """Endings of its files, in lower case, with their dots."""
    probe: Callable[[Opened], bool]
    """Whether a path is such a file: by its first bytes if they identify it, else by its ending."""
    read: Callable[[Opened, Reading], Signal]
    source: type[Source]
    """The source record of its signals, which their fields keep."""
    takes: tuple[str, ...] = ()
    """Which options of `Reading` it supports: columns, channels, variable, frames."""
    write: Callable[[Output], None] | None = None
    """None for formats that are only read."""
    writes: Callable[[Output], bool] | None = None
    """Whether an output is to be such a file; by default decided by its ending."""
    written_as: str = ""
    """Message if a field of this format is written under another ending; empty if a picture is acceptable."""

    def is_kind_of(self, output: Output) -> bool:
        """Return whether an output is to be such a file."""
        if self.write is None:
            return False
        return output.suffix in self.endings if self.writes is None else self.writes(output)


def _surface_is_no_signal(opened: Opened, _: Reading) -> Signal:
    raise InputError(f"{opened.path}: this is a surface; `ligeia fit` makes a signed-distance field of it.")


def _read_points(opened: Opened, asked: Reading) -> Signal:
    if asked.variable is not None:
        raise InputError(
            f"{opened.path}: columns of points are named by coordinates and values, got {asked.variable!r} as variable."
        )
    columns = asked.columns or PointColumns()
    return read_points(
        opened.path, columns.coordinates, columns.values, box=columns.box, align=asked.align, missing=asked.missing
    )


SURFACE: Final = Format(
    name="surface",
    endings=(*SURFACE_SUFFIXES, ".npz"),
    probe=holds_surface,
    read=_surface_is_no_signal,
    source=SurfaceSource,
)
POINTS: Final = Format(
    name="points",
    endings=TABLE_SUFFIXES,
    probe=is_points,
    read=_read_points,
    source=PointsSource,
    takes=("columns", "variable"),
    write=save_points,
    writes=is_points_output,
)
IMAGE: Final = Format(
    name="image",
    endings=image_suffixes(),
    probe=is_image,
    read=image_of,
    source=ImageSource,
    write=save_image,
)

# readers and writers take the first row that matches
FORMATS: Final[tuple[Format, ...]] = (
    POINTS,
    Format(
        name="MATLAB array",
        endings=(".mat",),
        probe=is_matlab,
        read=read_matlab,
        source=ArraySource,
        takes=("channels", "variable"),
    ),
    Format(
        name="zarr array",
        endings=(".zarr",),
        probe=is_zarr_array,
        read=read_zarr_array,
        source=ArraySource,
        takes=("channels", "variable"),
        write=save_zarr_array,
        writes=lambda output: output.suffix == ".zarr" and isinstance(output.field.source, ArraySource),
    ),
    Format(
        name="gridded",
        endings=GRIDDED_SUFFIXES,
        probe=is_gridded,
        read=read_gridded,
        source=GriddedSource,
        takes=("variable",),
        write=save_gridded,
        written_as="gridded data are written as .nc, .zarr, .npy or .npz",
    ),
    Format(
        name="archive",
        endings=(".npz",),
        probe=is_archive,
        read=read_archive,
        source=ArraySource,
        takes=("channels", "variable"),
        write=save_archive,
    ),
    Format(
        name="video",
        endings=video_suffixes(),
        probe=is_video,
        read=lambda opened, asked: read_video(
            opened.path, frames=asked.frames, align=asked.align, working_set=asked.working_set
        ),
        source=VideoSource,
        takes=("frames",),
        write=save_video,
        writes=is_video_of,
        written_as="a video is written as .mp4, .webm, .mkv, .gif, .npy or .npz",
    ),
    Format(
        name="array",
        endings=(".npy",),
        probe=is_array,
        read=array_of,
        source=ArraySource,
        takes=("channels",),
        write=save_array,
    ),
    Format(
        name="sound",
        endings=sound_suffixes(),
        probe=is_sound,
        read=sound_of,
        source=SoundSource,
        write=save_sound,
        writes=is_sound_output,
    ),
    Format(
        name="volume",
        endings=VOLUME_SUFFIXES,
        probe=is_volume,
        read=lambda opened, asked: read_volume(opened.path, align=asked.align, missing=asked.missing),
        source=VolumeSource,
        write=save_volume,
        writes=lambda output: is_volume_output(output.path),
        written_as="a volume is written as .nii, .nii.gz, .npy or .npz",
    ),
    Format(
        name="stack",
        endings=STACK_SUFFIXES,
        probe=is_stack,
        read=stack_of,
        source=ArraySource,
        write=save_stack,
        writes=is_stack_output,
    ),
    IMAGE,
    SURFACE,
)
