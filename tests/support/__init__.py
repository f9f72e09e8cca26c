"""What several tests share. The test run finds its type checker as an attribute of this package."""

from . import typecheck as typecheck
