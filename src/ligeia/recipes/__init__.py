"""Whole configurations, and what is done with whole files: fit, render, decode, compare, report, paper.

Names load on first use, so that a file is decoded where there is no torch.
"""

from typing import TYPE_CHECKING

from ligeia.core import lazy_exports

if TYPE_CHECKING:
    from ._bench import (
        FitTime as FitTime,
        Rates as Rates,
        interleaved as interleaved,
        measure_rates as measure_rates,
        operations_per_point as operations_per_point,
        time_fit as time_fit,
    )
    from ._blend import Blended as Blended, blend as blend
    from ._compare import (
        Comparison as Comparison,
        compare as compare,
        compare_surfaces as compare_surfaces,
        is_surface_field as is_surface_field,
    )
    from ._compress import Compressed as Compressed, compact as compact, compress as compress
    from ._configurations import (
        Configuration as Configuration,
        FirstFrequency as FirstFrequency,
        fast as fast,
        fast_for as fast_for,
        paper as paper,
        smooth as smooth,
    )
    from ._consistency import Shrinking as Shrinking, make_consistent as make_consistent, shrunk as shrunk
    from ._enlarge import (
        KERNELS as KERNELS,
        Enlarged as Enlarged,
        check_enlarged_output as check_enlarged_output,
        enlarge as enlarge,
        write_enlarged as write_enlarged,
    )
    from ._explain import Explanation as Explanation, draw_explanation as draw_explanation, explain as explain
    from ._export import Exported as Exported, export as export
    from ._exposures import Fused as Fused, clip_around as clip_around, fuse as fuse
    from ._fit import (
        checked_device as checked_device,
        checked_omegas as checked_omegas,
        fit as fit,
        to_signal as to_signal,
        with_footprint as with_footprint,
    )
    from ._fit_surface import (
        FittedSurface as FittedSurface,
        SurfaceObjective as SurfaceObjective,
        fit_surface as fit_surface,
        quality_of_surface as quality_of_surface,
        read_shape as read_shape,
        single_omega as single_omega,
        usual_objective as usual_objective,
    )
    from ._held_out import (
        HeldOut as HeldOut,
        HeldOutQuality as HeldOutQuality,
        hold_out as hold_out,
        hold_out_masked as hold_out_masked,
    )
    from ._import import import_weights as import_weights
    from ._mesh import Coloring as Coloring, Meshed as Meshed, mesh as mesh, render_surface as render_surface
    from ._networks import (
        inputs_of as inputs_of,
        network_config as network_config,
        network_named as network_named,
        network_names as network_names,
    )
    from ._open import open_exact as open_exact, open_field as open_field
    from ._outputs import decode as decode, render as render
    from ._paper import (
        camera as camera,
        demo_stop as demo_stop,
        paper_activations as paper_activations,
        paper_image as paper_image,
    )
    from ._paper_audio import paper_audio as paper_audio, strings as strings
    from ._paper_composite import coins as coins, paper_composite as paper_composite
    from ._paper_inpainting import paper_inpainting as paper_inpainting
    from ._paper_inversion import (
        SpeedError as SpeedError,
        made_recordings as made_recordings,
        paper_inversion as paper_inversion,
        speed_error as speed_error,
    )
    from ._paper_poisson import paper_poisson as paper_poisson
    from ._paper_result import PaperResult as PaperResult
    from ._paper_sdf import made_surface as made_surface, paper_sdf as paper_sdf
    from ._paper_video import flight as flight, paper_video as paper_video
    from ._paper_waves import paper_helmholtz as paper_helmholtz, paper_wave as paper_wave
    from ._poisson import poisson as poisson
    from ._poses import Pose as Pose
    from ._report import draw_report as draw_report
    from ._report_parts import check_figure as check_figure
    from ._sizing import (
        Size as Size,
        choose_size as choose_size,
        file_bytes as file_bytes,
        num_coefficients as num_coefficients,
    )
    from ._slices import (
        IsotropicVolume as IsotropicVolume,
        isotropic as isotropic,
        thick_slices as thick_slices,
        write_isotropic as write_isotropic,
    )
    from ._solve_helmholtz import solve_helmholtz as solve_helmholtz
    from ._solve_inversion import (
        Inverted as Inverted,
        read_recordings as read_recordings,
        solve_inversion as solve_inversion,
    )
    from ._solve_linear import solve_linear as solve_linear
    from ._solve_wave import solve_wave as solve_wave
    from ._solved import Solved as Solved
    from ._surface_report import draw_surface_report as draw_surface_report
    from ._tables import decode_at as decode_at, values_at as values_at
    from ._tiles import Tile as Tile, TileSettings as TileSettings, blended as blended

