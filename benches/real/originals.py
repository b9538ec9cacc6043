"""What the originals make of given inputs, and their own solver; `fetch.sh` first, then in its folder

    venv/bin/python .../benches/real/originals.py

writes psdenoiser/*.npy and terrain/*.npy, and prints what the original solver takes.
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from scipy.integrate import solve_ivp

# Not the package, which asks for astropy.
sys.path.insert(0, "psdenoiser")
from model import UNet  # noqa: E402

T_END = 1e-5
BETA_MIN, BETA_MAX = 0.1, 20.0


def smooth(rng, shape):
    """A field of a few waves, of the size of the images the network was trained with."""
    rows, columns = np.meshgrid(*[np.linspace(0, 1, n) for n in shape], indexing="ij")
    waves = sum(
        rng.normal() * np.cos(np.pi * (i * rows + j * columns)) for i in range(3) for j in range(3)
    )
    return (waves / 3).astype(np.float32)


def network():
    saved = torch.load("psdenoiser/denoiser_model.pt", map_location="cpu", weights_only=False)
    state = saved.get("state_dict", saved) if isinstance(saved, dict) else saved.state_dict()
    width = state["time_mlp.1.weight"].shape[1]
    model = UNet(dim=(width, 1), channels=state["init_conv.weight"].shape[1],
                 dim_mults=tuple(mults(state, width)))
    model.load_state_dict(state)
    return model.eval()


def mults(state, width):
    levels = len({key.split(".")[1] for key in state if key.startswith("downs.")})
    for level in range(levels):
        name = f"downs.{level}.3.1.weight" if level + 1 < levels else f"downs.{level}.3.weight"
        yield state[name].shape[0] // width


def psdenoiser():
    out = Path("out-psdenoiser")
    out.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    image = smooth(rng, (32, 16))[None, None]
    start = rng.normal(size=(2, 1, 32, 16)).astype(np.float32)
    np.save(out / "image.npy", image)
    np.save(out / "start.npy", start)
    model = network()
    images = torch.tensor(np.repeat(image, 2, 0))

    def forward(x, t):
        with torch.no_grad():
            times = torch.full((2,), 999 * t, dtype=torch.float32)
            return model(torch.tensor(x, dtype=torch.float32), times, x_cdn=images).numpy()

    times = [1e-5, 0.01, 0.3, 0.7, 1.0]
    np.save(out / "times.npy", np.array(times))
    np.save(out / "outputs.npy", np.stack([forward(start, t) for t in times]))

    def drift(t, x):
        beta = BETA_MIN + t * (BETA_MAX - BETA_MIN)
        log_alpha = -0.25 * t**2 * (BETA_MAX - BETA_MIN) - 0.5 * t * BETA_MIN
        std = np.sqrt(1 - np.exp(2 * log_alpha))
        x = x.reshape(start.shape)
        score = -forward(x, t).astype(np.float64) / std
        return (-0.5 * beta * (x + score)).ravel()

    def solve(method, tol):
        s = solve_ivp(drift, (1.0, T_END), start.ravel().astype(np.float64), method=method,
                      rtol=tol, atol=tol)
        return s.y[:, -1].reshape(start.shape), s.nfev, len(s.t) - 1

    # Tighter, and the rounding of single precision takes more and more evaluations.
    truth, evaluations, _ = solve("DOP853", 1e-6)
    np.save(out / "truth.npy", truth)
    rows = [{"method": "DOP853", "tolerance": 1e-6, "nfe": evaluations, "error": 0.0}]
    for method in ["RK23", "RK45", "DOP853"]:
        for tol in [1e-2, 1e-3, 1e-4, 1e-5]:
            end, nfe, accepted = solve(method, tol)
            error = float(np.sqrt(np.mean((end - truth) ** 2)))
            rows.append({"method": method, "tolerance": tol, "nfe": nfe, "accepted": accepted,
                         "error": error})
            print(rows[-1], flush=True)
    (out / "scipy.json").write_text(json.dumps(rows, indent=1))


def terrain():
    out = Path("out-terrain")
    out.mkdir(exist_ok=True)
    path = next(Path("terrain_diffusion/weights").glob("*.onnx"))
    session = onnxruntime.InferenceSession(str(path))
    rng = np.random.default_rng(0)
    sigma = np.array([80.0, 1.0, 0.1], np.float32)
    x = (sigma[:, None, None, None] * rng.normal(size=(3, 1, 128, 128))).astype(np.float32)
    difficulty = np.full(3, 0.5, np.float32)
    made = session.run(None, {"noisy": x, "sigma": sigma, "difficulty": difficulty})[0]
    np.save(out / "noisy.npy", x)
    np.save(out / "sigma.npy", sigma)
    np.save(out / "outputs.npy", made)
    # What one call makes of the noise at 80, and the same noise seen at lower levels.
    noise = rng.normal(size=(4, 1, 128, 128)).astype(np.float32)
    np.save(out / "start.npy", 80 * noise)


psdenoiser()
terrain()
