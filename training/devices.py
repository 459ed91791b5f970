"""Where a run computes: devices, processes, nodes, precision."""

from __future__ import annotations

import atexit
import os
from datetime import timedelta

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies.ddp import DDPStrategy

from mot.errors import MotError

# How long processes wait for each other: the others for the first one's validation. NCCL's own limit is 10 minutes.
PATIENCE = timedelta(hours=2)


def make_fabric(accelerator: str, devices: int | None, nodes: int | None, precision: str) -> Fabric:
    """Start as many processes as there are devices, and meet those on other nodes.

    Under torchrun the processes are there already, and their number comes from it.

    Args:
        accelerator: "auto", "cpu" or "cuda".
        devices: on this node; None: one, or torchrun's.
        nodes: None: one, or torchrun's.
        precision: "auto" is mixed on CUDA.

    Raises:
        MotError: there are not so many devices, or torchrun says otherwise.
    """
    on_cuda = accelerator != "cpu" and torch.cuda.is_available()
    if accelerator == "cuda" and not on_cuda:
        raise MotError("--accelerator cuda: no CUDA device is visible here; use --accelerator cpu or auto")
    devices, nodes = _processes(devices, nodes)
    if on_cuda and devices > torch.cuda.device_count():
        raise MotError(f"--devices {devices}: {torch.cuda.device_count()} CUDA devices are visible here")
    if precision == "auto":
        precision = ("bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed") if on_cuda else "32-true"
    fabric = Fabric(
        accelerator="cuda" if on_cuda else "cpu",  # not "auto", which takes what the network was never tried on
        devices=devices,
        num_nodes=nodes,
        strategy=DDPStrategy(timeout=PATIENCE) if devices * nodes > 1 else "auto",
        precision=precision,  # type: ignore[arg-type]
    )
    fabric.launch()
    atexit.register(_part)
    if on_cuda:
        torch.backends.cudnn.benchmark = True  # all inputs are of one size
    return fabric


def _part() -> None:
    """Leave the other processes in order: threads of a group that nobody has left may abort an ending process."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _processes(devices: int | None, nodes: int | None) -> tuple[int, int]:
    """Devices a node and nodes, as asked for or as torchrun has it."""
    if not torch.distributed.is_torchelastic_launched():
        return devices or 1, nodes or 1
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    theirs = local, int(os.environ["WORLD_SIZE"]) // local
    for option, asked, given in (("--devices", devices, theirs[0]), ("--nodes", nodes, theirs[1])):
        if asked not in (None, given):
            raise MotError(f"{option} {asked}: torchrun started {given}; leave the option out, torchrun decides")
    return theirs
