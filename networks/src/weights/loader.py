"""The networks of driftfield in PyTorch: a residual MLP, or a U-Net conditioned on labels.

    network, about = load("network.safetensors")
    network(x, t)                 of points, x is [n, dimension]
    network(x, t, labels)         of images, x is [n, 1, side, side]; without labels: of any

x is in the units of the process, (data - mean) / std with about["standardisation"]; t is a number
or [n]. What the network predicts, of which process, is in about["prediction"] and about["process"].
"""

import json

import torch
from safetensors import safe_open
from torch import nn
from torch.nn.functional import scaled_dot_product_attention, silu


class Features:
    """Sines and cosines of the time, in double precision: the largest angles need its digits."""

    def __init__(self, count, low, high):
        steps = torch.arange(count // 2, dtype=torch.float64) / (max(count // 2, 2) - 1)
        self.frequencies = low * (high / low) ** steps

    def __call__(self, t, like):
        times = torch.as_tensor(t, dtype=torch.float64).cpu()
        angles = times.reshape(-1, 1) * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1).to(like)


class Mlp(nn.Module):
    def __init__(
        self, dimension, width, layers, time_features, frequency_min, frequency_max, residual
    ):
        super().__init__()
        self.features = Features(time_features, frequency_min, frequency_max)
        self.residual = residual
        self.time = nn.Linear(time_features, width)
        self.state = nn.Linear(dimension, width, bias=False)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.output = nn.Linear(width, dimension)

    def forward(self, x, t):
        h = self.state(x) + self.time(self.features(t, x))
        for layer in self.layers:
            h = h + layer(silu(h))
        out = self.output(silu(h))
        return x + out if self.residual else out


def to_channels(x):
    """Blocks of 2 x 2 pixels to channels."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4)
    return blocks.reshape(n, 4 * c, h // 2, w // 2)


def from_channels(x):
    """The inverse of to_channels."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(n, c // 4, 2 * h, 2 * w)


class Block(nn.Module):
    def __init__(self, inputs, outputs, groups, condition):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs)
        self.norm2 = nn.GroupNorm(groups, outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.condition = nn.Linear(condition, 2 * outputs)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, condition):
        h = self.norm2(self.conv1(silu(self.norm1(x))))
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
        return self.skip(x) + self.conv2(silu(h * (1 + scale) + shift))


class Attention(nn.Module):
    def __init__(self, channels, groups, heads):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.input = nn.Linear(channels, 3 * channels)
        self.output = nn.Linear(channels, channels)

    def forward(self, x):
        n, c, h, w = x.shape
        pixels = self.norm(x).flatten(2).transpose(1, 2)
        qkv = self.input(pixels).reshape(n, h * w, 3, self.heads, c // self.heads)
        mixed = scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4))
        mixed = self.output(mixed.transpose(1, 2).reshape(n, h * w, c))
        return x + mixed.transpose(1, 2).reshape(n, c, h, w)


class UNet(nn.Module):
    def __init__(
        self, side, channels, groups, heads, condition, time_features, frequency_min,
        frequency_max, labels,
    ):
        super().__init__()
        self.features = Features(time_features, frequency_min, frequency_max)
        self.none = labels
        self.time = nn.ModuleList(
            [nn.Linear(time_features, condition), nn.Linear(condition, condition)]
        )
        self.label = nn.Embedding(labels + 1, condition)
        self.stem = nn.Conv2d(4, channels[0], 3, padding=1)

        def block(inputs, outputs):
            return Block(inputs, outputs, groups, condition)

        pairs = list(zip(channels, channels[1:]))
        self.down = nn.ModuleList(block(c, c) for c in channels)
        self.shrink = nn.ModuleList(nn.Conv2d(4 * fine, coarse, 1) for fine, coarse in pairs)
        self.middle = nn.ModuleList(block(channels[-1], channels[-1]) for _ in range(2))
        self.attention = Attention(channels[-1], groups, heads)
        self.up = nn.ModuleList(block(2 * c, c) for c in channels)
        self.grow = nn.ModuleList(nn.Conv2d(coarse, 4 * fine, 1) for fine, coarse in pairs)
        self.last_norm = nn.GroupNorm(groups, channels[0])
        self.output = nn.Conv2d(channels[0], 4, 3, padding=1)

    def forward(self, x, t, labels=None):
        labels = torch.as_tensor(self.none if labels is None else labels, device=x.device)
        first, second = self.time
        time = second(silu(first(self.features(t, x))))
        condition = silu(time + self.label(labels.reshape(-1)))
        h = self.stem(to_channels(x))
        across = []
        for level, block in enumerate(self.down):
            h = block(h, condition)
            across.append(h)
            if level < len(self.shrink):
                h = self.shrink[level](to_channels(h))
        h = self.middle[1](self.attention(self.middle[0](h, condition)), condition)
        for level in reversed(range(len(self.up))):
            if level < len(self.grow):
                h = from_channels(self.grow[level](h))
            h = self.up[level](torch.cat([h, across[level]], dim=1), condition)
        return from_channels(self.output(silu(self.last_norm(h))))


def load(path):
    """The network of a file, and what it is a network of."""
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["driftfield-torch"])
        weights = {name: file.get_tensor(name) for name in file.keys()}
    network = {"mlp": Mlp, "unet": UNet}[about["architecture"]](**about["configuration"])
    network.load_state_dict(weights)
    return network.eval(), about
