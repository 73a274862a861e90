"""The one door to NVML, used only inside the child process: every call, its return code and its value.

Return codes are told as they are. `NVMLLibraryMismatchError` is no `NVMLError`: pynvml raises it for an unversioned
call whose versioned function an old library lacks, and it reads as code 13 here, what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pynvml

from stackcheck.probe.report import CRASHED, FUNCTION_NOT_FOUND, Report

__all__ = ["ask_nvml"]

_MIG_DEVICES_MAX = 8
_NVLINKS_MAX = 36
_RECOVERY_ACTION = pynvml.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION
_LOCATIONS = (
    pynvml.NVML_MEMORY_LOCATION_DRAM,
    pynvml.NVML_MEMORY_LOCATION_SRAM,
    pynvml.NVML_MEMORY_LOCATION_L2_CACHE,
    pynvml.NVML_MEMORY_LOCATION_L1_CACHE,
    pynvml.NVML_MEMORY_LOCATION_REGISTER_FILE,
)
_P2P_READ = 0
"""NVML_P2P_CAPS_INDEX_READ; pynvml 13.615 has it as a tuple, by a stray comma."""
_VALUE_MAX = 256
"""Characters of a text that are told: a library gone mad must not fill memory."""


def _memory(handle: Any) -> dict[str, int]:
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    except pynvml.NVMLError:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return {"total": memory.total, "free": memory.free, "used": memory.used}


def _fabric(handle: Any) -> dict[str, int]:
    for make in (pynvml.c_nvmlGpuFabricInfo_v3_t, pynvml.c_nvmlGpuFabricInfo_v2_t):
        info = make()
        try:
            pynvml.nvmlDeviceGetGpuFabricInfoV(handle, pynvml.byref(info))
        except pynvml.NVMLError as error:
            if error.value != pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH:
                raise
            continue
        return {
            "state": info.state,
            "status": info.status,
            "health": info.healthMask,
            "summary": getattr(info, "healthSummary", 0),
        }
    raise pynvml.NVMLError(pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH)


def _recovery_action(handle: Any) -> int:
    value = pynvml.nvmlDeviceGetFieldValues(handle, [_RECOVERY_ACTION])[0]
    if value.nvmlReturn:
        raise pynvml.NVMLError(value.nvmlReturn)
    return int(value.value.uiVal)


def _errors(kind: int) -> Callable[[Any], int]:
    """Return a reader of the sum over those locations that the GPU counts."""

    def count(handle: Any) -> int:
        counts: list[int] = []
        refusal: pynvml.NVMLError | None = None
        for location in _LOCATIONS:
            try:
                counts.append(
                    pynvml.nvmlDeviceGetMemoryErrorCounter(
                        handle, kind, pynvml.NVML_VOLATILE_ECC, location
                    )
                )
            except pynvml.NVMLError as error:
                refusal = refusal or error
        if refusal is not None and not counts:
            raise refusal
        return sum(counts)

    return count


def _validate_inforom(handle: Any) -> bool:
    pynvml.nvmlDeviceValidateInforom(handle)
    return True


def _licence(handle: Any) -> dict[str, Any]:
    features = pynvml.nvmlDeviceGetGridLicensableFeatures(handle)
    count = min(int(features.licensableFeaturesCount), len(features.gridLicensableFeatures))
    licensed = [bool(features.gridLicensableFeatures[i].featureState) for i in range(count)]
    return {"supported": bool(features.isGridLicenseSupported), "licensed": licensed}


def _nvlinks(handle: Any) -> list[int]:
    states: list[int] = []
    for link in range(_NVLINKS_MAX):
        try:
            states.append(int(pynvml.nvmlDeviceGetNvLinkState(handle, link)))
        except pynvml.NVMLError as error:
            if not states and error.value != pynvml.NVML_ERROR_INVALID_ARGUMENT:
                raise
            break
    return states


def _processes(handle: Any) -> list[int]:
    return [int(process.pid) for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)]


_DEVICE_CALLS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("name", pynvml.nvmlDeviceGetName),
    ("compute_capability", pynvml.nvmlDeviceGetCudaComputeCapability),
    ("uuid", pynvml.nvmlDeviceGetUUID),
    ("pci", lambda handle: _text(pynvml.nvmlDeviceGetPciInfo(handle).busId)),
    ("minor", pynvml.nvmlDeviceGetMinorNumber),
    ("memory", _memory),
    ("mig_mode", pynvml.nvmlDeviceGetMigMode),
    ("brand", pynvml.nvmlDeviceGetBrand),
    ("serial", pynvml.nvmlDeviceGetSerial),
    ("persistence", pynvml.nvmlDeviceGetPersistenceMode),
    ("compute_mode", pynvml.nvmlDeviceGetComputeMode),
    ("event_reasons", pynvml.nvmlDeviceGetCurrentClocksEventReasons),
    ("ecc_mode", pynvml.nvmlDeviceGetEccMode),
    ("ecc_uncorrected", _errors(pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED)),
    ("ecc_corrected", _errors(pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED)),
    ("remapped_rows", pynvml.nvmlDeviceGetRemappedRows),
    ("retired_pages_pending", pynvml.nvmlDeviceGetRetiredPagesPendingStatus),
    ("recovery_action", _recovery_action),
    ("fabric", _fabric),
    ("link_width", pynvml.nvmlDeviceGetCurrPcieLinkWidth),
    ("max_link_width", pynvml.nvmlDeviceGetMaxPcieLinkWidth),
    ("link_generation", pynvml.nvmlDeviceGetCurrPcieLinkGeneration),
    ("max_link_generation", pynvml.nvmlDeviceGetMaxPcieLinkGeneration),
    ("replays", pynvml.nvmlDeviceGetPcieReplayCounter),
    ("virtualization", pynvml.nvmlDeviceGetVirtualizationMode),
    ("licence", _licence),
    ("processes", _processes),
    ("nvlinks", _nvlinks),
    ("gsp_firmware", pynvml.nvmlDeviceGetGspFirmwareVersion),
    (
        "temperature",
        lambda handle: pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
    ),
    ("power_limit", pynvml.nvmlDeviceGetEnforcedPowerLimit),
    ("inforom", _validate_inforom),
)
_SYSTEM_CALLS: tuple[tuple[str, Callable[[], Any]], ...] = (
    ("driver", pynvml.nvmlSystemGetDriverVersion),
    ("nvml", pynvml.nvmlSystemGetNVMLVersion),
    ("cuda", pynvml.nvmlSystemGetCudaDriverVersion_v2),
    ("conf_compute", lambda: pynvml.nvmlSystemGetConfComputeState().ccFeature),
    ("conf_compute_ready", pynvml.nvmlSystemGetConfComputeGpusReadyState),
)


def ask_nvml(report: Report, last: Iterable[int] = ()) -> None:
    """Tell everything that NVML says; GPUs in `last` are asked after all others, because one of them hung."""
    begun = report.ask("init", lambda: _call(pynvml.nvmlInit))
    if begun is None or begun[0]:
        return
    for call, fetch in _SYSTEM_CALLS:
        report.ask(call, lambda fetch=fetch: _call(fetch))  # type: ignore[misc]
    counted = report.ask("count", lambda: _call(pynvml.nvmlDeviceGetCount))
    if counted is None or counted[0]:
        return
    late = set(last)
    handles: dict[int, Any] = {}
    for index in sorted(range(counted[1]), key=lambda index: (index in late, index)):
        handle = _ask_device(report, index)
        if handle is not None:
            handles[index] = handle
    _ask_peers(report, handles)


def _ask_device(report: Report, index: int) -> Any:
    if report.skips("handle", index):
        return None
    handles: list[Any] = []

    def get_handle() -> None:
        handles.append(pynvml.nvmlDeviceGetHandleByIndex(index))

    answer = report.ask("handle", lambda: _call(get_handle), index)
    if answer is None or answer[0]:
        return None
    for call, fetch in _DEVICE_CALLS:
        answer = report.ask(call, lambda fetch=fetch: _call(fetch, handles[0]), index)  # type: ignore[misc]
        if call == "mig_mode" and answer is not None and answer[0] == 0 and answer[1][0]:
            report.ask("mig_instances", lambda: _call(_mig_instances, handles[0]), index)
    return handles[0]


def _mig_instances(handle: Any) -> list[list[str]]:
    found: list[list[str]] = []
    for position in range(_MIG_DEVICES_MAX):
        try:
            instance = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, position)
        except pynvml.NVMLError as error:
            if error.value in (pynvml.NVML_ERROR_NOT_FOUND, pynvml.NVML_ERROR_INVALID_ARGUMENT):
                continue
            raise
        found.append(
            [_text(pynvml.nvmlDeviceGetUUID(instance)), _text(pynvml.nvmlDeviceGetName(instance))]
        )
    return found


def _ask_peers(report: Report, handles: dict[int, Any]) -> None:
    """Ask each pair once whether the driver lets them read each other's memory."""
    for index, handle in handles.items():
        others = {other: peer for other, peer in handles.items() if other > index}
        if not others:
            continue

        def statuses(
            handle: Any = handle, others: dict[int, Any] = others
        ) -> list[tuple[int, int]]:
            return [
                (
                    other,
                    pynvml.nvmlDeviceGetP2PStatus(handle, peer, _P2P_READ),
                )
                for other, peer in others.items()
            ]

        report.ask("peers", lambda statuses=statuses: _call(statuses), index)  # type: ignore[misc]


def _call(function: Callable[..., Any], *arguments: Any) -> tuple[int, Any]:
    """Return the code and the value, made of what JSON has."""
    try:
        value = function(*arguments)
    except pynvml.NVMLError as error:
        return int(error.value), None
    except pynvml.NVMLLibraryMismatchError:
        return FUNCTION_NOT_FOUND, None
    except Exception as error:  # noqa: BLE001 (a process boundary: the binding's own fault costs one fact)
        return CRASHED, f"{type(error).__name__}: {error}"[:_VALUE_MAX]
    return 0, _plain(value)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | str):
        return _text(value)[:_VALUE_MAX]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | dict):
        return value
    return int(value)
