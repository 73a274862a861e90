"""Which CUDA and driver releases know which GPU, in the shape that reading a text needs."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Lifetimes"]


@dataclass(frozen=True)
class Lifetimes:
    """Tables by compute capability (times ten) and driver branch."""

    cuda: dict[int, tuple[tuple[int, int] | None, tuple[int, int] | None]] = field(
        default_factory=dict
    )
    branches: dict[int, int] = field(default_factory=dict)
    """Last driver branch of a capability."""
    branch_cuda: dict[int, tuple[int, int]] = field(default_factory=dict)
    recent: int = 100
    """Capabilities from here on are newer than many builds in use."""
    aged: int = 75
    """Capabilities below are gone from the newest builds."""

    def cuda_range(
        self, capability: int
    ) -> tuple[tuple[int, int] | None, tuple[int, int] | None] | None:
        """Return the first and the last CUDA that can target the capability."""
        return self.cuda.get(capability)

    def last_branch(self, capability: int) -> int | None:
        """Return the last driver branch with the capability, None where it goes on."""
        return self.branches.get(capability)

    def cuda_of_branch(self, branch: int) -> tuple[int, int] | None:
        """Return the CUDA version that a driver branch reports, or that of the nearest branch below."""
        known = [known for known in self.branch_cuda if known <= branch]
        return self.branch_cuda[max(known)] if known else None
