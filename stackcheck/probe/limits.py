"""Numbers that rules look up by name: limits, sizes, and truth values as 0 or 1.

Their names and meanings are `stackcheck.model.small_facts.LIMITS`. Those that hang on an environment or on the driver
are added once these are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.probe.host import FileSystem, HostReader
from stackcheck.probe.loader import Loader
from stackcheck.probe.programs import ask_version
from stackcheck.probe.texts import CDI_FILES

__all__ = ["environment_limits", "probe_limits"]

_EFI_VARIABLES = "/sys/firmware/efi/efivars"
_FIRMWARE = ("/lib/firmware/nvidia", "/usr/lib/firmware/nvidia")
_CAP_IPC_LOCK = 14
_ENGINE_TOOLS = ("nvidia-ctk", "nvidia-container-runtime", "nvidia-container-cli")


def probe_limits(host: HostReader, loader: Loader) -> dict[str, Fact[int]]:
    """Return every number that needs nothing but the host and its loader."""
    variables = host.environment
    shm = host.file_system("/dev/shm")  # noqa: S108 (looked at, not written to)
    temporary_path = variables.get("TMPDIR") or "/tmp"  # noqa: S108
    temporary = host.file_system(temporary_path)
    return {
        "shm_bytes": _part(shm, lambda found: found.total_bytes),
        "shm_free_bytes": _part(shm, lambda found: found.free_bytes),
        "shm_writable": _truth(host.writable("/dev/shm")),  # noqa: S108
        "memlock_bytes": host.limit("memlock"),
        "address_space_bytes": host.limit("as"),
        "cgroup_memory_bytes": _memory_limit(host),
        "oom_kills": _oom_kills(host),
        "tmp_free_bytes": _part(temporary, lambda found: found.free_bytes),
        "tmp_free_inodes": _part(temporary, lambda found: found.free_inodes),
        "tmp_noexec": _part(temporary, lambda found: int(found.noexec)),
        **_caches(host),
        "infiniband_devices": _count(host.names("/sys/class/infiniband")),
        "driver_container": _truth(host.exists("/run/nvidia/driver/usr")),
        "peermem_loaded": _truth(host.exists("/sys/module/nvidia_peermem")),
        "iommu_groups": _count(host.names("/sys/kernel/iommu_groups")),
        "ipc_lock": _capability(host, _CAP_IPC_LOCK),
        "secure_boot": _secure_boot(host),
        **_module_build(host),
        "gsp_firmware": _firmware(host),
        **_ptx_compiler(host, loader),
        "libcuda_link": _found(loader.resolve_file("libcuda.so")),
        "libcuda_cached": _cached(loader, "libcuda.so.1"),
        "zlib": _found(loader.resolve("libz.so.1")),
        "container_toolkit": _commands(host, *_ENGINE_TOOLS),
        "container_engine": _commands(host, "docker", "podman"),
        "podman_major": _podman(host),
        "engine_rootless": _rootless(host),
        "mps_control": _mps(host),
        "gcc": _gcc(host),
        "slurm_job": Known(int("SLURM_JOB_ID" in variables), "SLURM_JOB_ID"),
    }


def environment_limits(host: HostReader, prefix: str, kind: str | None) -> dict[str, Fact[int]]:
    """Return the numbers about the file system of an environment, and whether the user's site directory joins it."""
    found = host.file_system(prefix)
    isolated = kind in ("venv", "uv")
    disabled = isolated or bool(host.environment.get("PYTHONNOUSERSITE"))
    return {
        "env_free_bytes": _part(found, lambda found: found.free_bytes),
        "env_free_inodes": _part(found, lambda found: found.free_inodes),
        "user_site": Known(int(not disabled), "PYTHONNOUSERSITE"),
    }


def _part(found: Fact[FileSystem], part: Callable[[FileSystem], int]) -> Fact[int]:
    return Known(part(found.value), found.source) if isinstance(found, Known) else found


def _truth(found: Fact[bool]) -> Fact[int]:
    return Known(int(found.value), found.source) if isinstance(found, Known) else found


def _found(path: Fact[str]) -> Fact[int]:
    """Turn a path into 1 and its absence into 0."""
    return path if isinstance(path, Unknown) else Known(int(isinstance(path, Known)), path.source)


