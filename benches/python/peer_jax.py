"""jax.jit (forward, training step) and diffrax; threads by the cores it may use."""

import functools

import diffrax
import jax
import jax.numpy as jnp

from common import BATCH, LAYERS, ROWS, arguments, frequencies, read_weights, report, seconds
from common import wide_weights

FREQUENCIES = jnp.asarray(frequencies())


def network(weights, t, x):
    angles = jnp.reshape(jnp.asarray(t, x.dtype), (-1, 1)) * FREQUENCIES
    features = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=1)
    h = x @ weights["state.weight"] + (features @ weights["time.weight"] + weights["time.bias"])
    for i in range(LAYERS):
        h = h + jax.nn.silu(h) @ weights[f"layers.{i}.weight"] + weights[f"layers.{i}.bias"]
    return jax.nn.silu(h) @ weights["output.weight"] + weights["output.bias"]


def ready(function, *arguments):
    return lambda: jax.block_until_ready(function(*arguments))


def adamw(weights, moments, gradient, rate=1e-6):
    """AdamW with clipping and the average of the weights."""
    first, second, average, k = moments
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradient.values()))
    scale = jnp.minimum(1.0, 1.0 / norm)
    k = k + 1
    tree = jax.tree.map
    gradient = tree(lambda g: g * scale, gradient)
    first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)

    def update(w, m, v):
        m, v = m / (1 - 0.9**k), v / (1 - 0.999**k)
        return w - rate * (0.01 * w + m / (jnp.sqrt(v) + 1e-8))

    weights = tree(update, weights, first, second)
    average = tree(lambda a, w: a + 1e-3 * (w - a), average, weights)
    return weights, (first, second, average, k)


@functools.partial(jax.jit, donate_argnums=(0, 1))
def step(weights, moments, key):
    a, b, c = jax.random.split(key, 3)
    clean, noise = jax.random.normal(a, (BATCH, 2)), jax.random.normal(b, (BATCH, 2))
    t = jax.random.uniform(c, (BATCH,))
    x = (1 - t[:, None]) * clean + t[:, None] * noise
    loss = lambda w: jnp.mean((network(w, t, x) - (noise - clean)) ** 2)
    return adamw(weights, moments, jax.grad(loss)(weights))


class Training:
    def __init__(self, weights):
        self.weights = jax.tree.map(jnp.array, weights)
        zeros = lambda: jax.tree.map(jnp.zeros_like, self.weights)
        self.moments = (zeros(), zeros(), jax.tree.map(jnp.array, weights), jnp.zeros(()))
        self.key = jax.random.key(0)

    def __call__(self):
        self.weights, self.moments = step(self.weights, self.moments, self.key)
        jax.block_until_ready(self.weights)


def solver(method, controller, dt):
    @jax.jit
    def solve(weights, x):
        term = diffrax.ODETerm(lambda t, y, weights: network(weights, t, y))
        return diffrax.diffeqsolve(
            term, method, 1.0, 0.0, dt, x, args=weights, stepsize_controller=controller
        ).ys

    return solve


@jax.jit
def paths(key):
    """Euler-Maruyama of du = -u dt + 0.5 dW, the increments drawn as they come."""
    shape = jax.ShapeDtypeStruct((100_000,), jnp.float32)
    noise = diffrax.UnsafeBrownianPath(shape, key=key)
    drift = diffrax.ODETerm(lambda t, y, args: -y)
    diffusion = diffrax.ControlTerm(
        lambda t, y, args: diffrax_diagonal(y), noise
    )
    terms = diffrax.MultiTerm(drift, diffusion)
    start = jnp.ones((100_000,), jnp.float32)
    return diffrax.diffeqsolve(
        terms, diffrax.Euler(), 0.0, 1.0, 1 / 200, start, adjoint=diffrax.DirectAdjoint()
    ).ys


def diffrax_diagonal(y):
    import lineax

    return lineax.DiagonalLinearOperator(jnp.full_like(y, 0.5))


def main():
    threads, start = arguments()
    weights = {name: jnp.asarray(values) for name, values in read_weights().items()}
    wide = {name: jnp.asarray(values) for name, values in wide_weights().items()}
    x = jnp.asarray(start)
    forward = jax.jit(network)
    report(
        "jax.jit",
        threads,
        {
            f"mlp 128 x 4, {ROWS} rows": seconds(ready(forward, weights, 0.5, x)),
            f"mlp 256 x 4, {ROWS} rows": seconds(ready(forward, wide, 0.5, x)),
            f"training step, batch {BATCH}": seconds(Training(read_weights())),
        },
    )
    constant = diffrax.ConstantStepSize()
    heun = solver(diffrax.Heun(), constant, -0.1)
    euler = solver(diffrax.Euler(), constant, -0.01)
    tsit5 = solver(diffrax.Tsit5(), diffrax.PIDController(rtol=1e-4, atol=1e-4), None)
    report(
        "diffrax",
        threads,
        {
            f"heun, 10 steps, {ROWS} rows": seconds(ready(heun, weights, x), rounds=5),
            f"euler, 100 steps, {ROWS} rows": seconds(ready(euler, weights, x), rounds=3),
            f"tsit5, adaptive, {ROWS} rows": seconds(ready(tsit5, weights, x), rounds=3),
            "euler-maruyama, 100000 paths x 200 steps": seconds(
                ready(paths, jax.random.key(1)), rounds=1
            ),
        },
    )


main()
