"""Runs our bench and the Python peers by turns; writes target/bench/python.json.

python benches/python/compare.py [--rounds N] [--bench BINARY] [--threads 1,2]

Rows are {task, ours, peer, peer_name, ratio}: seconds, medians over rounds; a
peer is compared with our runs just before and after it, and the ratio is the
median of these ratios.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import ROOT, ROWS, write

HERE = Path(__file__).resolve().parent
BENCH = ROOT / "benches/peers"
PEERS = ["peer_torch.py", "peer_jax.py", "peer_scipy.py"]


def bench_binary():
    """Builds the bench and returns its path."""
    build = ["cargo", "bench", "--bench", "network", "--no-run"]
    done = subprocess.run(build, cwd=BENCH, check=True, capture_output=True, text=True)
    found = re.search(r"Executable benches/network\.rs \((.+)\)", done.stderr)
    return BENCH / found.group(1)


def ours(binary, rounds=3):
    """Seconds by task."""
    subprocess.run([binary, "--rounds", str(rounds)], check=True, stdout=subprocess.DEVNULL)
    rows = json.loads((BENCH / "target/bench/network.json").read_text())
    return {row["task"]: row["ours"] for row in rows}


def peer(script, threads, start):
    """Rows of one peer in a process of its own, on as many cores as threads."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), JAX_PLATFORMS="cpu")
    cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[:threads])
    command = ["taskset", "-c", cores, sys.executable, HERE / script, str(threads), start]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{script} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    return [row for line in lines for row in json.loads(line)]


def draw_starts(directory):
    """The noise our command starts from: its samples after no time at all."""
    path = Path(directory) / "start.npy"
    trajectory = Path(directory) / "trajectory.npy"
    command = [ROOT / "target/release/driftfield", "sample", "--process", "rectified-flow"]
    command += ["--field", "cat-rectified-flow", "--solver", "euler", "--steps", "1"]
    command += ["--n", str(ROWS), "--trajectory", trajectory]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    import numpy as np

    np.save(path, np.load(trajectory)[0])
    return str(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--threads", default="1,2")
    options = parser.parse_args()
    binary = options.bench or bench_binary()
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        start = draw_starts(directory)
        for _ in range(options.rounds):
            before = ours(binary)
            rows = [
                row
                for threads in map(int, options.threads.split(","))
                for script in PEERS
                for row in peer(script, threads, start)
            ]
            after = ours(binary)
            for row in rows:
                mine = (before[row["task"]] + after[row["task"]]) / 2
                found.setdefault((row["task"], row["peer_name"]), []).append((mine, row["peer"]))
    rows = []
    for (task, name), pairs in sorted(found.items()):
        row = {
            "task": task,
            "ours": statistics.median(mine for mine, _ in pairs),
            "peer": statistics.median(theirs for _, theirs in pairs),
            "peer_name": name,
            "ratio": statistics.median(mine / theirs for mine, theirs in pairs),
        }
        rows.append(row)
        print(f"{task:<58} {name:<15} {1e3 * row['ours']:9.2f} {1e3 * row['peer']:9.2f} ms  {row['ratio']:.3f}")
    write(ROOT / "target/bench/python.json", rows)


main()
