"""Values of every Gaussian path in 60 digits, from the definitions alone.

Writes path_values.json beside itself: python3 path_values.py (needs mpmath).
"""
import json
import pathlib
from mpmath import mp, mpf, exp, sqrt, cos, pi, log, diff

mp.dps = 60
EXACT = lambda x: mpf(float(x))  # parameters are the f64 numbers, not decimals


def linear_alpha(t, lo=EXACT(0.1), hi=EXACT(20)):
    return exp(-(hi - lo) * t * t / 4 - lo * t / 2)


S = EXACT(0.008)
BRIDGE = EXACT(0.5)
LOW, HIGH = EXACT(0.01), EXACT(50)
cosine_alpha = lambda t: cos(pi / 2 * (t + S) / (1 + S)) / cos(pi / 2 * S / (1 + S))
PATHS = {
    "vp": (linear_alpha, lambda t: sqrt(1 - linear_alpha(t) ** 2)),
    "sub-vp": (linear_alpha, lambda t: 1 - linear_alpha(t) ** 2),
    "vp-cosine": (cosine_alpha, lambda t: sqrt(1 - cosine_alpha(t) ** 2)),
    "ve": (lambda t: mpf(1), lambda t: LOW * (HIGH / LOW) ** t),
    "edm": (lambda t: mpf(1), lambda t: t),
    "rectified-flow": (lambda t: 1 - t, lambda t: t),
    "brownian-bridge": (lambda t: 1 - t, lambda t: sqrt(t * t + BRIDGE**2 * t * (1 - t))),
}
TIMES = [1e-12, 1e-8, 1e-5, 1e-3, 0.03, 0.25, 0.5, 0.77, 0.9946, 0.999, 1 - 1e-8, 1 - 2.0**-40]
NOISE = {"vp", "sub-vp", "ve", "edm"}  # finite log-SNR at t = 1
rows = []
for name, (alpha, sigma) in PATHS.items():
    for t in TIMES + ([1.0] if name in NOISE else []) + ([80.0, 0.002] if name == "edm" else []):
        x = mpf(t)
        a, s = alpha(x), sigma(x)
        # A step far below t keeps the difference quotient's error below f64.
        step = min(x, mpf(1)) * mpf(10) ** -15
        central = lambda f: (f(x + step) - f(x - step)) / (2 * step)
        da, ds2 = central(alpha), central(lambda u: sigma(u) ** 2)
        f = da / a
        g2 = ds2 - 2 * f * s * s
        row = dict(alpha=a, sigma=s, alpha_derivative=da, sigma_derivative=ds2 / (2 * s),
                   sigma_squared_derivative=ds2, log_snr=log(a / s), drift_rate=f,
                   diffusion_squared=g2, diffusion_squared_over_sigma=g2 / s)
        rows.append({"path": name, "t": t} | {k: float(v) for k, v in row.items()})
out = pathlib.Path(__file__).with_name("path_values.json")
out.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
