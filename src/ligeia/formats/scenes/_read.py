"""The one way in: photographs with known cameras, of any of the kinds."""

import shlex
from pathlib import Path
from typing import Final

from ligeia.core import InputError, check_readable
from ligeia.signals import Views

from .._opened import Opened
from ..videos._videos import is_video
from ._colmap import find_colmap, model_folder
from ._llff import find_llff, pictures_in
from ._npz import is_archive_of_views, read_archive_of_views
from ._photographs import Found, exists, views_of
from ._transforms import Split, find_transforms

_LLFF: Final = "poses_bounds.npy"


def read_views(path: Path | str, *, split: Split = "train", at_least: int = 3) -> Views:
    """Read photographs and their cameras, in the user's own coordinates.

    ``path`` is a ``transforms.json`` of Blender, instant-ngp or nerfstudio, an ``.npz`` of images, poses and focal
    length, or a folder: with ``transforms_train.json`` or ``transforms.json``, with ``sparse/0`` of COLMAP, or with
    ``poses_bounds.npy`` of LLFF. ``split`` chooses among ``transforms_train.json``, ``_val`` and ``_test`` in a folder,
    or among a file's lists of names; the views of one never come with another's. Fewer than ``at_least`` views are
    refused. Frames whose photograph is missing are left out, with a warning.
    """
    path = Path(path)
    if is_folder(path):
        views = views_of(path, _found_in(path, split))
    elif path.suffix.lower() == ".json":
        views = views_of(check_readable(path), find_transforms(path, split))
    elif path.suffix.lower() == ".npz":
        views = read_archive_of_views(path)
    else:
        check_readable(path)
        raise _no_scene(path)
    if len(views.cameras) < at_least:
        raise InputError(f"{path}: expected {at_least} views or more, got {len(views.cameras)}; take more photographs.")
    return views


def holds_scene(path: Path | str) -> bool:
    """Return whether a path names photographs with known cameras; no picture is opened for it.

    A folder of photographs without cameras is none; `read_views` says which tool finds their cameras.
    """
    path = Path(path)
    if is_folder(path):
        return bool(_transforms_in(path)) or model_folder(path) is not None or exists(path / _LLFF)
    if path.suffix.lower() == ".npz":
        return exists(path) and is_archive_of_views(path)
    return path.suffix.lower() == ".json" and exists(path)


def is_scene(path: Path) -> bool:
    """Return whether `read_views` is what reads a path, or says which tool makes what it reads."""
    return holds_scene(path) or (is_folder(path) and bool(_pictures_of(path)[0] or _videos_of(path)))


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder; one that cannot be asked about is none."""
    try:
        return path.is_dir()
    except OSError:  # say, a name that is too long
        return False


def _transforms_in(folder: Path) -> list[str]:
    """Return the splits of which a folder has a file, "" for the file of all."""
    names = {"": "transforms.json"} | {each: f"transforms_{each}.json" for each in ("train", "val", "test")}
    return [each for each, name in names.items() if exists(folder / name)]


def _found_in(folder: Path, split: Split) -> Found:
    there = _transforms_in(folder)
    if split in there:
        return find_transforms(folder / f"transforms_{split}.json", split)
    if "" in there:
        return find_transforms(folder / "transforms.json", split)
    if there:
        raise InputError(f"{folder}: expected transforms_{split}.json, got that of {', '.join(there)} only.")
    if model_folder(folder) is None and not exists(folder / _LLFF):
        raise _no_scene(folder)
    if split != "train":
        raise InputError(f"{folder}: expected {split} views kept apart, these are not; hold some out instead.")
    return find_colmap(folder) if model_folder(folder) is not None else find_llff(folder)


def _no_scene(path: Path) -> InputError:
    """Return what to do about a path that has photographs without cameras, a video, or neither."""
    pictures, where = _pictures_of(path)
    videos = _videos_of(path)
    if pictures:
        workspace, images = shlex.quote(str(path)), shlex.quote(str(where))
        return InputError(
            f"{path}: expected photographs with known cameras, got {len(pictures)} without; COLMAP finds them: "
            f"colmap automatic_reconstructor --workspace_path {workspace} --image_path {images}, "
            "whose sparse/0 is then read from this folder."
        )
    if videos:
        video, made = shlex.quote(str(videos[0])), shlex.quote(str(videos[0].with_suffix("")))
        return InputError(
            f"{path}: expected photographs with known cameras, got a video; nerfstudio makes them of it: "
            f"ns-process-data video --data {video} --output-dir {made}, and the folder is then read."
        )
    return InputError(
        f"{path}: expected photographs with known cameras: a transforms.json, an .npz, or a folder with "
        "transforms.json, sparse/0 or poses_bounds.npy; this is none of them."
    )


def _pictures_of(path: Path) -> tuple[list[Path], Path]:
    """Return the pictures in a folder, or in its ``images``, and which of both has them."""
    for where in (path / "images", path):
        if is_folder(path) and (pictures := pictures_in(where)):
            return pictures, where
    return [], path


def _videos_of(path: Path) -> list[Path]:
    there = sorted(path.iterdir()) if is_folder(path) else [path]
    return [each for each in there if each.is_file() and _is_video(each)]


def _is_video(path: Path) -> bool:
    try:
        with Opened(path) as opened:
            return is_video(opened)
    except OSError:  # that cannot be read
        return False
