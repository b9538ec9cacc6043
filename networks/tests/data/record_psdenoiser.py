"""Writes psdenoiser/: a small network of 21cmpsdenoiser's code with random weights, and what it gives.

pip install torch einops safetensors, and `model.py` of the package 21cmpsdenoiser 1.0.2:
python record_psdenoiser.py PATH/TO/psdenoiser
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, sys.argv[1])
from model import UNet

OUT = Path(__file__).parent / "psdenoiser"
# `cdn_len` is the only setting that the published network does not have.
CONFIG = {"dim": (8, 4), "dim_mults": (1, 2), "channels": 2, "cdn_len": 3}


def main():
    torch.manual_seed(0)
    network = UNet(**CONFIG).eval()
    with torch.no_grad():
        # Norms and biases start at ones and zeros, which would hide a mistake in them.
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter += 0.3 * torch.randn_like(parameter)
    x, image = torch.randn(2, 2, 1, 8, 4).unbind(0)
    cdn = torch.randn(2, 3)
    t = torch.tensor([37.5, 999.0])
    with torch.no_grad():
        y = network(x, t, image, cdn)
    OUT.mkdir(exist_ok=True)
    save_file(network.state_dict(), OUT / "model.safetensors")
    record = {"x": x, "t": t, "image": image, "cdn": cdn, "y": y}
    record = {name: tensor.tolist() for name, tensor in record.items()}
    (OUT / "io.json").write_text(json.dumps(record) + "\n")


main()
