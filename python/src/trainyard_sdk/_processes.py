"""Which process of a run speaks: rank 0, and none of its workers."""

from __future__ import annotations

import multiprocessing
import os
from typing import Optional

#: Says to child processes whether their parent had a rank, so that a worker of rank 0 is not taken for rank 0.
_MARK = "TRAINYARD_SDK_PARENT"
_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
_started_in = os.getpid()
_claimed_by: Optional[int] = None


def rank() -> Optional[int]:
    """The number of this process among those of a distributed training. None: there are no others."""
    for name in _RANKS:
        value = _number(name)
        if value is not None:
            return value
    local = _number("LOCAL_RANK")
    # Lightning starts its processes with these two alone.
    return None if local is None else local + (_number("NODE_RANK") or 0)


def _number(name: str) -> Optional[int]:
    value = os.environ.get(name, "")
    return int(value) if value.isdigit() else None


def is_worker() -> bool:
    """Whether this is a forked or spawned child, such as a worker that loads data."""
    return os.getpid() != _started_in or multiprocessing.parent_process() is not None


def speaks() -> bool:
    """Whether the events of this process count."""
    global _claimed_by
    own = rank()
    if not is_worker():
        if own not in (None, 0):
            return False
        os.environ[_MARK] = "unranked" if own is None else "ranked"
        return True
    if _claimed_by == os.getpid():
        return True
    if own == 0 and os.environ.get(_MARK) == "unranked":
        # A process of a training that this program started itself, with `torch.multiprocessing.spawn` for example.
        _claimed_by = os.getpid()
        os.environ[_MARK] = "ranked"
        return True
    return False
