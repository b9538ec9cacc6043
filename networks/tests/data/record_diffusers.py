"""Writes diffusers/: small networks of diffusers with random weights, and what they give.

pip install torch diffusers accelerate transformers: python record_diffusers.py
"""

import json
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel, UNet2DModel

OUT = Path(__file__).parent / "diffusers"
UNET2D = {
    # The library's own defaults wherever a size does not come into it.
    "plain": dict(
        sample_size=8,
        in_channels=3,
        out_channels=3,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ),
    # As the networks converted from DDPM's, with labels and with all that is rarely set.
    "labelled": dict(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        center_input_sample=True,
        block_out_channels=(8, 16),
        layers_per_block=2,
        norm_num_groups=4,
        norm_eps=1e-6,
        attention_head_dim=None,
        flip_sin_to_cos=False,
        freq_shift=1,
        downsample_padding=0,
        mid_block_scale_factor=1.4,
        resnet_time_scale_shift="scale_shift",
        num_class_embeds=5,
        down_block_types=("AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D"),
    ),
}
CONDITION = dict(
    sample_size=8,
    in_channels=2,
    out_channels=2,
    # candle-transformers knows no other number of groups than the default, 32.
    block_out_channels=(32, 32),
    layers_per_block=1,
    cross_attention_dim=6,
    attention_head_dim=2,
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
)


def perturb(network):
    """Norms and biases start at ones and zeros, which would hide a mistake in them."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter += 0.3 * torch.randn_like(parameter)


def record(name, network, **inputs):
    with torch.no_grad():
        inputs["y"] = network.eval()(*inputs.values()).sample
    network.save_pretrained(OUT / name)
    values = {key: value.tolist() for key, value in inputs.items() if value is not None}
    (OUT / name / "io.json").write_text(json.dumps(values) + "\n")


def main():
    torch.manual_seed(0)
    for name, config in UNET2D.items():
        network = UNet2DModel(**config)
        perturb(network)
        x = torch.randn(2, config["in_channels"], 8, 8)
        labels = torch.tensor([3, 0]) if "num_class_embeds" in config else None
        record(name, network, x=x, t=torch.tensor([17.25, 999.0]), labels=labels)
    network = UNet2DConditionModel(**CONDITION)
    perturb(network)
    # Weights that half precision holds, in a file half the size.
    network.half().float()
    text = torch.randn(2, 3, CONDITION["cross_attention_dim"])
    t = torch.tensor([17.25, 999.0])
    record("condition", network, x=torch.randn(2, 2, 8, 8), t=t, encoder_hidden_states=text)
    network.half().save_pretrained(OUT / "condition")


main()
