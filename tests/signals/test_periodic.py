import numpy as np
import pytest

from ligeia.core import InputError
from ligeia.signals import declare_periodic, from_array


def test_any_axis_can_be_declared_periodic() -> None:
    signal = declare_periodic(from_array(np.arange(12.0).reshape(3, 4)), ["column"])
    assert [axis.is_periodic for axis in signal.grid.axes] == [False, True]
    assert signal.grid.num_inputs == 3
    with pytest.raises(InputError, match="the axes are row, column; lon cannot be made periodic"):
        declare_periodic(signal, ["lon"])
