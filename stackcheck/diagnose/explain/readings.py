"""What a pasted text says in numbers: GPUs, drivers, CUDA versions, and what follows from comparing them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stackcheck.diagnose.explain.lifetimes import Lifetimes

__all__ = ["Readings", "read_numbers"]

_CAPABILITY = re.compile(
    r"(?:capability|capabilities)(?: of)?(?: is)?[ :=(]*(?:sm_)?(\d{1,2})\.?(\d)\b(?! and| or)"
    r"|(?:current|your) gpu is (\d{1,2})(\d)\b"
    r"|(?:gpu|card|device)s? (?:is|are|has|with|of)? ?(?:an? )?\(?(?:sm|compute)_?(\d{1,2})(\d)[af]?\b"
    r"|\bsm_?(\d{1,2})(\d)[af]? (?:gpu|card|is not compatible|device)"
)
_LIST = re.compile(
    r"(?:capabilities|compiled for|arch_list\(?\)?|arch list|architectures|(?<!\w)\()[ :=\[('\"]*"
    r"((?:(?:sm_|compute_)?\d{1,2}\.?\d[af]?(?:\+ptx)?['\"]?(?:,? *(?:and )?| *;|\) ?- ?\(| ?\.\. ?| ?- ?)['\"]?){2,})"
)
_ARCH = re.compile(r"(?:sm_|compute_)?(\d{1,2})\.?(\d)[af]?")
_FLOOR = re.compile(
    r"(?:minimum|at least|requires?|required|>=|only supports?|or (?:higher|newer|above))"
    r"[^\n]{0,60}?capabilit[^\n]{0,40}?(\d{1,2})\.(\d)"
)
_BUILD_LABEL = re.compile(
    r"(?<![a-z0-9])(?:[a-z]+-)?(?:post|\+)?(?:cu|cuda)-?(\d{1,2})\.?(\d)(?:x)?(?![\d.]*[a-z])"
)
_CUDA = re.compile(
    r"(?<![a-z])(?:cuda(?:[ _-]?(?:toolkit|runtime|version|wheels?|builds?|images?|packages?))?|cudatoolkit)"
    r"[ =:v\-/(]{1,3}(\d{1,2})\.(\d{1,2})"
)
_DRIVER_CUDA = re.compile(
    r"found version (?P<packed>\d{4,5})\b"
    r"|driver[^\n.]{0,60}?cuda(?: umd)?(?: driver)?(?: version)?[ :=(]*(?:of |is |up to |only )?"
    r"(?P<plain>\d{1,2}\.\d)\b"
    r"|driver(?: stops at| ends at| is| only| supports| at|:)? (?P<level>(?:8|9|1[0-4])\.\d)\b"
    r"|cuda(?: umd)? version: *(?P<smi>\d{1,2}\.\d)\b"
    r"|cuda driver version[ :=(is]*(?P<api>\d{1,2}\.\d)\b"
)
_DRIVER = re.compile(
    r"(?:driver|kmd)(?: version| release| branch)?[ :=(]*(?:is |was |to |r)?(\d{3})(?:\.\d+)*\b(?! ?[gm]i?b)"
    r"|nvidia-(?:driver-|utils-|dkms-|)(\d{3})\b|kernel module +(\d{3})\.\d+|\br(\d{3})\b(?= driver| branch|\))"
)


@dataclass(frozen=True)
class Readings:
    """Numbers found in a text; capabilities are multiplied by ten, CUDA versions pairs."""

    capabilities: tuple[int, ...] = ()
    architectures: tuple[int, ...] = ()
    """What the build named in the text has code for."""
    floor: int | None = None
    """Lowest capability that the text says is supported."""
    cudas: tuple[tuple[int, int], ...] = ()
    """CUDA versions of builds and toolkits."""
    driver_cudas: tuple[tuple[int, int], ...] = ()
    drivers: tuple[int, ...] = ()
    """Driver branches."""

    def circumstances(self, lifetimes: Lifetimes) -> set[str]:
        """Name what follows from the numbers."""
        found: set[str] = set()
        for capability in self.capabilities:
            found |= self._against_build(capability, lifetimes)
        driver_cudas = list(self.driver_cudas)
        if not driver_cudas:
            driver_cudas = [
                cuda for branch in self.drivers if (cuda := lifetimes.cuda_of_branch(branch))
            ]
        if driver_cudas and self.cudas:
            highest, wanted = max(driver_cudas), max(self.cudas)
            if highest[0] < wanted[0] or (wanted[0] < 11 and highest < wanted):
                found.add("driver_below_major")
            elif highest < wanted:
                found.add("driver_below_minor")
            else:
                found.add("driver_suffices")
        return found

    def _against_build(self, capability: int, lifetimes: Lifetimes) -> set[str]:
        found: set[str] = set()
        if self.architectures:
            if not any(
                arch // 10 == capability // 10 and arch <= capability for arch in self.architectures
            ):
                found.add("gpu_newer" if capability > max(self.architectures) else "gpu_older")
        elif self.floor is not None and capability < self.floor:
            found.add("gpu_older")
        first, last = lifetimes.cuda.get(capability, (None, None))
        if self.cudas and not found:
            if first and max(self.cudas) < first:
                found.add("gpu_newer")
            if last and min(self.cudas) > last:
                found.add("gpu_older")
        last_branch = lifetimes.last_branches.get(capability)
        if last_branch and self.drivers and max(self.drivers) > last_branch:
            found.add("driver_dropped_gpu")
        if lifetimes.is_recent(capability):
            found.add("gpu_recent")
        elif lifetimes.is_aged(capability):
            found.add("gpu_aged")
        return found


def read_numbers(lowered: str, generations: list[tuple[re.Pattern[str], int]]) -> Readings:
    """Read the numbers of a text in lower case; `generations` are GPUs as people write them."""
    lists = [
        (int(major) * 10 + int(minor))
        for found in _LIST.finditer(lowered)
        for major, minor in _ARCH.findall(found[1])
        if 2 <= int(major) <= 13
    ]
    capabilities = [
        int(major) * 10 + int(minor)
        for found in _CAPABILITY.finditer(lowered)
        for major, minor in [[group for group in found.groups() if group is not None][:2]]
        if not _in_list(found.start(), lowered)
    ]
    capabilities += [capability for pattern, capability in generations if pattern.search(lowered)]
    floors = [int(major) * 10 + int(minor) for major, minor in _FLOOR.findall(lowered)]
    driver_cudas = [_driver_cuda(found) for found in _DRIVER_CUDA.finditer(lowered)]
    said = {
        found.start(group)
        for found in _DRIVER_CUDA.finditer(lowered)
        for group in ("plain", "level", "smi", "api")
        if found[group]
    }
    cudas = [
        (int(found[1]), int(found[2]))
        for found in _CUDA.finditer(lowered)
        if found.start(1) not in said
    ]
    cudas += [(int(major), int(minor)) for major, minor in _BUILD_LABEL.findall(lowered)]
    return Readings(
        tuple(dict.fromkeys(c for c in capabilities if 20 <= c <= 130 and c not in floors)),
        tuple(dict.fromkeys(lists)),
        min(floors, default=None),
        tuple(dict.fromkeys(c for c in cudas if 7 <= c[0] <= 14)),
        tuple(dict.fromkeys(c for c in driver_cudas if 5 <= c[0] <= 14)),
        tuple(
            dict.fromkeys(
                int(next(filter(None, found.groups()))) for found in _DRIVER.finditer(lowered)
            )
        ),
    )


def _in_list(start: int, lowered: str) -> bool:
    return lowered.startswith("capabilities", start)


def _driver_cuda(found: re.Match[str]) -> tuple[int, int]:
    if found["packed"]:
        packed = int(found["packed"])
        return packed // 1000, packed % 1000 // 10
    major, _, minor = (found["plain"] or found["level"] or found["smi"] or found["api"]).partition(
        "."
    )
    return int(major), int(minor)
