"""Coordinate networks: plain modules, coordinates in, values out; they know nothing of data.

Architectures are descriptions without weights, and load no torch; what computes in torch is loaded on first use.
"""

from ._architecture import (
    Architecture as Architecture,
    HasRaster as HasRaster,
    Inputs as Inputs,
    NetworkConfig as NetworkConfig,
)
from ._bacon import Bacon as Bacon
from ._conventions import convention_of as convention_of, from_reference as from_reference
from ._finer import Finer as Finer
from ._fourier_features import FourierFeatures as FourierFeatures
from ._gauss import Gauss as Gauss
from ._jets import JetArithmetic as JetArithmetic, JetNumbers as JetNumbers
from ._learned_siren import LearnedSiren as LearnedSiren
from ._multiplicative import FourierNet as FourierNet, GaborNet as GaborNet
from ._network import (
    CoordinateNetwork as CoordinateNetwork,
    Jet as Jet,
    LayerActivations as LayerActivations,
    Network as Network,
    OutputLayer as OutputLayer,
    check_order as check_order,
)
from ._numpy_arithmetic import NumpyArithmetic as NumpyArithmetic
from ._perceptron import ReluMlp as ReluMlp, SoftplusMlp as SoftplusMlp, TanhMlp as TanhMlp
from ._positional_encoding import PositionalEncoding as PositionalEncoding
from ._radial_basis import Rbf as Rbf
from ._sinc import Sinc as Sinc
from ._siren import SineLayer as SineLayer, Siren as Siren
from ._siren_architecture import SirenArchitecture as SirenArchitecture
from ._torch_arithmetic import TorchArithmetic as TorchArithmetic
from ._wire import RealWire as RealWire, Wire as Wire
from ._wrappers import (
    Bounded as Bounded,
    Periodic as Periodic,
    Radiance as Radiance,
    Symmetric as Symmetric,
)
from .grids._hash_grid import HashGrid as HashGrid
from .grids._latent_grid import LatentGrid as LatentGrid
from .grids._voxels import Voxels as Voxels
