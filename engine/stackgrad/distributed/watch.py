"""Deadlines of collective operations, and the names of the ranks that do not come."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from stackgrad.distributed.store import StoreError, TCPStore

_log = logging.getLogger("stackgrad.distributed")
_ANNOUNCE = 0.5  # seconds of waiting after which a rank says in the store that it waits
_GRACE = 2.0  # what a rank that has left may still have on its way


class DistributedError(RuntimeError):
    """A collective operation that cannot end; `ranks` are those that did not join, where known."""

    def __init__(self, message: str, ranks: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.ranks = tuple(ranks)


class Watch:
    """Waits for collective operations of one process; who waits for long says so in the store.

    The ranks that have not said so by the deadline are those that are missing. A rank whose process
    has ended is named at once.
    """

    def __init__(self, store: TCPStore | None, rank: int, timeout: float) -> None:
        self.store, self.rank, self.timeout = store, rank, timeout
        self.lost = False  # the store, and with it rank 0
        self.left: dict[int, str] = {}
        if store is not None:
            store.join(rank)

    def wait(
        self,
        done: Callable[[], bool],
        what: str,
        place: str,
        ranks: Sequence[int],
        timeout: float | None = None,
    ) -> None:
        """Return when `done()`; raise DistributedError at the deadline or when one of `ranks` is gone.

        `place` names this operation of this group in the same way on all ranks: `"0:17"`.
        """
        spins = 0
        while spins < 200:
            if done():
                return
            spins += 1
            time.sleep(0)
        began, announced, checked = time.monotonic(), False, 0.0
        limit, pause, missed = self.timeout if timeout is None else timeout, 2e-5, 0.0
        while not done():
            time.sleep(pause)
            pause = min(pause * 1.2, 1e-3)
            waited = time.monotonic() - began
            if not announced and waited > min(_ANNOUNCE, limit / 2):
                announced = True
                self._tell(lambda store: store.set(f"waits/{self.rank}", place))
            if announced and waited - checked > _ANNOUNCE:
                checked = waited
                left = self._departed(ranks)
                missed = (missed or waited) if left else 0.0
                if left and waited - missed > _GRACE:
                    raise self._report(f"{what}: {_listed(left)}", sorted(left))
            if waited > limit:
                raise self._late(what, place, ranks, limit)
        if announced:  # who failed stays: others find it when their own deadline comes
            self._tell(lambda store: store.delete_key(f"waits/{self.rank}"))

    def _tell(self, tell: Callable[[TCPStore], object]) -> None:
        if self.store is None or self.lost:
            return
        try:
            tell(self.store)
        except StoreError:
            self.lost = True

    def _departed(self, ranks: Sequence[int]) -> dict[int, str]:
        self._tell(lambda store: self.left.update(store.gone()))
        if self.lost and not self.left:  # else rank 0 ended because of those
            self.left[0] = "its process ended"
        return {rank: how for rank, how in self.left.items() if rank in ranks}

    def _late(self, what: str, place: str, ranks: Sequence[int], limit: float) -> DistributedError:
        if self.store is None:
            return self._report(
                f"{what} did not end within {limit:g} s; who is missing is not known: no store"
            )
        said: dict[str, str] = {}
        self._tell(lambda store: said.update(store.list("waits/")))
        waiting = {int(rank) for rank, at in said.items() if at == place}
        missing = sorted(set(ranks) - waiting - {self.rank})
        names = ", ".join(f"rank {rank}" for rank in missing) or "no rank"
        return self._report(f"{what} did not end within {limit:g} s: {names} did not join", missing)

    def _report(self, message: str, ranks: Sequence[int] = ()) -> DistributedError:
        # one line at once: when a rank has died mpiexec soon kills the others, amid a traceback
        _log.error("rank %d: %s", self.rank, message)
        return DistributedError(message, ranks)


def _listed(left: dict[int, str]) -> str:
    return ", ".join(f"rank {rank} is gone ({how})" for rank, how in sorted(left.items()))
