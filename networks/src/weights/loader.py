"""A residual MLP of driftfield in PyTorch.

    network, about = load("network.safetensors")
    network(x, t)

x is [n, dimension] in the units of the process, (data - mean) / std with about["standardisation"];
t is a number or [n]. What the network predicts, of which process, is in about["prediction"] and
about["process"].
"""

import json

import torch
from safetensors import safe_open


class Mlp(torch.nn.Module):
    def __init__(
        self, dimension, width, layers, time_features, frequency_min, frequency_max, residual
    ):
        super().__init__()
        count = time_features // 2
        steps = torch.arange(count, dtype=torch.float64) / (max(count, 2) - 1)
        # No buffer: `.half()` must not round them.
        self.frequencies = frequency_min * (frequency_max / frequency_min) ** steps
        self.residual = residual
        self.time = torch.nn.Linear(time_features, width)
        self.state = torch.nn.Linear(dimension, width, bias=False)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(layers))
        self.output = torch.nn.Linear(width, dimension)

    def features(self, t):
        """Sines and cosines; in double precision, of which the largest angles need six digits."""
        angles = torch.as_tensor(t, dtype=torch.float64).cpu().reshape(-1, 1) * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)

    def forward(self, x, t):
        h = self.state(x) + self.time(self.features(t).to(x))
        for layer in self.layers:
            h = h + layer(torch.nn.functional.silu(h))
        out = self.output(torch.nn.functional.silu(h))
        return x + out if self.residual else out


def load(path):
    """The network of a file, and what it is a network of."""
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["driftfield-torch"])
        weights = {name: file.get_tensor(name) for name in file.keys()}
    network = Mlp(**about["configuration"])
    network.load_state_dict(weights)
    return network.eval(), about
