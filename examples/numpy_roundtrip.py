"""The Python side of examples/numpy_roundtrip.rs. Needs NumPy only.

    cargo run --release --example numpy_roundtrip out
    python examples/numpy_roundtrip.py out
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

directory = Path(sys.argv[1] if len(sys.argv) > 1 else "out")

# What Rust wrote.
noise = np.load(directory / "noise.npy")
samples = np.load(directory / "samples.npy")
assert noise.shape == samples.shape == (500, 2)
assert noise.dtype == samples.dtype == np.float32
print("samples: mean", samples.mean(axis=0), "std", samples.std(axis=0))

# What Rust shall read: two axes or more, float32 or float64, any memory order.
init = np.random.default_rng(0).normal(size=(500, 2))
np.save(directory / "init.npy", init)
(directory / "mixture.json").write_text(
    '{"weights": [0.5, 0.5], "means": [[-1, 0], [1, 0]], "stds": [0.2, 0.3]}'
)

# The state at the start of the span is used as it is: never scaled.
command = ["cargo", "run", "--release", "--quiet", "--", "sample"]
command += ["--process", "rectified-flow", "--field", f"exact:{directory}/mixture.json"]
command += ["--solver", "heun", "--steps", "20", "--dtype", "f64"]
command += ["--init", f"{directory}/init.npy", "--out", f"{directory}/from_init.npy"]
subprocess.run(command, check=True)
print("from_init:", np.load(directory / "from_init.npy").shape)
