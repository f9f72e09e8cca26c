"""Any signal as a small, differentiable function."""

from .calculus import (
    curl as curl,
    derivatives as derivatives,
    divergence as divergence,
    gradient as gradient,
    hessian as hessian,
    jacobian as jacobian,
    laplacian as laplacian,
)
from .compression import compress as compress
from .field import Field as Field, load as load, save as save
from .fitting import passes as passes, plateau as plateau, psnr as psnr, seconds as seconds, snr as snr
from .networks import (
    Architecture as Architecture,
    Bacon as Bacon,
    Bounded as Bounded,
    CoordinateNetwork as CoordinateNetwork,
    Finer as Finer,
    FourierFeatures as FourierFeatures,
    FourierNet as FourierNet,
    GaborNet as GaborNet,
    Gauss as Gauss,
    HashGrid as HashGrid,
    HasRaster as HasRaster,
    Inputs as Inputs,
    Jet as Jet,
    LatentGrid as LatentGrid,
    LayerActivations as LayerActivations,
    LearnedSiren as LearnedSiren,
    Network as Network,
    NetworkConfig as NetworkConfig,
    NumpyArithmetic as NumpyArithmetic,
    OutputLayer as OutputLayer,
    Periodic as Periodic,
    PositionalEncoding as PositionalEncoding,
    Rbf as Rbf,
    RealWire as RealWire,
    ReluMlp as ReluMlp,
    Sinc as Sinc,
    SineLayer as SineLayer,
    Siren as Siren,
    SirenArchitecture as SirenArchitecture,
    SoftplusMlp as SoftplusMlp,
    Symmetric as Symmetric,
    TanhMlp as TanhMlp,
    Wire as Wire,
)
from .recipes import fit as fit
from .signals import Grid as Grid, Signal as Signal

__version__: str
