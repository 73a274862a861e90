"""Names of the small facts that rules look up in `Host.limits` and `Host.files`.

A fact that probing does not bring is unknown to the rule that wants it. Truth values in `limits` are 0 or 1.
"""

from __future__ import annotations

__all__ = ["FILES", "LIMITS"]

LIMITS = {
    "shm_bytes": "size of /dev/shm",
    "shm_free_bytes": "free bytes in /dev/shm",
    "shm_writable": "1 if this user may write to /dev/shm",
    "memlock_bytes": "soft RLIMIT_MEMLOCK, -1 for unlimited",
    "address_space_bytes": "soft RLIMIT_AS, -1 for unlimited",
    "cgroup_memory_bytes": "memory.max of the own cgroup, -1 for no limit",
    "oom_kills": "oom_kill in memory.events of the own cgroup",
    "tmp_free_bytes": "free bytes of the temporary directory",
    "tmp_free_inodes": "free inodes of the temporary directory, -1 where the file system counts none",
    "tmp_noexec": "1 if the temporary directory is mounted noexec",
    "env_free_bytes": "free bytes where the environment is",
    "env_free_inodes": "free inodes where the environment is, -1 where the file system counts none",
    "home_writable": "1 if the home directory exists and is writable",
    "cuda_cache_writable": "1 if CUDA_CACHE_PATH (~/.nv/ComputeCache), or the nearest parent that exists, is writable",
    "triton_cache_writable": "the same of TRITON_CACHE_DIR (~/.triton)",
    "triton_cache_noexec": "1 if that is mounted noexec",
    "cupy_cache_writable": "the same of CUPY_CACHE_DIR (~/.cupy/kernel_cache)",
    "infiniband_devices": "entries of /sys/class/infiniband",
    "peermem_loaded": "1 if /sys/module/nvidia_peermem exists",
    "iommu_groups": "entries of /sys/kernel/iommu_groups",
    "ipc_lock": "1 if CapEff in /proc/self/status has CAP_IPC_LOCK",
    "secure_boot": "last byte of the SecureBoot variable in /sys/firmware/efi/efivars; absent without EFI",
    "kernel_headers": "1 if /lib/modules/<kernel>/build leads somewhere",
    "dkms_build_failed": "1 if /var/lib/dkms/nvidia/*/build/make.log exists and no module for the running kernel",
    "gsp_firmware": "gsp_*.bin files for the loaded driver's version below the firmware directories",
    "ptx_compiler": "1 if the loader finds libnvidia-ptxjitcompiler.so.1",
    "libcuda_link": "1 if the loader's directories hold a plain libcuda.so",
    "libcuda_cached": "1 if ld.so.cache lists libcuda.so.1; absent without a cache",
    "zlib": "1 if the loader finds libz.so.1",
    "container_toolkit": "1 if nvidia-ctk, nvidia-container-runtime or nvidia-container-cli is on PATH",
    "driver_container": "1 if a driver container (GPU Operator) keeps the user-mode driver below /run/nvidia/driver",
    "container_engine": "1 if docker or podman is on PATH",
    "podman_major": "major version of podman; absent without it",
    "engine_rootless": "1 if the container engine of this user runs rootless",
    "mps_control": "1 if the MPS pipe directory holds a control pipe of this user's; absent without the directory",
    "gcc": "major version of the host compiler that nvcc would take",
    "conf_compute_ready": "1 if the confidential-computing GPUs are set ready; absent where the feature is off",
    "vgpu_licensed": "1 if the guest's vGPU holds its licence; absent where the GPU is no vGPU",
    "slurm_job": "1 inside a Slurm job",
    "user_site": "1 if Python would add the user's site-packages to the environment",
}
"""Number to its meaning."""

FILES = {
    "/etc/docker/daemon.json": "configuration of the Docker daemon",
    "/etc/nvidia-container-runtime/config.toml": "configuration of the container toolkit",
    "/etc/cdi/nvidia.yaml": "CDI specification",
    "/var/run/cdi/nvidia.yaml": "CDI specification made at boot",
    "/proc/cmdline": "the kernel's command line",
    "/proc/sys/vm/overcommit_memory": "0, 1 or 2",
    "/etc/nccl.conf": "settings of NCCL",
    "/sys/class/net": "network interfaces, a name a line",
    "/etc/nv_tegra_release": "Jetson Linux release",
    ".keras/keras.json": "Keras' configuration, below the home directory",
    ".config/docker/daemon.json": "configuration of a rootless Docker daemon, below the home directory",
    ".wslconfig": "the Windows user's WSL configuration",
    "pip": "prefix of the first pip on PATH",
}
"""Path, or a name where there is none, to what its text is."""
