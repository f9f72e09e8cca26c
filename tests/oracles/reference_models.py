"""The two forms of the 2020 reference network, restated for their parameter names and their arithmetic alone.

Source: vsitzmann/siren, ``modules.py`` (`RepositoryNetwork`) and ``explore_siren.ipynb`` (`NotebookNetwork`).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn


class RepositoryNetwork(nn.Module):
    """``SingleBVPNet(type="sine")``: a block in a block, omega 30 written into the sine, a linear output."""

    def __init__(self, in_features: int, width: int, hidden_layers: int, out_features: int) -> None:
        super().__init__()
        widths = [in_features, *[width] * (hidden_layers + 1), out_features]
        self.linears = [nn.Linear(inputs, outputs) for inputs, outputs in pairwise(widths)]
        self.net = nn.ModuleDict({"net": nn.Sequential(*map(nn.Sequential, self.linears))})

    def forward(self, x: Tensor) -> Tensor:
        for linear in self.linears[:-1]:
            x = torch.sin(30 * linear(x))
        return self.linears[-1](x)


class NotebookSine(nn.Module):
    """The notebook's ``SineLayer``."""

    def __init__(self, inputs: int, outputs: int, omega: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.omega = omega

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(self.omega * self.linear(x))


class NotebookNetwork(nn.Module):
    """The notebook's ``Siren``, whose output layer is one more sine unless told otherwise."""

    def __init__(
        self,
        in_features: int,
        width: int,
        hidden_layers: int,
        out_features: int,
        outermost_linear: bool,
        first_omega: float,
        hidden_omega: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [NotebookSine(in_features, width, first_omega)]
        layers += [NotebookSine(width, width, hidden_omega) for _ in range(hidden_layers)]
        layers += [
            nn.Linear(width, out_features) if outermost_linear else NotebookSine(width, out_features, hidden_omega)
        ]
        self.net = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)
