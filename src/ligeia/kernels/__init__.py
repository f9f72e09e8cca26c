"""Sine-layer and sine-network arithmetic: the plain torch definition, and compiled kernels that agree with it."""

from typing import TYPE_CHECKING

from ligeia.core import lazy_exports

if TYPE_CHECKING:
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
    from ._latents_read import (
        ReadInput as ReadInput,
        has_reader as has_reader,
        read_grid as read_grid,
    )
    from ._native import peak as peak
    from ._reference import (
        JetShape as JetShape,
        JetTerm as JetTerm,
        sine_layer as sine_layer,
        sine_mlp as sine_mlp,
        sine_mlp_jet as sine_mlp_jet,
    )

_MODULES = {
    "MOST_PER_SAMPLE": "_fused",
    "AdamSettings": "_fused",
    "CodedFit": "_fused",
    "FusedNetwork": "_fused",
    "GridPlan": "_latents",
    "JetShape": "_reference",
    "JetTerm": "_reference",
    "LatentFit": "_latents",
    "OutOfDomain": "_fused",
    "ReadInput": "_latents_read",
    "Relaxation": "_latents",
    "Shape": "_fused",
    "Source": "_latents",
    "System": "_choice",
    "available": "_choice",
    "borrowed": "_fused",
    "context_size": "_latents",
    "current_path": "_choice",
    "fused_shape": "_dispatch",
    "fused_sine_mlp": "_dispatch",
    "fused_sine_mlp_jacobian": "_dispatch",
    "fused_sine_mlp_jet": "_dispatch",
    "has_reader": "_latents_read",
    "is_transformed": "_dispatch",
    "peak": "_native",
    "point_size": "_latents",
    "read_grid": "_latents_read",
    "sine_layer": "_reference",
    "sine_mlp": "_reference",
    "sine_mlp_jet": "_reference",
    "spline_taps": "_latents",
    "system": "_choice",
    "use": "_choice",
    "using": "_choice",
}

__getattr__, __dir__ = lazy_exports(__name__, {name: f".{module}" for name, module in _MODULES.items()})

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
    "ReadInput",
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
    "has_reader",
    "is_transformed",
    "peak",
    "point_size",
    "read_grid",
    "sine_layer",
    "sine_mlp",
    "sine_mlp_jet",
    "spline_taps",
    "system",
    "use",
    "using",
]