def _count(names: Fact[tuple[str, ...]]) -> Fact[int]:
    if isinstance(names, Unknown):
        return names
    return Known(len(names.peek() or ()), names.source)


def _number(text: Fact[str]) -> Fact[int]:
    if not isinstance(text, Known):
        return text
    if not text.value.isdecimal():
        return Unknown(f"reads {text.value[:20]!r}", text.source)
    return Known(int(text.value), text.source)


def _own_cgroup(host: HostReader, name: str) -> Fact[str]:
    """Return a file of the own control group (version 2): in its directory, or in the root inside a container."""
    own = host.text("/proc/self/cgroup").peek() or ""
    found = re.search(r"^0::(/.*)$", own, re.MULTILINE)
    below = found[1].rstrip("/") if found else ""
    for path in (f"/sys/fs/cgroup{below}/{name}", f"/sys/fs/cgroup/{name}"):
        text = host.line(path)
        if isinstance(text, Known):
            return text
    return Absent(f"/sys/fs/cgroup/{name}")


def _memory_limit(host: HostReader) -> Fact[int]:
    text = _own_cgroup(host, "memory.max")
    if text.peek() == "max":
        return Known(-1, text.source)
    return _number(text)


def _oom_kills(host: HostReader) -> Fact[int]:
    text = _own_cgroup(host, "memory.events")
    if not isinstance(text, Known):
        return text
    found = re.search(r"^oom_kill (\d+)$", text.value, re.MULTILINE)
    return Known(int(found[1]), text.source) if found else Unknown("has no oom_kill", text.source)


def _caches(host: HostReader) -> dict[str, Fact[int]]:
    variables = host.environment
    home = variables.get("HOME", "")
    cuda = variables.get("CUDA_CACHE_PATH") or f"{home}/.nv/ComputeCache"
    triton = variables.get("TRITON_CACHE_DIR") or f"{home}/.triton"
    cupy = variables.get("CUPY_CACHE_DIR") or f"{home}/.cupy/kernel_cache"
    if not home:
        lost = Unknown("HOME is not set", "HOME")
        return dict.fromkeys(
            (
                "home_writable",
                "cuda_cache_writable",
                "triton_cache_writable",
                "triton_cache_noexec",
                "cupy_cache_writable",
            ),
            lost,
        )
    return {
        "home_writable": _truth(host.writable(home)),
        "cuda_cache_writable": _truth(host.writable(cuda)),
        "triton_cache_writable": _truth(host.writable(triton)),
        "triton_cache_noexec": _part(host.file_system(triton), lambda found: int(found.noexec)),
        "cupy_cache_writable": _truth(host.writable(cupy)),
    }


def _capability(host: HostReader, bit: int) -> Fact[int]:
    path = "/proc/self/status"
    text = host.text(path)
    if not isinstance(text, Known):
        return text
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", text.value, re.MULTILINE)
    if not found:
        return Unknown("has no CapEff", path)
    return Known(int(found[1], 16) >> bit & 1, path)


def _secure_boot(host: HostReader) -> Fact[int]:
    """Return the last byte of the SecureBoot variable; absent without EFI."""
    names = host.names(_EFI_VARIABLES)
    name = next((name for name in names.peek() or () if name.startswith("SecureBoot-")), None)
    if name is None:
        return names if isinstance(names, Unknown) else Absent(f"{_EFI_VARIABLES}/SecureBoot-*")
    data = host.read(f"{_EFI_VARIABLES}/{name}", 16)
    if not isinstance(data, Known):
        return data
    if len(data.value) != 5:
        return Unknown(f"has {len(data.value)} bytes, not 5", f"{_EFI_VARIABLES}/{name}")
    return Known(data.value[4], f"{_EFI_VARIABLES}/{name}")


def _module_build(host: HostReader) -> dict[str, Fact[int]]:
    kernel = host.uname("release")
    if not isinstance(kernel, Known):
        lost = Unknown("the running kernel is not known", kernel.source)
        return {"kernel_headers": lost, "dkms_build_failed": lost}
    tree = "/var/lib/dkms/nvidia"
    versions = host.names(tree).peek() or ()
    logs = [version for version in versions if host.is_file(f"{tree}/{version}/build/make.log")]
    built = any(host.is_directory(f"{tree}/{version}/{kernel.value}") for version in versions)
    return {
        "kernel_headers": _truth(host.exists(f"/lib/modules/{kernel.value}/build")),
        "dkms_build_failed": Known(int(bool(logs) and not built), tree),
    }


