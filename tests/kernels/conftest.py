"""The library that these tests are of: that of the installation, or one that scripts/sanitize has built."""

import os
from pathlib import Path

from ligeia.kernels import _native

if "LIGEIA_TEST_LIBRARY" in os.environ:
    _file = Path(os.environ["LIGEIA_TEST_LIBRARY"])
    _native.find = lambda: _file
