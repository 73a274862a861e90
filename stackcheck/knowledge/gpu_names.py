"""GPU names as people and NVML write them, turned into products, or into what a class or family says."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck.errors import InputError
from stackcheck.model.record import record
from stackcheck.model.version import Version, parse_version

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.knowledge.rows import GpuProduct
    from stackcheck.model.gpu import Gpu

__all__ = ["GpuName", "kind_of", "read_gpu_name"]


@record(frozen=True)
class GpuName:
    """What a name tells: the product if it is one, the capability, and the kind (`geforce`, `datacenter`, ...)."""

    text: str
    product: str = ""
    capability: Version | None = None
    kind: str = ""
    mig: bool = False


_CAPABILITY = re.compile(
    r"\bsm_?(\d{1,2})(\d)\b|\bcompute[_ ](?:capability )?(\d{1,2})\.(\d)|\(\s*(\d{1,2})\.(\d)\s*\)"
)
_NOISE = re.compile(
    r"\b(?:nvidia|corporation|graphics|gpu|card|device|generation|edition|founders|oem|mobile|laptop|notebook"
    r"|\d+\s*(?:gb|gib)(?:\s*hbm\w*|\s*gddr\w*)?|hbm\w*|gddr\w*|pcie|with|mig|\d+x)\b|[®™(),/]"
)
_CLASSES = {
    "datacenter": re.compile(r"data[- ]?cent(?:er|re)"),
    "geforce": re.compile(r"\bgeforce\b|\bconsumer\b"),
    "quadro": re.compile(r"\bquadro\b|\bworkstation\b"),
    "titan": re.compile(r"\btitan\b"),
    "jetson": re.compile(r"\bjetson\b|\btegra\b"),
}
_DIGIT = re.compile(r"\d")
_MODEL = re.compile(r"\b[a-z]{0,4}\d{2,4}[a-z]{0,2}\b")


def read_gpu_name(text: str, knowledge: Knowledge, *, has_capability: bool = False) -> GpuName:
    """Read one GPU name.

    `has_capability` says that the user gave the compute capability beside it, so that the name need not be known.
    Raises `InputError` with the nearest names for a product that nobody makes.
    """
    lowered = " ".join(text.lower().split())
    mig = bool(re.search(r"\bmig\b", lowered))
    capability = _stated_capability(lowered)
    if found := _find_product(lowered, knowledge):
        return GpuName(text, found.name, capability or found.capability, found.kind, mig)
    if capability is not None or has_capability:
        return GpuName(text, "", capability, _class_of(lowered), mig)
    for life in (each for each in knowledge.architectures if not each.tegra):
        if re.search(rf"\b{re.escape(life.name.lower())}\b", lowered) and _only(
            knowledge, life.name
        ):
            return GpuName(text, "", life.capability, _class_of(lowered), mig)
    if _MODEL.search(_NOISE.sub(" ", lowered)):
        _refuse(text, lowered, _reduced_names(knowledge))
    return GpuName(text, "", None, _class_of(lowered), mig)


def kind_of(gpu: Gpu, knowledge: Knowledge) -> str:
    """Return the product line of a GPU (`geforce`, `datacenter`, ...), empty if its name tells none."""
    lowered = " ".join((gpu.name.peek() or "").lower().split())
    found = _find_product(lowered, knowledge)
    return found.kind if found else _class_of(lowered) or (gpu.brand.peek() or "").lower()


def _stated_capability(lowered: str) -> Version | None:
    found = _CAPABILITY.search(lowered)
    if not found:
        return None
    major, minor = [group for group in found.groups() if group is not None]
    return parse_version(f"{major}.{minor}")


def _only(knowledge: Knowledge, name: str) -> bool:
    """Whether a family has one capability; the name of another (Ampere: 8.0, 8.6) says too little."""
    lives = [life for life in knowledge.architectures if life.name == name and not life.tegra]
    return len({life.capability for life in lives}) == 1


def _class_of(lowered: str) -> str:
    return next((kind for kind, pattern in _CLASSES.items() if pattern.search(lowered)), "")


@lru_cache(maxsize=4)
def _exact_names(knowledge: Knowledge) -> dict[str, GpuProduct]:
    """Every name as NVML and the tables write it; cheap, because most look-ups end here."""
    return {
        _plain(name.lower()): product
        for product in knowledge.gpus
        for name in (*product.aliases, product.name)
    }


def _reduced_names(knowledge: Knowledge, like: str = "") -> dict[str, GpuProduct]:
    """Every name without the words that do not tell products apart; with `like` those that may be meant by it.

    A name with a number in it is meant only by one with the same number.
    """
    numbers = re.findall(r"\d+", like)
    table: dict[str, GpuProduct] = {}
    for product in knowledge.gpus:
        for name in (product.name, *product.aliases):
            if not like or any(number in name for number in numbers) or not _DIGIT.search(name):
                table.setdefault(_reduce(name.lower()), product)
    return table


@lru_cache(maxsize=256)
def _find_product(lowered: str, knowledge: Knowledge) -> GpuProduct | None:
    exact = _exact_names(knowledge)
    if found := exact.get(_plain(lowered)):
        return found
    reduced = _reduced_names(knowledge, lowered)
    return next(
        (
            product
            for words in _spellings(lowered)
            if (product := reduced.get(words) or exact.get(words))
        ),
        None,
    )


def _plain(lowered: str) -> str:
    return " ".join(lowered.replace("nvidia", " ").replace("-", " ").split())


def _reduce(lowered: str) -> str:
    """Drop the words that do not tell products apart, and part `rtx4090` into its two words."""
    text = re.sub(r"\b(rtx|gtx|gt)(\d)", r"\1 \2", _NOISE.sub(" ", lowered))
    text = re.sub(r"(\d)(ti|super)\b", r"\1 \2", text)
    return " ".join(text.replace("-", " ").split())


def _spellings(lowered: str) -> list[str]:
    """List the ways to look a name up, the most exact first."""
    without_brackets = " ".join(re.sub(r"\([^)]*\)", " ", lowered).split())
    reduced = [_reduce(lowered), _reduce(without_brackets)]
    brands = r"^(?:geforce|quadro|tesla|titan|jetson|rtx|gtx) "
    return [
        *reduced,
        *(
            f"{brand} {name}"
            for name in reduced
            for brand in ("geforce", "geforce rtx", "geforce gtx", "quadro", "tesla")
        ),
        *(re.sub(brands, "", name) for name in reduced),
        *(
            re.sub(r" (?:d|sxm\d?|nvl|max q|ada|workstation|server)(?= |$)", "", name)
            for name in reduced
        ),
    ]


def _refuse(text: str, lowered: str, products: dict[str, GpuProduct]) -> None:
    wanted = _reduce(lowered)
    digits = "".join(re.findall(r"\d+", wanted))

    def nearness(name: str) -> float:
        same_digits = SequenceMatcher(None, digits, "".join(re.findall(r"\d+", name))).ratio()
        return SequenceMatcher(None, wanted, name).ratio() + same_digits

    near: list[str] = []
    for name in sorted(products, key=nearness, reverse=True):
        if products[name].name not in near:
            near.append(products[name].name)
        if len(near) == 3:
            break
    raise InputError(
        f"--gpu {text!r}: no such GPU is known; nearest: {', '.join(near)}"
        " (a newer one: state it with `--compute-capability X.Y`)"
    )
