"""Random streams: every random number in ligeia comes from one seed and the name of its purpose."""

import zlib

import torch


def random_stream(seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """Return a CPU generator that depends on ``seed``, ``purpose`` and ``index`` alone.

    Streams of different purposes are independent, so that one more draw here changes nothing there, and a
    stream can be opened in its middle (say, at epoch ``index``) after a restart.

    >>> torch.rand(1, generator=random_stream(0, "batches")) == torch.rand(1, generator=random_stream(0, "batches"))
    tensor([True])
    """
    # CRC-32 keeps the mapping fixed across Python versions and processes, which hash() does not; torch uses 32 bits
    return torch.Generator().manual_seed(zlib.crc32(f"{seed}/{purpose}/{index}".encode()))
