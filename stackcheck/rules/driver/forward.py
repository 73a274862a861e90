"""Forward compatibility: `cuda-compat` packages that put a newer user-mode driver over an older kernel module."""

from __future__ import annotations

import re

from stackcheck.knowledge.gpu_names import kind_of
from stackcheck.model.fact import Known
from stackcheck.model.version import Version, parse_version
from stackcheck.rules.rule import Situation

__all__ = ["carried_forward", "compat_package"]

_PACKAGE = re.compile(r"cuda-compat(?:-orin)?[-_ ](\d{1,2})[-.](\d)")
_UNFIT = {"geforce", "titan"}
"""Product lines that the documentation leaves out; RTX boards are let in one by one."""


def compat_package(situation: Situation) -> Version | None:
    """Return the CUDA version of the cuda-compat package beside the builds or in the container, if there is one."""
    texts = list(situation.packages)
    container = situation.machine.host.container
    if isinstance(container, Known):
        texts.append(container.value.image.peek() or container.value.engine)
    for text in texts:
        if found := _PACKAGE.search(text.lower()):
            return parse_version(f"{found[1]}.{found[2]}")
    return None


def carried_forward(cuda: Version, situation: Situation) -> bool:
    """Tell whether a cuda-compat package that is there carries an application of `cuda` on this driver and GPUs."""
    compat = compat_package(situation)
    if compat is None or compat.major < cuda.major:
        return False
    for gpu in situation.machine.gpus.peek() or ():
        if kind_of(gpu, situation.knowledge) in _UNFIT:
            return False
    release = situation.machine.driver.release.peek()
    if release is None:
        return True
    package = next((row for row in situation.knowledge.forward_compat if row.cuda == compat), None)
    return package is not None and package.branches.get(str(release.major)) == "compatible"
