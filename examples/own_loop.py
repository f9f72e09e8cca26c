"""A sine network in a loop of one's own: fit a chirp, differentiate it exactly, keep it as a field."""

import math
import tempfile
from pathlib import Path

import torch

import ligeia as lg


def chirp(x: torch.Tensor) -> torch.Tensor:
    """Return a tone that rises with x."""
    return torch.sin(8 * x + 6 * x**2)


def main(num_steps: int = 500) -> float:
    """Fit, compare the derivative with the closed form, save; return the largest error of the slope."""
    net = lg.Siren(in_features=1, hidden_features=64, hidden_layers=2, out_features=1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    grid = lg.Grid.of((400,))
    x = torch.from_numpy(grid.points())
    for _ in range(num_steps):
        optimizer.zero_grad()
        loss = (net(x) - chirp(x)).square().mean()
        loss.backward()
        optimizer.step()

    inside = x[20:-20]
    slope = lg.gradient(net, inside).detach()
    expected = (8 + 12 * inside) * torch.cos(8 * inside + 6 * inside**2)
    worst = float((slope - expected).abs().max())

    field = lg.Field(net, grid)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chirp.lig"
        size = lg.save(field, path)
        assert torch.equal(lg.load(path)(x), field(x))
    print(f"the slope, up to {math.ceil(float(expected.abs().max()))}, is off by {worst:.3f}; {size} bytes")
    return worst


if __name__ == "__main__":
    main()
