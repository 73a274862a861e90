"""Machines sketched for tests: a healthy one with every fact known, and changes to it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from stackcheck.diagnose.installed import situation_of
from stackcheck.diagnose.runner import run_rule
from stackcheck.knowledge.knowledge import load
from stackcheck.model.driver import DeviceNode, Driver, KernelModule, Library
from stackcheck.model.environment import Distribution, Environment, InstalledBuild
from stackcheck.model.fact import UNPROBED, Absent, Known, Unknown
from stackcheck.model.finding import Finding
from stackcheck.model.gpu import Ecc, Gpu, Link, PciFunction
from stackcheck.model.machine import Container, Host, Machine
from stackcheck.model.version import DriverVersion, Version
from stackcheck.rules.rule import Rule, Situation

ABSENT = Absent("test")
UNKNOWN = Unknown("nobody could tell", "test")
GPU_UUID = "GPU-00000000-1111-2222-3333-444444444444"


def known(value: Any) -> Known[Any]:
    return Known(value, "test")


def _fill(section: Any, **values: Any) -> Any:
    """Make every fact that was not probed absent, so that only what a test names is there."""
    filled = {
        entry.name: ABSENT for entry in fields(section) if getattr(section, entry.name) is UNPROBED
    }
    return replace(section, **{**filled, **values})


def library(soname: str, version: str, directory: str = "/usr/lib/x86_64-linux-gnu") -> Library:
    return Library(
        soname,
        f"{directory}/{soname}",
        known(DriverVersion(version)),
        forward_compatible_with=ABSENT,
    )


def node(
    path: str, mode: int = 0o666, *, usable: bool = True, major: int = 195, minor: int = 0
) -> DeviceNode:
    return DeviceNode(
        path, known(major), known(minor), known(mode), known(0), known(44), known(usable)
    )


def gpu(index: int = 0, **changes: Any) -> Gpu:
    made: Gpu = _fill(
        Gpu(
            index,
            name=known("NVIDIA H100 80GB HBM3"),
            compute_capability=known(Version("9.0")),
            uuid=known(GPU_UUID if not index else f"{GPU_UUID[:-1]}{index}"),
            serial=known("1650123456789"),
            pci_address=known(f"0000:{0x3B + index:02x}:00.0"),
            minor=known(index),
            brand=known("NVIDIA"),
            memory_bytes=known(80 * 2**30),
            memory_free_bytes=known(79 * 2**30),
            handle_code=known(0),
            persistence=known(True),
            compute_mode=known(0),
            event_reasons=known(0),
            recovery_action=known(0),
            fabric_state=known(0),
            fabric_status=known(0),
            fabric_health=known(0),
            virtualization=known(0),
            mig_enabled=known(False),
            mig_pending=known(False),
            mig_instances=known(()),
            processes=known(()),
            nvlinks_active=known(0),
            nvlinks=known(0),
            inforom_valid=known(True),
            ecc=Ecc(known(True), known(0), known(0), known(False), known(False), known(False)),
            link=Link(known(16), known(16), known(5), known(5), known(0)),
        )
    )
    return changed(made, **changes)


def function(index: int = 0, **changes: Any) -> PciFunction:
    return changed(
        PciFunction(
            f"0000:{0x3B + index:02x}:00.0",
            device=known("0x2330"),
            driver=known("nvidia"),
            responds=known(True),
            bars_assigned=known(True),
            link_width=known(16),
            max_link_width=known(16),
            excluded=known(False),
            minor=known(index),
        ),
        **changes,
    )


def distribution(name: str, version: str, **changes: Any) -> Distribution:
    made = Distribution(
        name,
        version,
        f"/env/lib/python3.12/site-packages/{name.replace('-', '_')}-{version}.dist-info",
        installer=known("pip"),
        conda_build=ABSENT,
        conda_channel=ABSENT,
        missing_files=known(0),
    )
    return changed(made, **changes)


def installed(distribution_name: str, version: str, build: str, **changes: Any) -> InstalledBuild:
    frameworks = {"torch": "pytorch"}
    made: InstalledBuild = _fill(
        InstalledBuild(
            frameworks.get(distribution_name, distribution_name),
            distribution_name,
            Version(version),
            known(build),
        )
    )
    return changed(made, **changes)


def environment(**changes: Any) -> Environment:
    made: Environment = _fill(
        Environment(
            "/env",
            executable=known("/env/bin/python"),
            kind=known("venv"),
            chosen_by="VIRTUAL_ENV",
            python=known(Version("3.12.4")),
            implementation=known("cpython"),
            distributions=known(()),
            builds=known(()),
            libraries=known(()),
            shadowing=known(()),
        )
    )
    return changed(made, **changes)


def healthy(gpus: int = 1, **changes: Any) -> Machine:
    """A bare-metal machine with H100s on which everything is well and every fact is known."""
    release = DriverVersion("580.95.05")
    made = Machine(
        time="2026-11-20T12:00:00+00:00",
        host=_fill(
            Host(
                platform=known("linux"),
                os=known("Ubuntu 24.04.3 LTS"),
                kernel=known("6.8.0-45-generic"),
                arch=known("x86_64"),
                glibc=known(Version("2.39")),
                hostname=known("gpunode07"),
                cpu_count=known(64),
                memory_bytes=known(512 * 2**30),
                container=ABSENT,
                variables=known({}),
            )
        ),
        pci=known(tuple(function(index) for index in range(gpus))),
        driver=_fill(
            Driver(
                release=known(release),
                cuda=known(Version("13.0")),
                nvml_code=known(0),
                cuinit_code=known(0),
                nvml_library=known(library("libnvidia-ml.so.1", "580.95.05")),
                cuda_library=known(library("libcuda.so.1", "580.95.05")),
                cuda_libraries=known((library("libcuda.so.1", "580.95.05"),)),
                persistence_daemon=known(True),
                nodes=known(
                    (
                        node("/dev/nvidiactl", minor=255),
                        node("/dev/nvidia-uvm", major=511),
                        *(node(f"/dev/nvidia{index}", minor=index) for index in range(gpus)),
                    )
                ),
                module=_fill(
                    KernelModule(
                        version=known(release),
                        flavour=known("open"),
                        uvm_loaded=known(True),
                        nouveau_loaded=known(False),
                        built_for=known(("6.8.0-45-generic",)),
                        parameters=known({}),
                        device_majors=known({"nvidia": 195, "nvidia-uvm": 511}),
                        hmm_disabled=known(False),
                        nvswitches=known(0),
                    )
                ),
            )
        ),
        gpus=known(tuple(gpu(index) for index in range(gpus))),
        toolkits=known(()),
        system_cudnn=ABSENT,
        environment=known(environment()),
    )
    return changed(made, **changes)


def without_gpu(**changes: Any) -> Machine:
    """A machine without GPU and driver, as a laptop or a login node."""
    made = Machine(
        host=healthy().host,
        pci=known(()),
        driver=_fill(Driver(nvml_code=known(12), module=_fill(KernelModule()), nodes=known(()))),
        gpus=UNKNOWN,
        toolkits=known(()),
        system_cudnn=ABSENT,
        environment=known(environment()),
    )
    return changed(made, **changes)


def in_container(machine: Machine, engine: str = "docker") -> Machine:
    return changed(machine, host__container=Container(engine, ABSENT, known(True)))


def changed(value: Any, **changes: Any) -> Any:
    """Return a copy with fields changed; `driver__module__version` reaches into parts.

    A plain value stands for the fact that it is known; text becomes a version where one stood before.
    """
    for path, change in changes.items():
        name, _, rest = path.partition("__")
        old = getattr(value, name)
        if rest and isinstance(old, Known):
            new: Any = known(changed(old.value, **{rest: change}))
        elif rest:
            new = changed(old, **{rest: change})
        elif not isinstance(old, Known | Absent | Unknown) or isinstance(
            change, Known | Absent | Unknown
        ):
            new = change
        elif isinstance(old, Known) and isinstance(old.value, Version) and isinstance(change, str):
            new = known(DriverVersion(change))
        else:
            new = known(change)
        value = replace(value, **{name: new})
    return value


def with_gpu(machine: Machine, index: int = 0, **changes: Any) -> Machine:
    """Return the machine with facts of one GPU changed."""
    gpus = list(machine.gpus.get() or ())
    gpus[index] = changed(gpus[index], **changes)
    return changed(machine, gpus=tuple(gpus))


def with_function(machine: Machine, index: int = 0, **changes: Any) -> Machine:
    """Return the machine with facts of one PCI function changed."""
    functions = list(machine.pci.get() or ())
    functions[index] = changed(functions[index], **changes)
    return changed(machine, pci=tuple(functions))


def with_variables(machine: Machine, **variables: str) -> Machine:
    return changed(machine, host__variables=variables)


def with_distributions(machine: Machine, *names: str) -> Machine:
    """Return the machine with distributions in its environment, each as `name==version`."""
    made = tuple(distribution(*name.split("==")) for name in names)
    return changed(machine, environment__distributions=made)


def situation(machine: Machine) -> Situation:
    return situation_of(machine, load())


def verdict(rule: Rule, machine: Machine) -> Finding | str:
    """Return the finding, or how the rule ended: `pass`, `skipped`, `unknown` or `crashed: ...`."""
    findings, check = run_rule(rule, situation(machine))
    if check.outcome == "crashed":
        return f"crashed: {check.traceback}"
    return findings[0] if findings else check.outcome


def found(rule: Rule, machine: Machine) -> Finding:
    """Return the finding that a rule must make here."""
    result = verdict(rule, machine)
    assert isinstance(result, Finding), result
    assert result.code == rule.code
    return result


def with_limits(machine: Machine, **values: Any) -> Machine:
    """Return the machine with small numbers, each a value or a fact."""
    facts = {
        name: value if isinstance(value, Known | Absent | Unknown) else known(value)
        for name, value in values.items()
    }
    return changed(machine, host__limits={**machine.host.limits, **facts})


def with_files(machine: Machine, files: dict[str, Any]) -> Machine:
    """Return the machine with small texts, each a text or a fact."""
    facts = {
        path: text if isinstance(text, Known | Absent | Unknown) else Known(text, path)
        for path, text in files.items()
    }
    return changed(machine, host__files={**machine.host.files, **facts})


def with_builds(machine: Machine, *builds: str, **facts: Any) -> Machine:
    """Return the machine with frameworks installed, each as `torch==2.9.0+cu128`."""
    made = tuple(
        installed(name, version, build, **facts)
        for name, _, rest in (text.partition("==") for text in builds)
        for version, _, build in (rest.partition("+"),)
    )
    return changed(machine, environment__builds=made)


def with_libraries(machine: Machine, *names: str) -> Machine:
    """Return the machine with libraries in its environment, each as `libcudnn.so.9==9.10.2`."""
    made = tuple(
        library(*name.split("=="), directory="/env/lib/python3.12/site-packages/nvidia/x/lib")
        for name in names
    )
    return changed(machine, environment__libraries=made)


def wsl(**changes: Any) -> Machine:
    """A healthy WSL machine: one GeForce through /dev/dxg, Windows' libraries, nothing on the PCI bus."""
    folder = "/usr/lib/wsl/lib"
    libraries = {
        "nvml_library": library("libnvidia-ml.so.1", "1.1", folder),
        "cuda_library": library("libcuda.so.1", "1.1", folder),
    }
    machine = changed(
        healthy(),
        host__platform="wsl2",
        host__kernel="5.15.167.4-microsoft-standard-WSL2",
        host__wsl_libraries=("libcuda.so.1", "libdxcore.so", "libnvidia-ml.so.1"),
        pci=(),
        driver__module=_fill(KernelModule(nouveau_loaded=known(False), nvswitches=known(0))),
        driver__nodes=(node("/dev/dxg", major=10, minor=125),),
        **{f"driver__{name}": value for name, value in libraries.items()},
    )
    machine = with_gpu(
        machine,
        name="NVIDIA GeForce RTX 4090",
        compute_capability=Version("8.9"),
        ecc=_fill(Ecc()),
        mig_enabled=ABSENT,
        mig_pending=ABSENT,
    )
    return changed(machine, **changes)


def jetson(**changes: Any) -> Machine:
    """A healthy Jetson Orin: its own driver, nothing on the PCI bus."""
    machine = changed(
        healthy(),
        host__platform="jetson",
        host__arch="aarch64",
        host__os="Ubuntu 22.04.4 LTS",
        host__kernel="5.15.148-tegra",
        host__glibc="2.35",
        pci=(),
        driver__module__version="540.4.0",
        driver__release="540.4.0",
        driver__cuda="12.6",
        driver__nvml_library=library("libnvidia-ml.so.1", "540.4.0"),
        driver__cuda_library=library("libcuda.so.1", "1.1", "/usr/lib/aarch64-linux-gnu/nvidia"),
        driver__cuda_libraries=(
            library("libcuda.so.1", "1.1", "/usr/lib/aarch64-linux-gnu/nvidia"),
        ),
    )
    machine = with_gpu(machine, name="Orin (nvgpu)", compute_capability=Version("8.7"))
    return changed(machine, **changes)
