"""Seconds of a CPU training step: glibc's memory kept or given back, and the DCN kernels.

    python tests/benchmarks/train_step.py --arch yolox_nano --batch 8

Every variant runs in a process of its own, because the allocator's settings belong to a process; variants
take turns, so that a drifting machine touches all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

VARIANTS = {
    "grid_sample, memory kept": ("grid_sample", True),
    "grid_sample": ("grid_sample", False),
    "torchvision, memory kept": ("torchvision", True),
    "torchvision": ("torchvision", False),
}


def measure(arch: str, batch: int, width: int, height: int, dcn: str, keep: bool) -> list[float]:
    """Seconds of five steps after two that warm up."""
    from training.allocator import keep_freed_memory

    if keep:
        keep_freed_memory()
    import torch

    from training.model.fairmot import FairMOT

    torch.manual_seed(0)
    model = FairMOT(arch, dcn=dcn)
    images = torch.rand(batch, 3, height, width) * 255
    cells = torch.randint(0, height * width // 16, (batch, 32))
    seconds = []
    for _ in range(7):
        begun = time.perf_counter()
        features, heatmap = model(images)
        outputs = model.at(features, cells)
        (heatmap.sigmoid().mean() + outputs.box.mean() + outputs.embedding[..., 0].mean()).backward()
        model.zero_grad()
        seconds.append(time.perf_counter() - begun)
    return seconds[2:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="yolox_nano")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--width", type=int, default=576)
    parser.add_argument("--height", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.variant:
        dcn, keep = VARIANTS[options.variant]
        print(json.dumps(measure(options.arch, options.batch, options.width, options.height, dcn, keep)))
        return
    seconds: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(options.rounds):
        for name in VARIANTS:
            command = [sys.executable, *sys.argv, "--variant", name]
            seconds[name] += json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:28} {median:6.2f} s a step, {1000 * median / options.batch:6.0f} ms an image")


if __name__ == "__main__":
    main()
