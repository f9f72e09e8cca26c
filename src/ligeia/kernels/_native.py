"""The compiled kernels: the shared library, and which of its paths this processor can run. Imports no torch."""

import ctypes
import platform
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

ABI: Final = 10
DONE: Final = 0
OUT_OF_DOMAIN: Final = 1

_BASELINE = "neon" if platform.machine().lower() in ("arm64", "aarch64") else "portable"
PATHS: Final = (_BASELINE, "avx2", "avx512", "avx512-bf16")
"""Names of the library's paths, by number."""

_pointer, _int, _int64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "ligeia_abi": (_int, []),
    "ligeia_paths": (_int, []),
    "ligeia_preferred": (_int, []),
    "ligeia_plan_new": (_pointer, [_int, _int, _pointer, _pointer, _int, _int, _int]),
    "ligeia_plan_free": (None, [_pointer]),
    "ligeia_pack": (None, [_pointer, _pointer]),
    "ligeia_values": (_int, [_pointer, _pointer, _int64, _pointer]),
    "ligeia_jacobian": (_int, [_pointer, _pointer, _int64, _pointer, _pointer]),
    "ligeia_backward": (_int, [_pointer, _pointer, _pointer, _int64, _pointer, _pointer]),
    "ligeia_jet": (_int, [_pointer, _pointer, _pointer, _int64, _pointer]),
    "ligeia_jet_backward": (_int, [_pointer, _pointer, _pointer, _pointer, _int64, _pointer]),
    "ligeia_step": (_int, [_pointer] * 7 + [_int, _int64, _pointer, _pointer]),
    "ligeia_coded_steps": (_int64, [_pointer] * 5 + [_int, _int64, _int64, _pointer]),
    "ligeia_latents_scratch": (_int64, [_int, _pointer]),
    "ligeia_latents_evaluate": (
        None,
        [_int, _pointer, _pointer, ctypes.c_float, ctypes.c_float, _int, _int, _pointer, _pointer],
    ),
    "ligeia_latents_adam": (None, [_int, _pointer, _pointer, _int]),
    "ligeia_latents_read": (_int, [_pointer, _pointer, _pointer, _int64, _pointer]),
    "ligeia_scene_render": (None, [_int, _pointer, _pointer, _pointer, _int]),
    "ligeia_scene_hits": (None, [_int, _pointer, _pointer, _pointer, _int]),
    "ligeia_scene_weights": (None, [_int, _pointer, _pointer, _pointer, _int]),
    "ligeia_scene_gradient": (ctypes.c_double, [_int, _pointer, _pointer, _pointer, _pointer, _int]),
    "ligeia_scene_adam": (None, [_pointer, _int, _int64, *[_pointer] * 5]),
    "ligeia_peak": (ctypes.c_double, [_int, _int, _int, ctypes.c_double]),
}


class Broken(Exception):
    """The library is missing, or not the expected one; the message says which."""


class Absent(Broken):
    """The library was not built."""


@cache
def library() -> ctypes.CDLL:
    """Load the compiled kernels, or raise `Broken` with the reason."""
    return load(find())


def find() -> Path:
    """Return the file of the compiled kernels; `Broken` if there is none."""
    here = Path(__file__).parent
    try:  # an editable installation keeps it apart from the sources
        folders = [here, Path(str(metadata.distribution("ligeia").locate_file("ligeia/kernels")))]
    except metadata.PackageNotFoundError:  # run from a folder of sources
        folders = [here]
    for folder in folders:
        for ending in (".so", ".dylib", ".dll"):
            if (file := folder / f"libligeia_kernels{ending}").is_file():
                return file
    raise Absent("no compiled kernels: no C++ compiler worked when ligeia was installed")


def load(file: Path) -> ctypes.CDLL:
    """Load a library and check that it is one of ours; `Broken` if not."""
    try:
        loaded = ctypes.CDLL(str(file))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise Broken(f"{file.name} cannot be used ({error}); reinstall ligeia") from error
    if (found := loaded.ligeia_abi()) != ABI:
        raise Broken(f"{file.name} is of another version (interface {found}, not {ABI}); reinstall ligeia")
    return loaded


def runnable() -> tuple[str, ...]:
    """Return the paths that this processor can run, slowest first; `Broken` without a library."""
    found = library().ligeia_paths()
    return tuple(name for number, name in enumerate(PATHS) if found >> number & 1)


def preferred() -> str:
    """Return the fastest path of this processor; `Broken` without a library."""
    return PATHS[library().ligeia_preferred()]


def peak(path: str, *, num_threads: int, seconds: float = 0.05) -> float:
    """Return floating-point operations per second of multiply-adds that touch no memory: the peak of a path."""
    return library().ligeia_peak(PATHS.index(path), path == "avx512-bf16", num_threads, seconds)
