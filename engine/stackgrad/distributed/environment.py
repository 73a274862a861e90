"""What the launcher says of this process: rank, number of processes, and where rank 0 is.

Read are the variables of torchrun (`RANK`, `WORLD_SIZE`, `LOCAL_RANK`, `MASTER_ADDR`, `MASTER_PORT`), of
MPICH's and Open MPI's mpiexec, and of Slurm's srun, in this order.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

_RANK = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_SIZE = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS")
_LOCAL = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")
_PORT = 29500  # PyTorch's


class Launch(NamedTuple):
    """What was found; None where nothing says."""

    rank: int | None
    size: int | None
    local_rank: int
    address: str | None
    port: int | None
    source: str  # the variable that gave the rank


def read_launch(variables: Mapping[str, str] | None = None) -> Launch:
    """Return what the environment says; ValueError, naming the variable, where it is no number."""
    given = os.environ if variables is None else variables
    source, rank = _number(given, _RANK)
    _, size = _number(given, _SIZE)
    _, local = _number(given, _LOCAL)
    _, port = _number(given, ("MASTER_PORT",))
    address = given.get("MASTER_ADDR")
    if source.startswith("SLURM"):
        address = address or _first_host(given.get("SLURM_JOB_NODELIST", "")) or None
        if port is None:  # jobs on one host must not meet: every job its own
            port = 20000 + int(given.get("SLURM_JOB_ID", "0")) % 20000
    if address is not None and port is None:
        port = _PORT
    return Launch(rank, size, local or 0, address, port, source)


def _number(variables: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, int | None]:
    for name in names:
        text = variables.get(name)
        if text is not None:
            if not re.fullmatch(r"\d+", text):
                raise ValueError(f"{name}={text!r} is not a whole number")
            return name, int(text)
    return "", None


def _first_host(nodes: str) -> str:
    """Return the first host of Slurm's notation: `gpu[07-09,12],login1` gives `gpu07`."""
    head = re.match(r"([^,\[]*)(?:\[([^,\-\]]+)[^\]]*\])?", nodes)
    return "" if head is None else head[1] + (head[2] or "")
