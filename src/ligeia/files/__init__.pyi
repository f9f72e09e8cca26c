"""How fields become files of other kinds: rendered, decoded, meshed, exported, compared."""

from ._compare import compare as compare, compare_surfaces as compare_surfaces, is_surface_field as is_surface_field
from ._export import export as export
from ._import import import_weights as import_weights
from ._mesh import mesh as mesh, render_surface as render_surface
from ._open import open_field as open_field, open_original as open_original
from ._outputs import decode as decode, render as render
from ._tables import decode_at as decode_at, values_at as values_at
from ._views import compare_scene as compare_scene, render_view as render_view, render_views as render_views
