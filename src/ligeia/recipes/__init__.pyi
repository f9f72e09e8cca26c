"""How a source becomes a field: configurations chosen for it, and `fit`."""

from ._build import (
    AT_ONCE as AT_ONCE,
    checked_omegas as checked_omegas,
    meet_constant as meet_constant,
    new_field as new_field,
    with_snr as with_snr,
)
from ._configurations import (
    Configuration as Configuration,
    FirstFrequency as FirstFrequency,
    derivative_optimizer as derivative_optimizer,
    fast as fast,
    fast_for as fast_for,
    muon as muon,
    paper as paper,
    smooth as smooth,
)
from ._fit import fit as fit, fit_surface as fit_surface, plan_fit as plan_fit
from ._fit_radiance import fit_radiance as fit_radiance
from ._fit_scene import fit_scene as fit_scene
from ._fit_signal import FittedSignal as FittedSignal, SignalPlan as SignalPlan
from ._fit_surface import (
    FittedSurface as FittedSurface,
    SurfacePlan as SurfacePlan,
    quality_of_surface as quality_of_surface,
    read_shape as read_shape,
    usual_objective as usual_objective,
)
from ._held_out import HeldOut as HeldOut, hold_out as hold_out, hold_out_masked as hold_out_masked
from ._masks import bright as bright
from ._networks import (
    inputs_of as inputs_of,
    network_config as network_config,
    network_named as network_named,
    network_names as network_names,
)
from ._plan_scene import (
    FittedScene as FittedScene,
    ScenePlan as ScenePlan,
    background_named as background_named,
    plan_scene as plan_scene,
)
from ._request import (
    WORKING_SET as WORKING_SET,
    BackgroundLike as BackgroundLike,
    FitOptions as FitOptions,
    FitRequest as FitRequest,
    FootprintName as FootprintName,
    RecipeName as RecipeName,
    SignalLike as SignalLike,
    SurfaceObjective as SurfaceObjective,
)
from ._signals import to_signal as to_signal, with_footprint as with_footprint
from ._sizing import Size as Size, choose_size as choose_size, num_coefficients as num_coefficients
