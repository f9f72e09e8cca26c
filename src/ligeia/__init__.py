"""Any signal as a small, differentiable function."""

__version__ = "0.1.0"