_MODULES = {
    "explain": "_explain",
    "draw_explanation": "_explain",
    "Explanation": "_explain",
    "network_names": "_networks",
    "network_named": "_networks",
    "network_config": "_networks",
    "inputs_of": "_networks",
    "Blended": "_blend",
    "Coloring": "_mesh",
    "Comparison": "_compare",
    "Compressed": "_compress",
    "Configuration": "_configurations",
    "Enlarged": "_enlarge",
    "Exported": "_export",
    "FirstFrequency": "_configurations",
    "FitTime": "_bench",
    "FittedSurface": "_fit_surface",
    "Fused": "_exposures",
    "HeldOut": "_held_out",
    "HeldOutQuality": "_held_out",
    "Inverted": "_solve_inversion",
    "IsotropicVolume": "_slices",
    "KERNELS": "_enlarge",
    "Meshed": "_mesh",
    "PaperResult": "_paper_result",
    "Pose": "_poses",
    "Rates": "_bench",
    "Shrinking": "_consistency",
    "Size": "_sizing",
    "Solved": "_solved",
    "SpeedError": "_paper_inversion",
    "SurfaceObjective": "_fit_surface",
    "Tile": "_tiles",
    "TileSettings": "_tiles",
    "blend": "_blend",
    "blended": "_tiles",
    "camera": "_paper",
    "check_enlarged_output": "_enlarge",
    "check_figure": "_report_parts",
    "checked_device": "_fit",
    "checked_omegas": "_fit",
    "choose_size": "_sizing",
    "clip_around": "_exposures",
    "coins": "_paper_composite",
    "compact": "_compress",
    "compare": "_compare",
    "compare_surfaces": "_compare",
    "compress": "_compress",
    "decode": "_outputs",
    "decode_at": "_tables",
    "demo_stop": "_paper",
    "draw_report": "_report",
    "draw_surface_report": "_surface_report",
    "enlarge": "_enlarge",
    "export": "_export",
    "fast": "_configurations",
    "fast_for": "_configurations",
    "file_bytes": "_sizing",
    "fit": "_fit",
    "fit_surface": "_fit_surface",
    "flight": "_paper_video",
    "fuse": "_exposures",
    "hold_out": "_held_out",
    "hold_out_masked": "_held_out",
    "import_weights": "_import",
    "interleaved": "_bench",
    "is_surface_field": "_compare",
    "isotropic": "_slices",
    "made_recordings": "_paper_inversion",
    "make_consistent": "_consistency",
    "made_surface": "_paper_sdf",
    "measure_rates": "_bench",
    "mesh": "_mesh",
    "num_coefficients": "_sizing",
    "open_exact": "_open",
    "open_field": "_open",
    "operations_per_point": "_bench",
    "paper": "_configurations",
    "paper_activations": "_paper",
    "paper_audio": "_paper_audio",
    "paper_composite": "_paper_composite",
    "paper_helmholtz": "_paper_waves",
    "paper_image": "_paper",
    "paper_inpainting": "_paper_inpainting",
    "paper_inversion": "_paper_inversion",
    "paper_poisson": "_paper_poisson",
    "paper_sdf": "_paper_sdf",
    "paper_video": "_paper_video",
    "paper_wave": "_paper_waves",
    "poisson": "_poisson",
    "quality_of_surface": "_fit_surface",
    "read_recordings": "_solve_inversion",
    "read_shape": "_fit_surface",
    "render": "_outputs",
    "render_surface": "_mesh",
    "shrunk": "_consistency",
    "single_omega": "_fit_surface",
    "smooth": "_configurations",
    "solve_helmholtz": "_solve_helmholtz",
    "solve_inversion": "_solve_inversion",
    "solve_linear": "_solve_linear",
    "solve_wave": "_solve_wave",
    "speed_error": "_paper_inversion",
    "strings": "_paper_audio",
    "thick_slices": "_slices",
    "time_fit": "_bench",
    "to_signal": "_fit",
    "usual_objective": "_fit_surface",
    "values_at": "_tables",
    "with_footprint": "_fit",
    "write_enlarged": "_enlarge",
    "write_isotropic": "_slices",
}

__getattr__, __dir__ = lazy_exports(__name__, {name: f".{module}" for name, module in _MODULES.items()})

__all__ = [
    "KERNELS",
    "Blended",
    "Coloring",
    "Comparison",
    "Compressed",
    "Configuration",
    "Enlarged",
    "Explanation",
    "Exported",
    "FirstFrequency",
    "FitTime",
    "FittedSurface",
    "Fused",
    "HeldOut",
    "HeldOutQuality",
    "Inverted",
    "IsotropicVolume",
    "Meshed",
    "PaperResult",
    "Pose",
    "Rates",
    "Shrinking",
    "Size",
    "Solved",
    "SpeedError",
    "SurfaceObjective",
    "Tile",
    "TileSettings",
    "blend",
    "blended",
    "camera",
    "check_enlarged_output",
    "check_figure",
    "checked_device",
    "checked_omegas",
    "choose_size",
    "clip_around",
    "coins",
    "compact",
    "compare",
    "compare_surfaces",
    "compress",
    "decode",
    "decode_at",
    "demo_stop",
    "draw_explanation",
    "draw_report",
    "draw_surface_report",
    "enlarge",
    "explain",
    "export",
    "fast",
    "fast_for",
    "file_bytes",
    "fit",
    "fit_surface",
    "flight",
    "fuse",
    "hold_out",
    "hold_out_masked",
    "import_weights",
    "inputs_of",
    "interleaved",
    "is_surface_field",
    "isotropic",
    "made_recordings",
    "made_surface",
    "make_consistent",
    "measure_rates",
    "mesh",
    "network_config",
    "network_named",
    "network_names",
    "num_coefficients",
    "open_exact",
    "open_field",
    "operations_per_point",
    "paper",
    "paper_activations",
    "paper_audio",
    "paper_composite",
    "paper_helmholtz",
    "paper_image",
    "paper_inpainting",
    "paper_inversion",
    "paper_poisson",
    "paper_sdf",
    "paper_video",
    "paper_wave",
    "poisson",
    "quality_of_surface",
    "read_recordings",
    "read_shape",
    "render",
    "render_surface",
    "shrunk",
    "single_omega",
    "smooth",
    "solve_helmholtz",
    "solve_inversion",
    "solve_linear",
    "solve_wave",
    "speed_error",
    "strings",
    "thick_slices",
    "time_fit",
    "to_signal",
    "usual_objective",
    "values_at",
    "with_footprint",
    "write_enlarged",
    "write_isotropic",
]
