"""What a pasted text says in numbers: GPUs, drivers, CUDA versions, and what follows from comparing them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, TypeVar

from stackcheck.diagnose.explain.lifetimes import CudaVersion, Lifetimes
from stackcheck.diagnose.explain.releases import Release, read_releases
from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.model.build import Build

__all__ = ["Readings", "read_numbers"]

T = TypeVar("T", bound=Hashable)

_CAPABILITY = re.compile(
    r"capability(?: of)?(?: is)?[ :=(]*(?:sm_)?(\d{1,2})\.?(\d)\b(?! and| or)"
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
_ERROR = re.compile(
    r"cudasuccess\)? ?\((\d{1,3}) vs|cuda (?:runtime |driver )?error ?[(:=]? ?(\d{1,3})\b|\berror[= ](\d{1,3}) ?:"
    r"|\bcode ?= ?(\d{1,3}) ?\(|cuda failure (\d{1,3})\b|(?:cudagetdevicecount|cuinit)\S* returned (\d{1,3})\b"
)


@record(frozen=True)
class Readings:
    """Numbers found in a text; capabilities are multiplied by ten, CUDA versions pairs."""

    capabilities: tuple[int, ...] = ()
    architectures: tuple[int, ...] = ()
    """What the build named in the text has code for."""
    floor: int | None = None
    """Lowest capability that the text says is supported."""
    cudas: tuple[CudaVersion, ...] = ()
    """CUDA versions of builds and toolkits."""
    driver_cudas: tuple[CudaVersion, ...] = ()
    drivers: tuple[int, ...] = ()
    """Driver branches."""
    errors: tuple[int, ...] = ()
    """Error numbers of the CUDA runtime or driver API; before CUDA 10.1 the runtime's were others."""
    releases: tuple[Release, ...] = ()
    """Releases of frameworks."""

    def circumstances(self, lifetimes: Lifetimes) -> set[str]:
        """Name what follows from the numbers."""
        found = {f"cuda_error_{number}" for number in self.errors}
        builds = lifetimes.builds_of(self.releases, self.cudas)
        for capability in self.capabilities:
            found |= self._against_build(capability, builds, lifetimes)
        driver_cudas = list(self.driver_cudas)
        if not driver_cudas:
            driver_cudas = [
                cuda for branch in self.drivers if (cuda := lifetimes.cuda_of_branch(branch))
            ]
        cudas = self.cudas or [
            (build.cuda.major, build.cuda.minor) for build in builds if build.cuda
        ]
        if driver_cudas and cudas:
            highest, wanted = max(driver_cudas), max(cudas)
            if highest[0] < wanted[0] or (wanted[0] < 11 and highest < wanted):
                found.add("driver_below_major")
            elif highest < wanted:
                found.add("driver_below_minor")
            else:
                found.add("driver_suffices")
        return found

    def _against_build(
        self, capability: int, builds: Iterable[Build], lifetimes: Lifetimes
    ) -> set[str]:
        found: set[str] = set()
        if self.architectures:
            if not any(
                arch // 10 == capability // 10 and arch <= capability for arch in self.architectures
            ):
                found.add("gpu_newer" if capability > max(self.architectures) else "gpu_older")
        elif self.floor is not None and capability < self.floor:
            found.add("gpu_older")
        else:
            found |= {tag for build in builds if (tag := _missing(capability, build))}
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
    floors = [_capability(*pair) for pair in _FLOOR.findall(lowered)]
    named = [_capability(*_groups(found)[:2]) for found in _CAPABILITY.finditer(lowered)]
    named += [capability for pattern, capability in generations if pattern.search(lowered)]
    of_driver = list(_DRIVER_CUDA.finditer(lowered))
    taken = {found.start(found.lastgroup or 0) for found in of_driver}
    cudas = [_pair(found) for found in _CUDA.finditer(lowered) if found.start(1) not in taken]
    cudas += [_pair(found) for found in _BUILD_LABEL.finditer(lowered)]
    return Readings(
        capabilities=_unique(c for c in named if 20 <= c <= 130 and c not in floors),
        architectures=_unique(
            _capability(*pair)
            for found in _LIST.finditer(lowered)
            for pair in _ARCH.findall(found[1])
            if 2 <= int(pair[0]) <= 13
        ),
        floor=min(floors, default=None),
        cudas=_unique(cuda for cuda in cudas if 7 <= cuda[0] <= 14),
        driver_cudas=_unique(c for c in map(_driver_cuda, of_driver) if 5 <= c[0] <= 14),
        drivers=_unique(int(_groups(found)[0]) for found in _DRIVER.finditer(lowered)),
        errors=_unique(int(_groups(found)[0]) for found in _ERROR.finditer(lowered)),
        releases=read_releases(lowered),
    )


def _missing(capability: int, build: Build) -> str:
    """Say on which side of a build's code a GPU lies that the build has none for."""
    targets = [(arch.major * 10 + arch.minor, arch.ptx) for arch in build.architectures or ()]
    if not targets or any(
        target <= capability and (ptx or target // 10 == capability // 10)
        for target, ptx in targets
    ):
        return ""
    return "gpu_newer" if capability > max(targets)[0] else "gpu_older"


def _groups(found: re.Match[str]) -> list[str]:
    return [group for group in found.groups() if group is not None]


def _capability(major: str, minor: str) -> int:
    return int(major) * 10 + int(minor)


def _pair(found: re.Match[str]) -> CudaVersion:
    return int(found[1]), int(found[2])


def _driver_cuda(found: re.Match[str]) -> CudaVersion:
    text = found[found.lastgroup or 0]
    if found.lastgroup == "packed":  # cuDriverGetVersion: 1000 major + 10 minor
        return int(text) // 1000, int(text) % 1000 // 10
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _unique(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))
