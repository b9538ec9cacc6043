"""Frechet and kernel distances by numpy and SciPy: writes feature_distances.json beside itself.

pip install numpy scipy; python3 tests/data/feature_distances.py
"""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy import linalg


def frechet(x, y):
    """As pytorch-fid and TTUR compute it, with the square root of the product."""
    shift = x.mean(0) - y.mean(0)
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(a @ b)
    return float(shift @ shift + np.trace(a) + np.trace(b) - 2 * np.trace(root).real)


def kernel(x, y):
    """The unbiased estimate, pair by pair."""
    k = lambda a, b: (a @ b / len(a) + 1) ** 3
    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    xy = sum(k(a, b) for a in x for b in y) / (n * m)
    return float(xx + yy - 2 * xy)


rng = np.random.default_rng(0)
runs = []
for n, m, d in [(30, 25, 3), (60, 45, 6), (15, 40, 1)]:
    mix = rng.normal(size=(d, d))
    x = rng.normal(size=(n, d)).round(6)
    y = (rng.normal(size=(m, d)) @ mix + 0.5).round(6)
    if d == 1:
        a, b = x.std(ddof=1), y.std(ddof=1)
        distance = float((x.mean() - y.mean()) ** 2 + (a - b) ** 2)
    else:
        distance = frechet(x, y)
    runs.append({"x": x.tolist(), "y": y.tolist(), "frechet": distance, "kernel": kernel(x, y)})
source = f"numpy {np.__version__}, scipy {scipy.__version__}"
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"source": source, "runs": runs}) + "\n")
