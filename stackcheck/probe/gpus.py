"""From the child's answers to facts of the driver and the GPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.gpu import Ecc, Gpu, Link, MigInstance, Peer
from stackcheck.model.version import DriverVersion, Version, parse_version
from stackcheck.probe.child import Answers
from stackcheck.probe.report import CRASHED, FUNCTION_NOT_FOUND, LIBRARY_NOT_FOUND, NOT_LOADED

__all__ = [
    "code_of",
    "conf_compute_ready",
    "cuda_version",
    "driver_release",
    "gpus_of",
    "library_code",
    "vgpu_licensed",
]

T = TypeVar("T")

_CUINIT = "cuInit"
_SUCCESS = 0
_NOT_SUPPORTED = 3
_CORRUPTED = 14
_VGPU = 2
"""NVML_GPU_VIRTUALIZATION_MODE_VGPU: a guest's share of a board."""
_GPUS_MAX = 1024
_BRANDS = {
    1: "quadro",
    2: "tesla",
    3: "nvs",
    4: "grid",
    5: "geforce",
    6: "titan",
    7: "vapps",
    8: "vpc",
    9: "vcs",
    10: "vws",
    11: "cloud gaming",
    12: "quadro rtx",
    13: "nvidia rtx",
    14: "nvidia",
    15: "geforce rtx",
    16: "titan rtx",
}
"""nvmlBrandType_t."""
_MEANINGS = {
    1: "uninitialised",
    2: "invalid argument",
    4: "no permission",
    6: "not found",
    8: "external power not connected",
    9: "driver not loaded",
    10: "timeout",
    11: "interrupt trouble",
    12: "library not found",
    14: "infoROM corrupted",
    15: "GPU is lost",
    16: "GPU requires reset",
    17: "blocked by the operating system",
    18: "driver and library versions differ",
    25: "argument version mismatch",
    28: "GPU not found",
    999: "unknown error",
}


def _source(call: str) -> str:
    return f"NVML: {call}"


def code_of(answers: Answers, call: str, gpu: int | None = None) -> Fact[int]:
    """Return the return code of a call; unknown where it was not made or did not come back."""
    answer = answers.get(call, gpu)
    if answer is None:
        return Unknown(answers.why_missing(call, gpu), _source(call))
    if answer.code == NOT_LOADED:
        return Unknown("not loaded: no such library in LD_LIBRARY_PATH", _source(call))
    if answer.code == CRASHED:
        return Unknown(str(answer.value), _source(call))
    return Known(answer.code, _source(call))


def library_code(answers: Answers) -> Fact[int]:
    """Return cuInit's return code; absent where libcuda is not found."""
    loaded = answers.get("cuda_library")
    if loaded is not None and loaded.code == LIBRARY_NOT_FOUND:
        return Absent("libcuda.so.1")
    if loaded is not None and loaded.code:
        return Unknown(str(loaded.value or "no libcuda in LD_LIBRARY_PATH"), "libcuda")
    code = code_of(answers, _CUINIT)
    if isinstance(code, Known):
        if code.value == FUNCTION_NOT_FOUND:
            return Unknown("the library has no cuInit", _CUINIT)
        return Known(code.value, _CUINIT)
    return code


def value_of(  # noqa: PLR0911 (one answer for each kind of return code)
    answers: Answers, call: str, convert: Callable[[Any], T], gpu: int | None = None
) -> Fact[T]:
    """Return what a call gave, converted; "not supported" is absence of a feature, any other code leaves it unknown.

    A value that cannot be converted is unknown too: drivers have returned rubbish under success.
    """
    source = _source(call)
    answer = answers.get(call, gpu)
    if answer is None:
        return Unknown(answers.why_missing(call, gpu), source)
    if answer.code == _NOT_SUPPORTED:
        return Absent(source)
    if answer.code == FUNCTION_NOT_FOUND:
        return Unknown("this driver has no such function", source)
    if answer.code == CRASHED:
        return Unknown(str(answer.value), source)
    if answer.code != _SUCCESS:
        return Unknown(f"error {answer.code}: {_meaning(answer.code)}", source)
    try:
        return Known(convert(answer.value), source)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return Unknown(f"returned {str(answer.value)[:60]!r}", source)


def _meaning(code: int) -> str:
    return _MEANINGS.get(code, "see nvmlReturn_t")


def driver_release(answers: Answers) -> Fact[Version]:
    """Return the driver's version by NVML."""
    return value_of(answers, "driver", DriverVersion)


