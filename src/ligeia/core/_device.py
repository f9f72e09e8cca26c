"""The device that work runs on."""

import torch

from ._errors import InputError


def checked_device(device: str | torch.device) -> torch.device:
    """Return a device that this machine has; ``auto`` is CUDA where there is one, else the CPU."""
    has_cuda = torch.cuda.is_available()
    if device == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"the device must be auto, cpu or cuda, got {device!r}.") from error
    if found.type not in ("cpu", "cuda"):
        raise InputError(f"the device must be auto, cpu or cuda, got {str(device)!r}.")
    if found.type == "cuda" and not has_cuda:
        raise InputError("expected a CUDA device, torch finds none on this machine; use cpu or auto.")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise InputError(f"expected the device {found}, torch finds {torch.cuda.device_count()} on this machine.")
    return found
