"""`fit`: any source to a field, in the way of its kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from ligeia.core import InputError, filled
from ligeia.field import Field
from ligeia.fitting import Callback, Checkpointer
from ligeia.formats import is_scene, is_surface
from ligeia.shapes import Shape
from ligeia.signals import Surface, Views

from ._fit_signal import SignalPlan, plan_signal
from ._fit_surface import FittedSurface, SurfacePlan, plan_surface
from ._plan_scene import ScenePlan, plan_scene
from ._request import FitOptions, FitRequest, SignalLike


def fit(
    source: SignalLike | Surface | Shape | Views,
    request: FitRequest | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpointer | None = None,
    **options: Unpack[FitOptions],
) -> Field:
    """Fit a network to a file, an array, a signal, a surface or photographs; the ``report`` says how it went.

    ``options`` are the fields of `FitRequest`, which says what they mean: they change those of ``request``, or of the
    usual one. ``stop`` joins rules, ``psnr(40) | seconds(30)``; without it the fit ends at a plateau. Samples that are
    held out, by ``hold_out`` or a ``mask``, are measured: ``report.held_out``. ``network`` is another architecture than
    a sine network. A mesh or a cloud becomes its signed distance (`fit_surface`),
    photographs with known cameras (``transforms.json``, or a folder: `formats.read_views`) a radiance field.

    Every callback is called after every step, and may end the fit. ``checkpoint`` keeps the state of the fit in a
    file, to be resumed from; the file is the caller's to delete once the field is saved.

    >>> import numpy as np, ligeia as lg
    >>> field = fit(np.zeros((8, 8), np.uint8), stop=lg.passes(2), hidden_features=16)
    >>> field.sample((16, 16)).shape
    torch.Size([16, 16, 1])
    """
    return plan_fit(source, filled(FitRequest, request, options)).fit(callbacks=callbacks, checkpoint=checkpoint).field


def fit_surface(
    source: Path | str | Surface | Shape,
    request: FitRequest | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpointer | None = None,
    **options: Unpack[FitOptions],
) -> FittedSurface:
    """Fit the signed distance of a mesh or a cloud, negative inside, in the surface's own units.

    What is asked is said as in `fit`. The objective ``distance`` holds a field to the distance of a mesh or a cloud at
    500,000 places (`shapes.Shape.signed_distance`), ``eikonal`` to the points and normals of a cloud, or to 100,000 on
    a mesh (`shapes.OrientedSurface`), ``paper`` to the same by the paper's own losses, Adam at 1e-4 and batches of
    1,400. Without ``stop`` a fit sees 12 million places, or 3 million with slopes: two to four minutes of two cores.
    The field's PSNR is that of the distances, or of 0 at points of the surface; the peak is the side of the domain.

    >>> import numpy as np, ligeia as lg
    >>> from ligeia.signals import surface_of
    >>> ball = np.random.default_rng(0).normal(size=(500, 3))
    >>> ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    >>> fitted = fit_surface(surface_of(ball, normals=ball), stop=lg.passes(1), hidden_features=16)
    >>> fitted.field.sample((2, 2, 2)).shape
    torch.Size([2, 2, 2, 1])
    """
    return plan_surface(source, filled(FitRequest, request, options)).fit(callbacks=callbacks, checkpoint=checkpoint)


def plan_fit(source: SignalLike | Surface | Shape | Views, request: FitRequest) -> SignalPlan | SurfacePlan | ScenePlan:
    """Read a source and choose how it is fitted; the plan's ``fit`` does it."""
    if isinstance(source, Views):
        return plan_scene(source, request)
    is_path = isinstance(source, (str, Path))
    if is_path and request.variable is None and is_scene(Path(source)):
        return plan_scene(Path(source), request)
    if request.background is not None:
        raise InputError("a background is that of photographs with known cameras; leave it out (--background).")
    if request.exposures:
        raise InputError("exposures are those of photographs with known cameras; leave them out (--exposures).")
    if isinstance(source, (Surface, Shape)):
        return plan_surface(source, request)
    names_a_table = request.variable is not None or (request.columns is not None and request.columns.coordinates)
    if is_path and not names_a_table and is_surface(Path(source)):
        return plan_surface(source, request)
    return plan_signal(source, request)