def cuda_version(answers: Answers) -> Fact[Version]:
    """Return the CUDA driver version, by libcuda itself, else by NVML; absent where there is no libcuda."""
    answer = answers.get("cuDriverGetVersion")
    if answer is not None and answer.code == _SUCCESS:
        try:
            return Known(_cuda(answer.value), "cuDriverGetVersion")
        except (TypeError, ValueError):
            pass
    by_nvml = answers.get("cuda")
    loaded = answers.get("cuda_library")
    missing = loaded is not None and loaded.code == LIBRARY_NOT_FOUND
    if by_nvml is not None and by_nvml.code == _SUCCESS:
        return value_of(answers, "cuda", _cuda)
    if missing:
        return Absent("libcuda.so.1")
    if answer is None or answer.code == _SUCCESS:
        return value_of(answers, "cuda", _cuda)
    return Unknown(f"cuDriverGetVersion returned {answer.code}", "cuDriverGetVersion")


def _cuda(number: Any) -> Version:
    """Return the version in 12080: thousands are the major, tens the minor."""
    if not 1000 <= _int(number) < 100_000:
        raise ValueError(number)
    return parse_version(f"{number // 1000}.{number % 1000 // 10}")


def gpus_of(answers: Answers) -> Fact[tuple[Gpu, ...]]:
    """Return the GPUs that NVML counts; unknown where it could not be started or did not count."""
    source = _source("nvmlDeviceGetCount")
    begun = answers.get("init")
    if begun is not None and begun.code == NOT_LOADED:
        return Unknown(str(begun.value or "no libnvidia-ml.so.1 in LD_LIBRARY_PATH"), source)
    if begun is not None and begun.code:
        return Unknown(f"NVML error {begun.code}: {_meaning(begun.code)}", source)
    if begun is None:
        return Unknown(answers.why_missing("init"), source)
    count = value_of(answers, "count", _index)
    if not isinstance(count, Known):
        return count if isinstance(count, Unknown) else Unknown("not supported", source)
    return Known(tuple(_gpu(answers, index) for index in range(count.value)), source)


def _index(value: Any) -> int:
    if not 0 <= _int(value) <= _GPUS_MAX:
        raise ValueError(value)
    return _int(value)


