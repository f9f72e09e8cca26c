"""The input and the result of `compress`."""

from dataclasses import dataclass
from typing import NamedTuple, final

from ligeia.codec import FieldRecord
from ligeia.field import Report
from ligeia.fitting import Callback, Checkpointer
from ligeia.networks import Architecture
from ligeia.recipes import Configuration
from ligeia.signals import Signal


class Job(NamedTuple):
    """A signal, and how to compress it."""

    signal: Signal
    effort: int
    seed: int
    callbacks: tuple[Callback, ...]
    checkpoint: Checkpointer | None
    configuration: Configuration
    network: Architecture | None
    """An architecture other than a sine network."""
    as_grids: bool
    """Whether to use latent grids, if they fit into the file."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """A compressed signal."""

    data: bytes
    """The file."""
    record: FieldRecord
    """The field decoded from it."""
    report: Report
    """How the fit went, with the quality of the decoded field."""
    num_samples: int

    @property
    def num_bytes(self) -> int:
        """Size of the file."""
        return len(self.data)

    @property
    def bits_per_sample(self) -> float:
        """Size of the file in bits over the number of samples; of a picture: bits per pixel."""
        return 8 * len(self.data) / self.num_samples

    @property
    def psnr_db(self) -> float:
        """Quality of the decoded field."""
        return self.report.psnr_db