def _firmware(host: HostReader) -> Fact[int]:
    """Count the GSP firmware files of the loaded driver; absent where no driver is loaded."""
    version = host.line("/sys/module/nvidia/version")
    if not isinstance(version, Known):
        return version
    if not any(host.is_directory(path.rpartition("/")[0]) for path in _FIRMWARE):
        return Unknown("no firmware directory is there", _FIRMWARE[0])
    for directory in _FIRMWARE:
        names = host.names(f"{directory}/{version.value}")
        if isinstance(names, Unknown):
            return names
        found = [name for name in names.peek() or () if name.startswith("gsp_")]
        if found:
            return Known(len(found), f"{directory}/{version.value}")
    return Known(0, f"{_FIRMWARE[0]}/{version.value}")


def _ptx_compiler(host: HostReader, loader: Loader) -> dict[str, Fact[int]]:
    """Tell whether the driver's PTX compiler is there; of a tree without the driver's files nothing is told."""
    found = loader.resolve("libnvidia-ptxjitcompiler.so.1")
    if not host.is_real and not isinstance(loader.resolve("libcuda.so.1"), Known):
        return {}
    return {"ptx_compiler": _found(found)}


def _cached(loader: Loader, soname: str) -> Fact[int]:
    entries = loader.cache
    if not isinstance(entries, Known):
        return entries
    return Known(int(any(entry.soname == soname for entry in entries.value)), entries.source)


def _commands(host: HostReader, *names: str) -> Fact[int]:
    found = next((path for name in names if (path := host.command(name))), None)
    return Known(int(found is not None), found or "PATH")


def _podman(host: HostReader) -> Fact[int]:
    """Return podman's major version; it is asked only where a CDI specification is there to be read by it."""
    if host.command("podman") is None:
        return Absent("PATH")
    if not any(host.is_file(path) for path in CDI_FILES):
        return Unknown("not asked: there is no CDI specification", "podman --version")
    text = ask_version(host, "podman")
    if not isinstance(text, Known):
        return text
    found = re.search(r"(\d+)\.\d+", text.value)
    return Known(int(found[1]), text.source) if found else Unknown("names none", text.source)


def _rootless(host: HostReader) -> Fact[int]:
    """Tell a rootless engine by the user's own socket, or by DOCKER_HOST naming one."""
    uid = host.uid
    address = host.environment.get("DOCKER_HOST", "")
    if address.startswith(f"unix:///run/user/{uid}/"):
        return Known(1, "DOCKER_HOST")
    if uid is None:
        return Unknown("the user is not known", "uid")
    path = f"/run/user/{uid}/docker.sock"
    return _truth(host.exists(path))


def _mps(host: HostReader) -> Fact[int]:
    """Tell whether the MPS daemon's control pipe is there; absent where nobody set MPS up."""
    given = host.environment.get("CUDA_MPS_PIPE_DIRECTORY")
    directory = given or "/tmp/nvidia-mps"  # noqa: S108 (MPS' own default)
    if not host.is_directory(directory):
        return Known(0, "CUDA_MPS_PIPE_DIRECTORY") if given else Absent(directory)
    return _truth(host.exists(f"{directory}/control"))


def _gcc(host: HostReader) -> Fact[int]:
    """Return the major of the compiler that nvcc would take: CC, else gcc; read from the name behind its links."""
    name = host.environment.get("NVCC_CCBIN") or "gcc"
    path = name if name.startswith("/") else host.command(name)
    if path is None:
        return Absent("PATH")
    real = host.real_path(path)
    found = re.search(r"(?:gcc|g\+\+)-(\d+)$", real)
    if found:
        return Known(int(found[1]), real)
    majors = {
        int(version.partition(".")[0])
        for triplet in host.names("/usr/lib/gcc").peek() or ()
        for version in host.names(f"/usr/lib/gcc/{triplet}").peek() or ()
        if version[:1].isdigit()
    }
    if len(majors) == 1:
        return Known(majors.pop(), "/usr/lib/gcc")
    return Unknown("neither its file name nor its directory tells the version", real)