def _int(value: Any) -> int:
    """Take a whole number and nothing that merely can be turned into one."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    return value


def _gpu(answers: Answers, index: int) -> Gpu:
    handle = code_of(answers, "handle", index)

    def fact(call: str, convert: Callable[[Any], T]) -> Fact[T]:
        if isinstance(handle, Unknown):
            return Unknown(handle.reason, _source("nvmlDeviceGetHandleByIndex"))
        if handle.get():
            code = handle.get() or 0
            return Unknown(f"error {code}: {_meaning(code)}", _source("nvmlDeviceGetHandleByIndex"))
        return value_of(answers, call, convert, index)

    return Gpu(
        index=index,
        name=fact("name", _text),
        compute_capability=fact("compute_capability", _capability),
        uuid=fact("uuid", _text),
        serial=fact("serial", _text),
        pci_address=fact("pci", _address),
        minor=fact("minor", _int),
        brand=fact("brand", lambda code: _BRANDS[code]),
        memory_bytes=fact("memory", lambda memory: _positive(memory["total"])),
        memory_free_bytes=fact("memory", lambda memory: _int(memory["free"])),
        handle_code=handle,
        persistence=fact("persistence", _flag),
        compute_mode=fact("compute_mode", _int),
        event_reasons=fact("event_reasons", _int),
        recovery_action=fact("recovery_action", _int),
        fabric_state=fact("fabric", lambda info: _int(info["state"])),
        fabric_status=fact("fabric", lambda info: _int(info["status"])),
        fabric_health=fact("fabric", lambda info: _int(info["health"])),
        fabric_summary=fact("fabric", lambda info: _int(info["summary"])),
        virtualization=fact("virtualization", _int),
        mig_enabled=fact("mig_mode", lambda modes: _flag(modes[0])),
        mig_pending=fact("mig_mode", lambda modes: _flag(modes[1])),
        mig_instances=_mig(answers, index, fact("mig_mode", lambda modes: _flag(modes[0]))),
        processes=fact("processes", lambda pids: tuple(_int(pid) for pid in pids)),
        nvlinks=fact("nvlinks", lambda states: len([_int(state) for state in states])),
        nvlinks_active=fact("nvlinks", lambda states: sum(_int(state) == 1 for state in states)),
        peers=_peers(answers, index) if handle.peek() == 0 else fact("peers", tuple),
        gsp_firmware=fact("gsp_firmware", _text),
        temperature_celsius=fact("temperature", _int),
        power_limit_watts=fact("power_limit", lambda milliwatts: _positive(milliwatts) / 1000),
        inforom_valid=_inforom(answers, index, fact("inforom", _flag)),
        ecc=Ecc(
            enabled=fact("ecc_mode", lambda modes: _flag(modes[0])),
            uncorrected=fact("ecc_uncorrected", _int),
            corrected=fact("ecc_corrected", _int),
            remap_pending=fact("remapped_rows", lambda rows: _flag(rows[2])),
            retirement_pending=fact("retired_pages_pending", _flag),
            remap_failed=fact("remapped_rows", lambda rows: _flag(rows[3])),
        ),
        link=Link(
            width=fact("link_width", _positive),
            max_width=fact("max_link_width", _positive),
            generation=fact("link_generation", _positive),
            max_generation=fact("max_link_generation", _positive),
            replays=fact("replays", _int),
        ),
    )


def conf_compute_ready(answers: Answers) -> Fact[int]:
    """Return 1 if the confidential-computing GPUs are set ready; absent where the feature is off."""
    feature = value_of(answers, "conf_compute", _int)
    if not isinstance(feature, Known) or not feature.value:
        return feature if isinstance(feature, Unknown) else Absent(feature.source)
    return value_of(answers, "conf_compute_ready", _int)


def vgpu_licensed(answers: Answers) -> Fact[int]:
    """Return 1 if every vGPU holds its licence; absent where no GPU is one (virtualisation mode 2)."""
    source = _source("licence")
    modes = [
        (gpu, answer.value)
        for (call, gpu), answer in answers.calls.items()
        if call == "virtualization" and not answer.code
    ]
    guests = [gpu for gpu, mode in modes if mode == _VGPU]
    if not guests:
        return Absent(source)
    for gpu in guests:
        licensed = value_of(
            answers,
            "licence",
            lambda found: min(map(_flag, found["licensed"])),
            gpu,
        )
        if not isinstance(licensed, Known):
            return licensed
        if not licensed.value:
            return Known(0, source)
    return Known(1, source)


def _inforom(answers: Answers, index: int, valid: Fact[bool]) -> Fact[bool]:
    """Return the validation; the code for a corrupted infoROM is an answer, too."""
    answer = answers.get("inforom", index)
    handle = answers.get("handle", index)
    if answer is not None and answer.code == _CORRUPTED and handle is not None and not handle.code:
        return Known(False, valid.source)
    return valid


def _peers(answers: Answers, index: int) -> Fact[tuple[Peer, ...]]:
    """Return this GPU's peers; each pair is asked once, by the one of the lower number."""
    source = _source("nvmlDeviceGetP2PStatus")
    count = answers.get("count")
    if count is None or count.code or not isinstance(count.value, int):
        return Unknown(answers.why_missing("peers", index), source)
    peers = []
    for other in range(min(count.value, _GPUS_MAX)):
        if other == index:
            continue
        first, second = sorted((index, other))
        asked = value_of(answers, "peers", _statuses, first)
        if not isinstance(asked, Known):
            return asked
        if second in asked.value:
            peers.append(Peer(other, asked.value[second]))
    return Known(tuple(peers), source)


def _statuses(found: Any) -> dict[int, int]:
    return {_int(index): _int(status) for index, status in found}


def _mig(answers: Answers, index: int, enabled: Fact[bool]) -> Fact[tuple[MigInstance, ...]]:
    if not isinstance(enabled, Known):
        return enabled
    if not enabled.value:
        return Known((), enabled.source)
    return value_of(
        answers,
        "mig_instances",
        lambda found: tuple(MigInstance(_text(uuid), _text(name)) for uuid, name in found),
        index,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(value)
    return value.strip()


def _address(value: Any) -> str:
    """Return `0000:3b:00.0` as sysfs writes it; NVML gives eight digits of domain and capitals."""
    domain, _, rest = _text(value).lower().partition(":")
    return f"{int(domain, 16):04x}:{rest}"


def _capability(value: Any) -> Version:
    major, minor = value
    if not (isinstance(major, int) and isinstance(minor, int) and 0 < major < 100 > minor >= 0):
        raise ValueError(value)
    return parse_version(f"{major}.{minor}")


def _positive(value: Any) -> int:
    if _int(value) <= 0:
        raise ValueError(value)
    return _int(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, int) or value not in (0, 1):
        raise ValueError(value)
    return bool(value)
