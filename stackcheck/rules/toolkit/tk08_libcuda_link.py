"""TK-08: the linker cannot find libcuda."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed, variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of, require_gpu, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge where Triton looks to build its helper: the loader's cache, LD_LIBRARY_PATH, the development link."""
    machine = situation.machine
    require_platform(machine, "linux", "wsl2")
    require_gpu(machine)
    names = {
        distribution.name for distribution in environment_of(machine).distributions.get() or ()
    }
    if not names & {"triton", "pytorch-triton"}:
        raise NotApplicable("nothing here links against libcuda (Triton does)")
    cached = limit_of(machine, "libcuda_cached")
    link = limit_of(machine, "libcuda_link")
    library = machine.driver.cuda_library.get()
    if library is None or cached.get() or link.get():
        return None
    searched = (variable_of(machine, "LD_LIBRARY_PATH") or "").split(":")
    if library.path.rpartition("/")[0] in searched:
        return None
    return RULE.finding(
        "libcuda.so.1 is there, and the linker would not find it: no libcuda.so and no entry in the loader's cache",
        evidence=(
            observed("libcuda.so.1", machine.driver.cuda_library, lambda found: found.path),
            observed("in the loader's cache", cached, lambda found: "yes" if found else "no"),
            observed("libcuda.so", link, lambda found: "there" if found else "none"),
        ),
        cause="Triton compiles a small helper against libcuda and asks the loader's cache where it is.",
        fix=Fix(
            "Refresh the loader's cache, or name the directory",
            ("sudo ldconfig", "export TRITON_LIBCUDA_PATH=/usr/lib/x86_64-linux-gnu"),
            needs_root=True,
        ),
        verify="ldconfig -p | grep libcuda.so",
    )


RULE = MachineRule(
    code="TK-08",
    reason="other",
    layer="toolkit",
    severity="warning",
    title="linker cannot find libcuda",
    explanation="Linking wants libcuda.so or an entry in the loader's cache; running is content with libcuda.so.1.",
    messages=("/usr/bin/ld: cannot find -lcuda", "libcuda.so cannot found!"),
    source="triton-lang/triton#1981, #2019, #2883; state-spaces/mamba#123",
    judge=judge,
)
