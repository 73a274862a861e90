"""DN-06: cuDNN 8 is wanted and 9 installed, or the reverse."""

from __future__ import annotations

import re

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]

_SONAME = re.compile(r"libcudnn\w*\.so\.(\d+)")


def judge(situation: Situation) -> Finding | None:
    """Judge the cuDNN majors that extension modules name against those that can be found."""
    machine = situation.machine
    environment = environment_of(machine)
    wanted = {
        (build.distribution, soname, found[1])
        for build in environment.builds.get() or ()
        for soname in build.needed
        if (found := _SONAME.match(soname))
    }
    if not wanted:
        raise NotApplicable("nothing installed links cuDNN")
    libraries = list(environment.libraries.get() or ())
    there = {found[1]: library for library in libraries if (found := _SONAME.match(library.soname))}
    missing = sorted(entry for entry in wanted if entry[2] not in there)
    if not missing:
        return None
    system = machine.system_cudnn.get()
    if system is not None and (found := _SONAME.match(system.soname)):
        there[found[1]] = system
        missing = [entry for entry in missing if entry[2] not in there]
    if not missing or not there:
        return None
    distribution, soname, major = missing[0]
    other = max(there)
    return RULE.finding(
        f"{distribution} needs cuDNN {major}, and only cuDNN {other} is here",
        evidence=(
            Evidence(f"{distribution} needs", soname, "ELF header"),
            Evidence("cuDNN found", f"{there[other].soname} ({there[other].path})", "loader"),
        ),
        cause="Libraries of different cuDNN majors have different names and interfaces; one does not stand in for"
        " the other.",
        fix=Fix(
            f"Take a build of {distribution} for cuDNN {other}, or pin cuDNN to {major} in an environment of its own",
            (f"python -m pip install --upgrade {distribution}",),
            reversible=True,
        ),
        verify="stackcheck doctor --only DN-06",
        subject=distribution,
    )


RULE = MachineRule(
    code="DN-06",
    reason="cudnn-mismatch",
    layer="cudnn",
    title="another cuDNN major than the build needs",
    explanation="cuDNN 9 renamed its sub-libraries (libcudnn_ops_infer became libcudnn_ops). What was built for"
    " cuDNN 8 asks for names that a cuDNN 9 installation does not have.",
    messages=(
        "Could not load library libcudnn_ops_infer.so.8. Error: libcudnn_ops_infer.so.8: cannot open",
    ),
    source="SYSTRAN/faster-whisper#516; deepmodeling/deepmd-kit#3610",
    judge=judge,
)
