"""Structures and constants that Python and the compiled library both declare."""

import ctypes

import numpy as np
import pytest

from ligeia import kernels
from ligeia.codec.entropy import _ans
from ligeia.codec.latents import _layout as _latent_layout, _model as _latent_model
from ligeia.kernels import _native
from ligeia.kernels.latents import (
    _fit as _latents,
    _plan as _latent_plan,
    _read as _latents_read,
    _reference as _latents_reference,
)
from ligeia.kernels.scenes import _fit as _scenes, _grid as _scene_grid
from ligeia.kernels.sine import _fused
from ligeia.networks.grids import _latent_grid

pytestmark = pytest.mark.skipif(kernels.available() == ("torch",), reason="no compiled kernels here")

STRUCTURES: dict[str, type[ctypes.Structure]] = {
    "AdamStep": _fused._NativeAdamStep,
    "CodedFit": _fused._NativeCodedFit,
    "JetTerm": _fused._NativeJetTerm,
    "JetShape": _fused._NativeJetShape,
    "LatentInput": _latents._Input,
    "LatentGrid": _latents._Grid,
    "ContextNetwork": _latents._Context,
    "PointNetwork": _latents._Point,
    "LatentFit": _latents._Fit,
    "Relaxation": _latents._Relaxation,
    "LatentAdam": _latents._Adam,
    "ReadInput": _latents_read._Input,
    "ReadGrid": _latents_read._Grid,
    "ReadState": _latents_read._State,
    "SceneGrid": _scenes._Grid,
    "ScenePixels": _scenes._Pixels,
    "SceneImage": _scenes._Image,
    "SceneTarget": _scenes._Target,
    "SceneGradient": _scenes._Gradient,
    "SceneAdam": _scenes._Adam,
    "SceneWeights": _scenes._Weights,
}

CONSTANTS: dict[str, float] = {
    "DONE": _native.DONE,
    "OUT_OF_DOMAIN": _native.OUT_OF_DOMAIN,
    "MOST_SLOPES": _fused.MOST_DERIVATIVES,
    "MOST_CURVATURES": _fused.MOST_DERIVATIVES,
    "LATENT_MARGIN": _latents._MARGIN,
    "LATENT_ABOVE": _latents._ABOVE,
    "LATENT_TAPS": _latent_plan.TAPS,
    "MOST_LATENT_INPUTS": _latents.MOST_INPUTS,
    "MOST_LATENT_FEATURES": _latents.MOST_FEATURES,
    "MOST_LATENT_CHANNELS": _latents.MOST_CHANNELS,
    "SAME": _latent_plan.SAME,
    "OTHER": _latent_plan.OTHER,
    "PARENT": _latent_plan.PARENT,
    "NOTHING": _latent_plan.NOTHING,
    "LEAST_LOG_SCALE": _latents_reference.LEAST_LOG_SCALE,
    "MOST_LOG_SCALE": _latents_reference.MOST_LOG_SCALE,
    "SHARPNESS": _latents_reference._SHARPNESS,
    "SCENE_ROW": _scene_grid.ROW,
    "SCENE_HIDDEN": _scene_grid.HEAD_HIDDEN,
    "SCENE_DIRECTION": _scene_grid.DIRECTION,
    "SCENE_INPUTS": _scene_grid.HEAD_INPUTS,
    "SCENE_HEAD": _scene_grid.HEAD,
    "SCENE_SIDE": _scene_grid.MOST_SIDE,
    "SCENE_SAMPLES": _scene_grid.MOST_SAMPLES,
    "SCENE_EMPTY": _scene_grid.EMPTY,
    "SCENE_LEAST": float(np.float32(_scene_grid.LEAST)),
    "format::HIDDEN": _latent_plan.HIDDEN,
    "format::FRACTION": _latent_model.FRACTION,
    "format::MEAN_BITS": _latent_model.MEAN_BITS,
    "format::NUM_SCALES": _latent_model.NUM_SCALES,
    "format::FIRST_SCALE": _latent_model._FIRST_SCALE,
    "format::PRECISION": _ans.PRECISION,
    "format::DELAY": _latent_layout.DELAY,
    "format::MOST_INPUT": _latent_model.MOST_INPUT,
    "format::COUNT_BITS": _latent_model._COUNT_BITS,
    "format::MOST_VALUE": _latent_model._MOST_VALUE,
    "format::MOST_MEAN": _latent_model._MOST_MEAN,
    "format::MOST_HIDDEN": _latent_model._MOST_HIDDEN,
}


def compiled_interface() -> dict[str, float]:
    """Return the library's own sizes of structures, offsets of their fields, and constants."""
    library = _native.library()
    library.ligeia_interface_name.restype = ctypes.c_char_p
    library.ligeia_interface_value.restype = ctypes.c_double
    numbers = range(library.ligeia_interface_count())
    return {library.ligeia_interface_name(each).decode(): library.ligeia_interface_value(each) for each in numbers}


def test_structures_have_equal_sizes_and_fields_in_equal_places() -> None:
    expected: dict[str, float] = {}
    for name, structure in STRUCTURES.items():
        expected[name] = ctypes.sizeof(structure)
        for field, *_ in structure._fields_:
            expected[f"{name}.{field}"] = getattr(structure, field).offset
    found = {name: value for name, value in compiled_interface().items() if name.split(".")[0] in STRUCTURES}
    assert found == expected


def test_constants_are_equal() -> None:
    found = {name: value for name, value in compiled_interface().items() if name.split(".")[0] not in STRUCTURES}
    assert found == CONSTANTS
    assert _latent_grid._SHARPNESS == _latents_reference._SHARPNESS
