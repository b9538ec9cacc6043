#!/usr/bin/env bash
# Fetches the two networks of docs/real-models.md from the Python index into DIR (by default
# target/real): both MIT, none of it is committed. Then an environment that runs the originals.
set -euo pipefail
dir="${1:-target/real}"
mkdir -p "$dir"
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet torch numpy scipy einops onnxruntime
venv/bin/pip download --quiet --no-deps -d wheels 21cmpsdenoiser==1.0.2 adaptive-terrain-diffusion==0.4.2
for wheel in wheels/*.whl; do
    venv/bin/python -m zipfile -e "$wheel" .
done
echo "networks in $dir: psdenoiser/denoiser_model.pt, terrain_diffusion/weights/*.onnx"
