"""A device by name, refused where this machine has none such."""

import pytest
import torch

from ligeia.core import InputError, checked_device


@pytest.mark.parametrize("device", ["tpu", "meta", "cuda:-7", ""])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(InputError, match="the device must be auto, cpu or cuda, got"):
        checked_device(device)


def test_auto_is_cuda_where_there_is_one() -> None:
    assert checked_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert checked_device("cpu") == torch.device("cpu")
