"""Which CUDA and driver releases know which GPU, in the shape that reading a text needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import TYPE_CHECKING

from stackcheck.diagnose.explain.releases import Release, build_of
from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.build import Build
    from stackcheck.model.version import Version

__all__ = ["CudaVersion", "Lifetimes", "lifetimes_of"]

CudaVersion = tuple[int, int]
_RECENT = (12, 0)
"""GPUs whose first CUDA is this or newer are missing in many builds in use."""


@record(frozen=True)
class Lifetimes:
    """Tables by compute capability (times ten) and driver branch."""

    cuda: dict[int, tuple[CudaVersion | None, CudaVersion | None]] = field(default_factory=dict)
    """First and last CUDA that can target a capability; None for a last one where it goes on."""
    last_branches: dict[int, int] = field(default_factory=dict)
    """Last driver branch of a capability, where there is one."""
    branch_cuda: dict[int, CudaVersion] = field(default_factory=dict)
    knowledge: Knowledge | None = None
    """Where builds are looked up; without it none is known."""

    def builds_of(
        self, releases: Iterable[Release], cudas: Iterable[CudaVersion]
    ) -> tuple[Build, ...]:
        """Return the builds that somebody with these releases has, as far as they are known."""
        if self.knowledge is None:
            return ()
        said = set(cudas)
        found = (build_of(release, said, self.knowledge) for release in releases)
        return tuple(build for build in found if build)

    def is_recent(self, capability: int) -> bool:
        """Tell whether the GPU is newer than many builds in use."""
        first = self.cuda.get(capability, (None, None))[0]
        return first is not None and first >= _RECENT

    def is_aged(self, capability: int) -> bool:
        """Tell whether the GPU is gone from the newest toolkits."""
        return self.cuda.get(capability, (None, None))[1] is not None

    def cuda_of_branch(self, branch: int) -> CudaVersion | None:
        """Return the CUDA version that a driver branch reports, or that of the nearest branch below."""
        known = [known for known in self.branch_cuda if known <= branch]
        return self.branch_cuda[max(known)] if known else None


def lifetimes_of(knowledge: Knowledge) -> Lifetimes:
    """Take the tables from the knowledge."""
    rows = {
        row.capability.major * 10 + row.capability.minor: row for row in knowledge.architectures
    }
    return Lifetimes(
        cuda={key: (_pair(row.first_cuda), _pair(row.last_cuda)) for key, row in rows.items()},
        last_branches={key: row.last_driver for key, row in rows.items() if row.last_driver},
        branch_cuda={
            row.branch: (row.cuda.major, row.cuda.minor) for row in knowledge.drivers if row.cuda
        },
        knowledge=knowledge,
    )


def _pair(version: Version | None) -> CudaVersion | None:
    return (version.major, version.minor) if version else None
