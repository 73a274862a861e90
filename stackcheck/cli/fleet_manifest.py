"""`stackcheck fleet manifest`: the same checks as Kubernetes resources."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from stackcheck.cli.options import find_misspelt, with_options
from stackcheck.cli.report import deliver
from stackcheck.errors import InputError
from stackcheck.model.record import record

__all__ = ["ManifestFlags", "manifest"]

_ACTIONS = ("doctor", "train-smoke", "watch")
_KINDS = ("job", "rayjob", "trainjob")
_LIBRARIES = ("torch", "stackgrad")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")
"""RFC 1123, with room for the index that pods get behind the name (63 characters in all)."""


@record(frozen=True)
class ManifestFlags:
    """What the resources are made for."""

    nodes: Annotated[
        int | None,
        typer.Option("--nodes", metavar="N", min=1, help="How many nodes; watch takes them all."),
    ] = None
    gpus: Annotated[
        int, typer.Option("--gpus", metavar="N", min=1, help="GPUs of each node to ask for.")
    ] = 1
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="|".join(_KINDS),
            help="Indexed Job, or the resource of KubeRay or Kubeflow Trainer.",
        ),
    ] = "job"
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="Image that holds stackcheck; without one a plain image installs it.",
        ),
    ] = None
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of the resources (default stackcheck-WHAT)."),
    ] = None
    namespace: Annotated[
        str | None, typer.Option("--namespace", metavar="NAME", help="Namespace to put them in.")
    ] = None
    node_selector: Annotated[
        list[str] | None,
        typer.Option(
            "--node-selector", metavar="KEY=VALUE", help="Only nodes with this label; repeatable."
        ),
    ] = None
    runtime_class: Annotated[
        str | None,
        typer.Option(
            "--runtime-class", metavar="NAME", help="RuntimeClass of the pods (watch: nvidia)."
        ),
    ] = None
    library: Annotated[
        str,
        typer.Option("--library", metavar="|".join(_LIBRARIES), help="What trains in train-smoke."),
    ] = "torch"
    output: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="Write to FILE.")
    ] = None

    def find_faults(self, action: str) -> list[str]:
        """Return one line for each thing that is misspelt or does not go together."""
        faults = find_misspelt(
            ("fleet manifest", action, _ACTIONS),
            ("--kind", self.kind, _KINDS),
            ("--library", self.library, _LIBRARIES),
        )
        faults += [
            f"{flag} {value}: lower-case letters, digits and '-' only, at most 52"
            for flag, value in (("--name", self.name), ("--namespace", self.namespace))
            if value is not None and not _DNS_LABEL.fullmatch(value)
        ]
        faults += [
            f"--node-selector {each}: write KEY=VALUE"
            for each in self.node_selector or ()
            if not re.fullmatch(r"[^=\s]+=[^=\s]*", each)
        ]
        if action != "watch" and self.nodes is None:
            faults.append("--nodes N: how many nodes are there?")
        if action == "watch" and (self.nodes is not None or self.kind != "job"):
            faults.append("watch runs on every node by a DaemonSet: no --nodes, no --kind")
        if self.kind == "trainjob" and action != "train-smoke":
            faults.append("--kind trainjob belongs to train-smoke")
        if action == "train-smoke" and self.image is None:
            faults.append(
                "--image IMAGE: train-smoke needs one with stackcheck and what trains in it"
            )
        return faults


@with_options(flags=ManifestFlags)
def manifest(
    action: Annotated[
        str, typer.Argument(metavar="|".join(_ACTIONS), help="What runs on the nodes.")
    ],
    *,
    flags: ManifestFlags,
) -> None:
    """Print Kubernetes resources that judge the nodes, train on them, or watch them. Nothing is applied."""
    if faults := flags.find_faults(action):
        raise InputError(*faults)
    from stackcheck import __version__
    from stackcheck.fleet.manifests.settings import Settings
    from stackcheck.fleet.manifests.writer import write_manifest

    settings = Settings(
        flags.name or f"stackcheck-{action}",
        flags.nodes or 1,
        flags.gpus,
        flags.image,
        __version__,
        flags.namespace,
        dict(each.split("=", 1) for each in flags.node_selector or ()),
        flags.runtime_class,
        flags.library,
    )
    deliver(write_manifest(settings, action, flags.kind), flags.output)
