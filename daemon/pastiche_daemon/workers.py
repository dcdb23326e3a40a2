"""Processes that train together, each on its share of every batch (data parallelism).

torchrun starts them, on one computer or several, and tells them of each other in the environment.
All losses are means over the batch: over equal shares, the means of losses and gradients are those
of the whole batch. The training is the one that a single process would make, up to rounding.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Workers:
    """One of ``count`` processes; the ``rank`` 0 writes the files."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, size: int) -> slice:
        """This worker's part of a batch. Raises ValueError where the parts would not be equal."""
        each, rest = divmod(size, self.count)
        if rest or not each:
            raise ValueError(
                f"batch_size must be a multiple of the {self.count} processes, not {size}"
            )
        return slice(self.rank * each, (self.rank + 1) * each)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors, of one type and device, by their means over all workers."""
        if self.count == 1:
            return
        # In one piece: every exchange has to wait for the slowest worker.
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.count
        for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))


@contextmanager
def joined_workers(
    device: torch.device, environ: Mapping[str, str] = os.environ
) -> Generator[Workers]:
    """The workers that torchrun has started, joined while the block runs; else this one alone."""
    if int(environ.get("WORLD_SIZE", "1")) < 2:
        yield Workers()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def own_device(device: torch.device, environ: Mapping[str, str] = os.environ) -> torch.device:
    """Of several GPUs of a computer, the one that is this worker's."""
    if str(device) != "cuda" or "LOCAL_RANK" not in environ:
        return device
    return torch.device("cuda", int(environ["LOCAL_RANK"]))
