"""torch eager (forward, training step, MMD), torchdiffeq and torchsde."""

import torch
import torchdiffeq
import torchsde

from common import BATCH, LAYERS, ROWS, arguments, frequencies, read_weights, report, seconds
from common import wide_weights


class Network(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.names = {name: name.replace(".", "_") for name in weights}
        for name, values in weights.items():
            self.register_parameter(self.names[name], torch.nn.Parameter(torch.from_numpy(values)))
        self.register_buffer("frequencies", torch.from_numpy(frequencies()))

    def weight(self, name):
        return getattr(self, self.names[name])

    def forward(self, t, x):
        angles = torch.as_tensor(t, dtype=x.dtype).reshape(-1, 1) * self.frequencies
        features = torch.cat([angles.sin(), angles.cos()], dim=1)
        h = x @ self.weight("state.weight")
        h = h + torch.addmm(self.weight("time.bias"), features, self.weight("time.weight"))
        silu = torch.nn.functional.silu
        for i in range(LAYERS):
            weight, bias = self.weight(f"layers.{i}.weight"), self.weight(f"layers.{i}.bias")
            h = h + torch.addmm(bias, silu(h), weight)
        return torch.addmm(self.weight("output.bias"), silu(h), self.weight("output.weight"))


def training(weights):
    network = Network(weights)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-6, fused=True)
    average = [p.detach().clone() for p in network.parameters()]

    def step():
        clean, noise = torch.randn(BATCH, 2), torch.randn(BATCH, 2)
        t = torch.rand(BATCH)
        x = (1 - t[:, None]) * clean + t[:, None] * noise
        loss = ((network(t, x) - (noise - clean)) ** 2).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        torch._foreach_lerp_(average, [p.detach() for p in network.parameters()], 1e-3)

    return step


class MeanReverting(torch.nn.Module):
    noise_type, sde_type = "diagonal", "ito"

    def f(self, t, y):
        return -y

    def g(self, t, y):
        return torch.full_like(y, 0.5)


def squared_mmd(p, q, bandwidth=0.5, block=2000):
    def mean(a, b):
        blocks = a.split(block)
        return sum(torch.exp(torch.cdist(rows, b) ** 2 / (-2 * bandwidth**2)).sum() for rows in blocks)

    n = len(p)
    return (mean(p, p) + mean(q, q) - 2 * mean(p, q)) / n**2


def main():
    threads, start = arguments()
    torch.set_num_threads(threads)
    weights = read_weights()
    network, wide, x = Network(weights), Network(wide_weights()), torch.from_numpy(start)
    step = training(weights)
    with torch.no_grad():
        timings = {
            f"mlp 128 x 4, {ROWS} rows": seconds(lambda: network(0.5, x)),
            f"mlp 256 x 4, {ROWS} rows": seconds(lambda: wide(0.5, x)),
        }
    timings[f"training step, batch {BATCH}"] = seconds(step)
    report("torch eager", threads, timings)

    span = torch.tensor([1.0, 0.0])
    with torch.no_grad():
        heun = lambda: torchdiffeq.odeint(
            network, x, span, method="heun2", options={"step_size": 0.1}
        )
        euler = lambda: torchdiffeq.odeint(
            network, x, span, method="euler", options={"step_size": 0.01}
        )
        dopri5 = lambda: torchdiffeq.odeint(network, x, span, rtol=1e-4, atol=1e-4)
        report(
            "torchdiffeq",
            threads,
            {
                f"heun, 10 steps, {ROWS} rows": seconds(heun, rounds=5),
                f"euler, 100 steps, {ROWS} rows": seconds(euler, rounds=3),
                f"tsit5, adaptive, {ROWS} rows": seconds(dopri5, rounds=3),
            },
        )
        y, times = torch.ones(100_000, 1), torch.tensor([0.0, 1.0])
        sde = lambda: torchsde.sdeint(MeanReverting(), y, times, dt=1 / 200, method="euler")
        report(
            "torchsde",
            threads,
            {"euler-maruyama, 100000 paths x 200 steps": seconds(sde, rounds=1)},
        )
        p, q = torch.randn(20_000, 2), torch.randn(20_000, 2)
        mmd = lambda: squared_mmd(p, q)
        report("torch", threads, {"mmd 20000 x 20000, 2-D": seconds(mmd, rounds=1)})


main()
