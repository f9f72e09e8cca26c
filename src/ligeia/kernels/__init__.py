"""Sine-layer and sine-network arithmetic: the plain torch definition, and compiled kernels that agree with it."""

from ._choice import (
    System as System,
    available as available,
    current_path as current_path,
    system as system,
    use as use,
    using as using,
)
from ._dispatch import (
    fused_shape as fused_shape,
    fused_sine_mlp as fused_sine_mlp,
    fused_sine_mlp_jacobian as fused_sine_mlp_jacobian,
    fused_sine_mlp_jet as fused_sine_mlp_jet,
    is_transformed as is_transformed,
)
from ._fused import (
    MOST_PER_SAMPLE as MOST_PER_SAMPLE,
    AdamSettings as AdamSettings,
    CodedFit as CodedFit,
    FusedNetwork as FusedNetwork,
    OutOfDomain as OutOfDomain,
    Shape as Shape,
    borrowed as borrowed,
)
from ._latents import (
    GridPlan as GridPlan,
    LatentFit as LatentFit,
    Relaxation as Relaxation,
    Source as Source,
    context_size as context_size,
    point_size as point_size,
    spline_taps as spline_taps,
)
from ._native import peak as peak
from ._reference import (
    JetShape as JetShape,
    JetTerm as JetTerm,
    sine_layer as sine_layer,
    sine_mlp as sine_mlp,
    sine_mlp_jet as sine_mlp_jet,
)

__all__ = [
    "MOST_PER_SAMPLE",
    "AdamSettings",
    "CodedFit",
    "FusedNetwork",
    "GridPlan",
    "JetShape",
    "JetTerm",
    "LatentFit",
    "OutOfDomain",
    "Relaxation",
    "Shape",
    "Source",
    "System",
    "available",
    "borrowed",
    "context_size",
    "current_path",
    "fused_shape",
    "fused_sine_mlp",
    "fused_sine_mlp_jacobian",
    "fused_sine_mlp_jet",
    "is_transformed",
    "peak",
    "point_size",
    "sine_layer",
    "sine_mlp",
    "sine_mlp_jet",
    "spline_taps",
    "system",
    "use",
    "using",
]
