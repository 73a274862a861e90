from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from stackcheck.model.fact import Absent, Known, Unknown
from stackcheck.model.gpu import Gpu, Peer
from stackcheck.model.machine import Machine
from stackcheck.probe.machine import probe_machine
from tests.hardware.driver import FakeDriver


def gpus(machine: Machine) -> tuple[Gpu, ...]:
    assert isinstance(machine.gpus, Known)
    return machine.gpus.value


def test_reads_every_gpu_through_the_real_binding(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 8, "driver": "570.133.20", "cuda": 12080, "gpu.*.fabric_state": 3})
    machine = probe_machine()
    assert len(gpus(machine)) == 8
    first = gpus(machine)[0]
    assert first.name.get() == "NVIDIA H100 80GB HBM3"
    assert str(first.compute_capability.get()) == "9.0"
    assert first.memory_bytes.get() == 81559 << 20
    assert first.fabric_state.get() == 3
    assert first.pci_address.get() == "0000:18:00.0"
    assert first.mig_enabled == Absent("NVML: mig_mode")
    assert str(machine.driver.release.get()) == "570.133.20"
    assert str(machine.driver.cuda.get()) == "12.8"
    assert machine.driver.cuinit_code.get() == 0


def test_absence_of_the_libraries_is_a_return_code_and_an_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    machine = probe_machine()
    if machine.driver.nvml_library.peek() is not None:
        pytest.skip("this machine has a driver of its own")
    assert machine.driver.nvml_code == Known(12, "NVML: init")
    assert machine.driver.cuinit_code == Absent("libcuda.so.1")
    assert isinstance(machine.gpus, Unknown)


def test_lists_the_instances_of_a_mig_gpu_and_none_of_the_others(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 2, "gpu.0.mig": 1, "gpu.0.mig_count": 3, "gpu.1.mig": 0})
    first, second = gpus(probe_machine())
    assert [instance.name for instance in first.mig_instances.get() or ()] == [
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    ] * 3
    assert second.mig_instances == Known((), "NVML: mig_mode")


@pytest.mark.parametrize("code", [4, 9, 18, 999])
def test_a_failed_start_leaves_the_gpus_unknown_and_names_the_code(
    fake_driver: FakeDriver, code: int
) -> None:
    fake_driver.play({"count": 1, "ret.nvmlInit": code, "ret.cuInit": 100})
    machine = probe_machine()
    assert machine.driver.nvml_code.get() == code
    assert machine.driver.cuinit_code.get() == 100
    assert isinstance(machine.gpus, Unknown)
    assert str(code) in machine.gpus.reason


def test_a_lost_gpu_is_listed_by_its_handle_code_and_the_others_are_complete(
    fake_driver: FakeDriver,
) -> None:
    fake_driver.play({"count": 3, "ret.nvmlDeviceGetHandleByIndex_v2.1": 15})
    found = gpus(probe_machine())
    assert [gpu.handle_code.get() for gpu in found] == [0, 15, 0]
    assert isinstance(found[1].name, Unknown)
    assert found[2].name.get()


def test_an_old_driver_without_newer_functions_costs_only_those(fake_driver: FakeDriver) -> None:
    missing = ("nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetMigMode", "nvmlDeviceGetRemappedRows")
    fake_driver.play(
        {
            "count": 1,
            "driver": "418.87.01",
            "cuda": 10010,
            "gpu.*.cc": 37,
            "gpu.*.name": "Tesla K80",
        }
        | {f"ret.{name}": 13 for name in missing}
    )
    machine = probe_machine()
    (gpu,) = gpus(machine)
    assert gpu.name.get() == "Tesla K80"
    assert str(machine.driver.cuda.get()) == "10.1"
    assert isinstance(gpu.fabric_state, Unknown)
    assert isinstance(gpu.mig_enabled, Unknown)
    assert isinstance(gpu.ecc.remap_failed, Unknown)


def test_an_older_library_takes_the_older_fabric_structure(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 1, "fabric_version": 2, "gpu.0.fabric_state": 2})
    assert gpus(probe_machine())[0].fabric_state.get() == 2


def test_a_call_that_hangs_costs_one_unknown(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 4, "hang.nvmlDeviceGetPersistenceMode.2": 1})
    machine = probe_machine(timeout=3)
    found = gpus(machine)
    assert isinstance(found[2].persistence, Unknown)
    assert "no answer within 3 s" in found[2].persistence.reason
    assert found[2].compute_mode.get() == 0
    assert [gpu.persistence.get() for gpu in found if gpu.index != 2] == [True] * 3
    assert machine.driver.cuinit_code.get() == 0
    assert any("persistence" in note for note in machine.notes)


def test_a_gpu_that_hangs_at_every_call_does_not_cost_the_other_gpus(
    fake_driver: FakeDriver,
) -> None:
    hangs = {f"hang.nvmlDeviceGet{name}.0": 1 for name in ("Name", "UUID", "CudaComputeCapability")}
    fake_driver.play({"count": 3, **hangs})
    found = gpus(probe_machine(timeout=3))
    assert isinstance(found[0].name, Unknown)
    assert all(gpu.name.get() and gpu.processes.get() == () for gpu in found[1:])


