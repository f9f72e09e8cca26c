"""`ligeia compress` of the file of a scene: a smaller one."""

import time
from pathlib import Path

from ligeia.core import check_writable, errors_name

from ._console import emit


def compress_scene(source: Path, output: Path, *, seed: int, as_json: bool, quiet: bool) -> None:
    """Write a small file of a scene: without cells that its cameras do not see, numbers as exact as they are seen."""
    from ligeia.codec import write_record
    from ligeia.field import load
    from ligeia.scenes import compacted

    check_writable(output)
    began = time.perf_counter()
    field = load(source)
    with errors_name(source):
        record = compacted(field, seed=seed)
    size = write_record(record, output)
    before, took = source.stat().st_size, time.perf_counter() - began
    result = {"bytes": size, "bytes_before": before, "seconds": took, "output": str(output), "seed": seed}
    summary = f"{output}: {size:,} bytes of {before:,} in {took:.1f} s; `ligeia compare` measures it by photographs"
    emit(result, summary, as_json=as_json, quiet=quiet)
