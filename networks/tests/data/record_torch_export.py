"""The outputs of loader.py on a file of `to_torch`, for tests/torch_mlp.rs.

    cargo test -p driftfield-networks --test torch_mlp       writes FILE and loader.py to target/tmp
    python record_torch_export.py target/tmp/torch-export.safetensors   writes torch-export.json
"""

import importlib.util
import json
import pathlib
import sys

import torch



def checksum(data):
    """64-bit FNV-1a, as driftfield_problems::checksum."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


path = pathlib.Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("loader", path.with_name("loader.py"))
loader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loader)
network, about = loader.load(path)
torch.manual_seed(18)
x = torch.randn(4, about["configuration"]["dimension"])
t = [0.0, 0.3, 0.6, 1.0]
with torch.no_grad():
    each = network(x, torch.tensor(t))
    one = network(x, 0.3)
record = {
    "x": x.tolist(),
    "t": torch.tensor(t).double().tolist(),
    "each": each.tolist(),
    "one": one.tolist(),
    "checksum": checksum(path.read_bytes()),
    "loader": checksum(path.with_name("loader.py").read_bytes()),
    "torch": torch.__version__,
}
here = pathlib.Path(__file__).parent
(here / "torch-export.json").write_text(json.dumps(record) + "\n")