def test_a_hung_start_of_cuda_leaves_nvml_complete(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 1, "hang.cuInit": 1, "ignore_sigterm": 1})
    machine = probe_machine(timeout=3)
    assert isinstance(machine.driver.cuinit_code, Unknown)
    assert str(machine.driver.cuda.get()) == "12.8"
    assert gpus(machine)[0].name.get()


def test_a_hung_start_of_nvml_leaves_cuda(fake_driver: FakeDriver) -> None:
    fake_driver.play({"hang.nvmlInit": 1, "ret.cuInit": 802})
    machine = probe_machine(timeout=3)
    assert isinstance(machine.driver.nvml_code, Unknown)
    assert machine.driver.cuinit_code.get() == 802
    assert isinstance(machine.gpus, Unknown)


def test_a_crash_costs_the_call_that_crashed(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 2, "crash.nvmlDeviceValidateInforom.1": 1})
    first, second = gpus(probe_machine())
    assert first.inforom_valid.get() is True
    assert isinstance(second.inforom_valid, Unknown)
    assert "crashed" in second.inforom_valid.reason
    assert second.power_limit_watts.get() == 700


def test_what_the_driver_prints_does_not_get_between_the_facts(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 1, "say.nvmlDeviceGetName": '{"call": "name", "code": 0}'})
    assert gpus(probe_machine())[0].name.get() == "NVIDIA H100 80GB HBM3"


def test_nothing_is_left_running_after_a_hang(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 1, "hang.nvmlDeviceGetName": 1, "ignore_sigterm": 1})
    probe_machine(timeout=0.5)
    scenario = str(fake_driver.scenario).encode()

    def still_running() -> list[str]:
        found = []
        for process in Path("/proc").glob("[0-9]*/environ"):
            try:
                if scenario in process.read_bytes() and process.parent.name != str(os.getpid()):
                    found.append(process.parent.name)
            except OSError:
                continue
        return found

    for _ in range(100):
        if not still_running():
            break
        time.sleep(0.05)
    assert still_running() == []


def test_says_what_it_waits_for(fake_driver: FakeDriver) -> None:
    fake_driver.play({"count": 1, "hang.nvmlDeviceGetUUID": 1})
    said: list[str] = []
    probe_machine(timeout=2.5, progress=said.append)
    assert said == ["waiting for the driver (uuid of GPU 0)"]


def test_every_kind_of_answer_comes_through_the_binding(fake_driver: FakeDriver) -> None:
    fake_driver.play(
        {
            "count": 2,
            "gpu.*.p2p": 3,
            "gpu.0.processes": "4711,4712",
            "gpu.0.recovery_action": 2,
            "gpu.0.nvlinks": 18,
            "gpu.0.nvlinks_active": 15,
            "gpu.0.ecc_uncorrected": 12,
            "gpu.0.remap_pending": 1,
            "gpu.0.fabric_state": 3,
            "gpu.0.fabric_health": 5,
            "gpu.0.fabric_summary": 2,
            "gpu.0.virtualization": 2,
            "gpu.0.licensed": 0,
            "gpu.0.event_reasons": 0x40,
            "gpu.0.serial": "1652823054567",
            "gpu.1.ecc": "na",
            "gpu.1.memory": "na",
            "ret.nvmlDeviceValidateInforom.1": 14,
            "conf_compute": 1,
            "conf_compute_ready": 0,
        }
    )
    machine = probe_machine()
    first, second = gpus(machine)
    assert first.processes.get() == (4711, 4712)
    assert first.recovery_action.get() == 2
    assert (first.nvlinks_active.get(), first.nvlinks.get()) == (15, 18)
    assert first.ecc.uncorrected.get() == 12
    assert (first.ecc.remap_pending.get(), first.ecc.remap_failed.get()) == (True, False)
    fabric = (first.fabric_state, first.fabric_health, first.fabric_summary)
    assert tuple(fact.get() for fact in fabric) == (3, 5, 2)
    assert first.event_reasons.get() == 0x40
    assert first.serial.get() == "1652823054567"
    assert first.gsp_firmware.get() == "570.133.20"
    assert first.peers.get() == (Peer(1, 3),)
    assert second.peers.get() == (Peer(0, 3),)
    assert isinstance(second.ecc.uncorrected, Absent)
    assert isinstance(second.memory_bytes, Absent)
    assert second.inforom_valid.get() is False
    assert machine.host.limits["vgpu_licensed"].get() == 0
    assert machine.host.limits["conf_compute_ready"].get() == 0


def test_a_child_that_cannot_be_started_leaves_the_driver_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "gone"))
    machine = probe_machine()
    assert isinstance(machine.driver.nvml_code, Unknown)
    assert "could not be started" in machine.driver.nvml_code.reason
    assert isinstance(machine.gpus, Unknown)
    assert machine.host.kernel.get()
