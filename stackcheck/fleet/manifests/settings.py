"""What a manifest is made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from stackcheck.model.record import record

__all__ = ["Settings"]

Resource = dict[str, Any]


@record(frozen=True)
class Settings:
    """The fleet, and what runs on it."""

    name: str
    nodes: int
    """How many nodes, one pod each. A DaemonSet takes all that have GPUs."""
    gpus: int = 1
    """Per node."""
    image: str | None = None
    """Holds StackCheck; None: a plain Python image that installs it when it starts."""
    version: str = ""
    """Of StackCheck, for that."""
    namespace: str | None = None
    selector: Mapping[str, str] = field(default_factory=dict)
    """Labels of the nodes."""
    runtime_class: str | None = None
    library: str = "torch"
    """What trains: `torch` or `stackgrad`."""

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every resource and pod."""
        return {"app.kubernetes.io/name": "stackcheck", "app.kubernetes.io/instance": self.name}

    def metadata(self, **more: Any) -> Resource:
        """Return the metadata of a resource."""
        place = {"namespace": self.namespace} if self.namespace else {}
        return {"name": self.name, **place, "labels": self.labels, **more}
