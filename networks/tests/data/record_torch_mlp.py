"""A residual MLP of torch's own modules: its state dict and its outputs, for tests/torch_networks.rs.

    python record_torch_mlp.py      writes torch-mlp.pt, torch-mlp-checkpoint.pt, torch-mlp.json
"""

import json
import pathlib

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
DIMENSION, WIDTH, LAYERS, FEATURES = 3, 8, 2, 6
FREQUENCIES = (1.0, 100.0)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Linear(FEATURES, WIDTH)
        self.state = nn.Linear(DIMENSION, WIDTH, bias=False)
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS))
        self.output = nn.Linear(WIDTH, DIMENSION)

    def forward(self, x, t):
        low, high = FREQUENCIES
        k = torch.arange(FEATURES // 2, dtype=torch.float64)
        omega = low * (high / low) ** (k / (FEATURES // 2 - 1))
        angle = t.double()[:, None] * omega
        features = torch.cat([torch.sin(angle), torch.cos(angle)], 1).to(x.dtype)
        h = self.state(x) + self.time(features)
        for layer in self.layers:
            h = h + layer(nn.functional.silu(h))
        return self.output(nn.functional.silu(h))


torch.manual_seed(17)
network = Network()
torch.save(network.state_dict(), HERE / "torch-mlp.pt")
ema = {name: value.clone() for name, value in network.state_dict().items()}
for value in ema.values():
    value.mul_(0.5)
torch.save(
    {"step": torch.tensor(7), "epoch": 3, "ema": ema, "net": network.state_dict(), "name": "mlp"},
    HERE / "torch-mlp-checkpoint.pt",
)
x = torch.randn(4, DIMENSION)
t = torch.tensor([0.0, 0.25, 0.7, 1.0], dtype=torch.float64)
with torch.no_grad():
    y = network.double()(x.double(), t)
record = {"x": x.tolist(), "t": t.tolist(), "y": y.tolist(), "torch": torch.__version__}
(HERE / "torch-mlp.json").write_text(json.dumps(record) + "\n")
