"""The source record of a scene: its background, and the cameras of its photographs (spec/container.md, s. 3, `SRCE`).

NumPy only: nothing here imports torch.
"""

from typing import Any, Final

import numpy as np
from jaxtyping import Float

from ligeia.signals import Camera, SceneSource

from ._bytes import ByteReader, number_bytes, text_bytes, varint_bytes

_MOST_TURN: Final = 2.0  # of a number in a rotation: where these are huge, the test of a rotation overflows
_HAS_ALPHA, _HAS_BACKGROUND = 1, 2


def scene_bytes(source: SceneSource) -> bytes:
    """Return what follows the kind, for `read_scene`."""
    present = _HAS_ALPHA * source.has_alpha + _HAS_BACKGROUND * (source.background is not None)
    parts = [varint_bytes(present), text_bytes(source.dtype), *map(number_bytes, source.background or ())]
    parts.append(varint_bytes(len(source.cameras)))
    lens = b""
    for name, camera in zip(source.names, source.cameras, strict=True):
        before, lens = lens, _lens_bytes(camera)
        parts += [text_bytes(name), *map(number_bytes, camera.pose.ravel().tolist())]
        parts.append(b"\0" if lens == before else b"\1" + lens)
    return b"".join(parts)


def read_scene(reader: ByteReader) -> SceneSource:
    """Return the source, or raise an `InputError` or `RecordError`."""
    present = reader.presence(2)
    dtype = reader.text()
    background = (reader.number(), reader.number(), reader.number()) if present & _HAS_BACKGROUND else None
    count = reader.varint()
    if count > reader.remaining():  # a camera takes a byte at least
        raise reader.wrong(f"{count} cameras end inside a value")
    names: list[str] = []
    cameras: list[Camera] = []
    lens: dict[str, Any] = {}
    for _ in range(count):
        names.append(reader.text())
        pose = np.array([reader.number() for _ in range(12)]).reshape(3, 4)
        is_new = bool(reader.flags(1))
        if is_new:
            lens = _read_lens(reader)
        elif not cameras:
            raise reader.wrong("the first camera has no lens")
        camera = _camera(reader, pose, lens)
        if is_new and cameras and _lens_bytes(camera) == _lens_bytes(cameras[-1]):
            raise reader.wrong("a lens as that of the camera before must be left out")
        cameras.append(camera)
    return SceneSource(
        cameras=tuple(cameras),
        names=tuple(names),
        dtype=dtype,
        has_alpha=bool(present & _HAS_ALPHA),
        background=background,
    )


def _lens_bytes(camera: Camera) -> bytes:
    numbers = (*camera.focal_lengths, *camera.principal_point, *camera.distortion)
    return b"".join([*map(varint_bytes, camera.shape), *map(number_bytes, numbers)])


def _read_lens(reader: ByteReader) -> dict[str, Any]:
    shape = reader.varint(), reader.varint()
    fx, fy, cx, cy, *distortion = (reader.number() for _ in range(9))
    named = dict(zip(("k1", "k2", "k3", "p1", "p2"), distortion, strict=True))
    return {"shape": shape, "focal_lengths": (fx, fy), "principal_point": (cx, cy), **named}


def _camera(reader: ByteReader, pose: Float[np.ndarray, "3 4"], lens: dict[str, Any]) -> Camera:
    if np.abs(pose[:, :3]).max() > _MOST_TURN:
        raise reader.wrong("the axes of a camera are no unit vectors")
    camera = Camera(pose=pose, **lens)
    if camera.pose.tobytes() != pose.tobytes():  # it would be written otherwise
        raise reader.wrong("the axes of a camera are no rotation to the last digits")
    return camera
