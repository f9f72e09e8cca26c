"""Arithmetic of sine networks, latent grids and scenes: plain definitions, and compiled kernels that agree."""

from ._choice import available as available, current_path as current_path, system as system, use as use, using as using
from ._native import peak as peak
from .latents._fit import LatentFit as LatentFit
from .latents._plan import (
    HIDDEN as HIDDEN,
    NOTHING as NOTHING,
    OTHER as OTHER,
    PARENT as PARENT,
    SAME as SAME,
    TAPS as TAPS,
    GridPlan as GridPlan,
    Relaxation as Relaxation,
    Source as Source,
    context_sizes as context_sizes,
    point_sizes as point_sizes,
    spline_taps as spline_taps,
    spline_weights as spline_weights,
)
from .latents._read import has_reader as has_reader, read_grid as read_grid
from .scenes._fit import Picture as Picture, VoxelFit as VoxelFit
from .scenes._grid import (
    DIRECTION as DIRECTION,
    EMPTY as EMPTY,
    GAINS as GAINS,
    HEAD as HEAD,
    HEAD_HIDDEN as HEAD_HIDDEN,
    HEAD_INPUTS as HEAD_INPUTS,
    LEAST as LEAST,
    MOST_SAMPLES as MOST_SAMPLES,
    ROW as ROW,
    PixelRays as PixelRays,
    VoxelGrid as VoxelGrid,
    contracted_cells as contracted_cells,
    longest_ray as longest_ray,
)
from .scenes._reference import (
    Rendered as Rendered,
    hits as hits,
    pixel_error as pixel_error,
    render_rays as render_rays,
    render_values as render_values,
)
from .sine._dispatch import (
    fused_shape as fused_shape,
    fused_sine_mlp as fused_sine_mlp,
    fused_sine_mlp_jacobian as fused_sine_mlp_jacobian,
    fused_sine_mlp_jet as fused_sine_mlp_jet,
    is_transformed as is_transformed,
)
from .sine._fused import (
    MOST_PER_SAMPLE as MOST_PER_SAMPLE,
    AdamSettings as AdamSettings,
    CodedFit as CodedFit,
    FusedNetwork as FusedNetwork,
    OutOfDomain as OutOfDomain,
    Shape as Shape,
    workspace as workspace,
)
from .sine._reference import (
    JetShape as JetShape,
    JetTerm as JetTerm,
    sine_layer as sine_layer,
    sine_mlp as sine_mlp,
    sine_mlp_jet as sine_mlp_jet,
)
