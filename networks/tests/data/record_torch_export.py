"""The outputs of loader.py on the files of `to_torch`, for tests/torch_networks.rs.

    cargo test -p driftfield-networks --test torch_networks    writes to target/tmp
    python record_torch_export.py target/tmp      writes torch-export.json, torch-export-unet.json
"""

import importlib.util
import json
import pathlib
import sys

import torch

FOLDER = pathlib.Path(sys.argv[1])
HERE = pathlib.Path(__file__).parent


def checksum(path):
    """64-bit FNV-1a, as driftfield_problems::checksum."""
    value = 0xCBF29CE484222325
    for byte in path.read_bytes():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


spec = importlib.util.spec_from_file_location("loader", FOLDER / "loader.py")
loader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loader)
TIMES = [0.0, 0.3, 0.6, 1.0]


def record(name, outputs):
    path = FOLDER / f"{name}.safetensors"
    network, about = loader.load(path)
    torch.manual_seed(18)
    with torch.no_grad():
        found = outputs(network, about["configuration"])
    found = {key: value.double().tolist() for key, value in found.items()}
    sums = {"checksum": checksum(path), "loader": checksum(FOLDER / "loader.py")}
    text = json.dumps({"t": TIMES, **found, **sums, "torch": torch.__version__})
    (HERE / f"{name}.json").write_text(text + "\n")


def of_points(network, configuration):
    x = torch.randn(len(TIMES), configuration["dimension"])
    return {"x": x, "each": network(x, torch.tensor(TIMES)), "one": network(x, 0.3)}


def of_images(network, configuration):
    side = configuration["side"]
    x = torch.randn(len(TIMES), 1, side, side)
    labels = torch.tensor([0, 1, 2, 1])
    each = network(x, torch.tensor(TIMES), 2)
    found = {"x": x, "each": each, "labelled": network(x, 0.3, labels), "none": network(x, 0.3)}
    return {**{key: value.flatten(1) for key, value in found.items()}, "labels": labels}


record("torch-export", of_points)
record("torch-export-unet", of_images)
