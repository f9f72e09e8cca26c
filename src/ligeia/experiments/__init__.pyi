"""The paper's experiments, and what this machine is capable of."""

from ._bench import (
    interleaved as interleaved,
    measure_rates as measure_rates,
    operations_per_point as operations_per_point,
    time_fit as time_fit,
)
from ._composite import coins as coins, paper_composite as paper_composite
from ._image import (
    camera as camera,
    demo_stop as demo_stop,
    paper_activations as paper_activations,
    paper_image as paper_image,
)
from ._inpainting import paper_inpainting as paper_inpainting
from ._inversion import (
    made_recordings as made_recordings,
    paper_inversion as paper_inversion,
    speed_error as speed_error,
)
from ._poisson import paper_poisson as paper_poisson
from ._result import (
    EVALUATED as EVALUATED,
    NAMES as NAMES,
    RECORDED as RECORDED,
    Asked as Asked,
    PaperResult as PaperResult,
)
from ._table import EXPERIMENTS as EXPERIMENTS
from ._video import flight as flight, paper_video as paper_video
from ._waves import paper_helmholtz as paper_helmholtz, paper_wave as paper_wave
