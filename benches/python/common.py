"""What every peer shares: weights, starts, timing and results."""

import json
import os
import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "weights" / "cat-rectified-flow.safetensors"
ROWS = 3000
BATCH = 512
LAYERS = 4


def read_weights(path=WEIGHTS):
    """Named arrays of a safetensors file; weights are [inputs, outputs]."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    body = memoryview(data)[8 + length :]
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = entry["data_offsets"]
        values = np.frombuffer(body[first:last], dtype="<f4")
        arrays[name] = values.reshape(entry["shape"]).copy()
    return arrays


def wide_weights(width=256, seed=0):
    """A network of another width: the time it takes does not depend on values."""
    rng = np.random.default_rng(seed)
    shapes = {"time.weight": (64, width), "time.bias": (width,), "state.weight": (2, width)}
    for i in range(LAYERS):
        shapes[f"layers.{i}.weight"] = (width, width)
        shapes[f"layers.{i}.bias"] = (width,)
    shapes |= {"output.weight": (width, 2), "output.bias": (2,)}
    return {
        name: (rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32)
        for name, shape in shapes.items()
    }


def frequencies():
    return np.geomspace(1.0, 100.0, 32).astype(np.float32)


def starts(path=None):
    """The states a solve starts from: an .npy of our command, or the same law."""
    if path:
        return np.load(path).astype(np.float32)
    return np.random.default_rng(0).normal(size=(ROWS, 2)).astype(np.float32)


def seconds(call, rounds=7, least=0.05):
    """Median seconds of one call, after one to warm up or compile.

    What takes seconds is not asked again.
    """
    call()
    clock = time.perf_counter()
    call()
    once = max(time.perf_counter() - clock, 1e-6)
    if once > 2.0:
        return once
    repeats = max(1, int(least / once))
    taken = []
    for _ in range(rounds):
        clock = time.perf_counter()
        for _ in range(repeats):
            call()
        taken.append((time.perf_counter() - clock) / repeats)
    return float(np.median(taken))


def write(path, rows):
    """Whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(rows, file, indent=1)
    os.replace(file.name, path)


def arguments():
    """THREADS START.npy, as compare.py calls every peer; rows go to stdout."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    start = sys.argv[2] if len(sys.argv) > 2 else None
    return threads, starts(start)


def report(peer_name, threads, timings):
    rows = [
        {"task": f"{task}, {threads} thread(s)", "peer": value, "peer_name": peer_name}
        for task, value in timings.items()
    ]
    print(json.dumps(rows))
