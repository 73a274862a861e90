"""One framework beside the engine, step by step: where they part, in which layer, by which file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stackcheck.model.record import record
from stackcheck.model.smoke import ParityResult
from stackcheck.smoke.divergence import Divergence, blame_library, find_divergence
from stackcheck.smoke.explanation import explain_failure
from stackcheck.smoke.jobs import Job, write_trace
from stackcheck.smoke.programs import Framework, train_in_engine, train_in_framework
from stackcheck.smoke.runner import Listener
from stackcheck.smoke.told import Told, first_words, load_arrays
from stackcheck.smoke.trajectory import Difference, Trajectory, compare_trajectories

__all__ = ["TOLERANCE", "Parity"]

TOLERANCE = 1e-4
"""Relative, of a loss in float32."""
_REFERENCE = "engine-cpu"


@record(frozen=True)
class Parity:
    """One framework in one mode, held against what the engine told of the same jobs."""

    framework: Framework
    version: str
    folder: Path
    output: str
    reference: Mapping[str, Told]
    listener: Listener
    expect_gpu: bool
    """Whether computing on the CPU is a silent fallback."""

    def judge(self, job: Job, told: Told) -> ParityResult:
        """Compare one task with the reference; where they part, compute that step again, layer by layer."""
        ours = self.reference[job.name]
        blank = ParityResult(
            self.framework.name, job.task, self.framework.mode, None, None, "error", self.version,
            tolerance=TOLERANCE, steps=len(ours.losses), prefix=self.framework.interpreter.prefix,
        )  # fmt: skip
        if ours.failed:
            return replace(blank, status="unknown", message=f"no reference: {ours.failed}")
        if told.failed:
            explanation = explain_failure(told.failed)
            return replace(blank, message=first_words(told.failed), explanation=explanation)
        reference = self._trajectory(_REFERENCE, job, ours)
        difference = compare_trajectories(
            reference, self._trajectory(self.output, job, told), TOLERANCE
        )
        placement = told.placement.lower()
        faults = []
        if self.expect_gpu and not placement.startswith("cuda"):
            faults.append(
                f"computed on {placement} although this machine has a GPU: a silent fallback to the CPU"
            )
        if difference.step is not None:
            faults.append(difference.message)
        found = replace(
            blank,
            first_difference=difference.step,
            largest_difference=difference.largest,
            status="error" if faults else "ok",
            placement=placement,
            message="; ".join(faults),
            seconds=told.seconds,
            parameter=difference.parameter,
            step_seconds=told.step_seconds,
            reference_step_seconds=ours.step_seconds,
        )
        if not difference.step or difference.step > len(ours.losses):
            return found
        return self._locate(found, job, difference, reference)

    def _trajectory(self, output: str, job: Job, told: Told) -> Trajectory:
        return Trajectory(told.losses, load_arrays(self.folder, output, job.name))

    def _locate(
        self, found: ParityResult, job: Job, difference: Difference, reference: Trajectory
    ) -> ParityResult:
        """Compute the step that differs again on both sides, from the reference's weights before it."""
        step = difference.step or 1
        weights = {name: reference.weights[f"{step - 1}/{name}"] for name in reference.names()}
        trace = write_trace(self.folder, job, weights, step)
        name = f"trace.{self.output}"
        ours, _ = train_in_engine(self.folder, f"{name}.engine", [trace], self.listener)
        eager = replace(self.framework, mode="eager")
        theirs, _ = train_in_framework(eager, self.folder, name, [trace], self.listener.progress)
        reached = ours[trace.name], theirs[trace.name]
        if failed := reached[0].failed or reached[1].failed:
            told = f"the step could not be computed again: {first_words(failed)}"
            return replace(found, message=f"{found.message}; {told}")
        divergence = find_divergence(
            load_arrays(self.folder, f"{name}.engine", trace.name),
            load_arrays(self.folder, name, trace.name),
            reached[1].layers,
        )
        layer, message = _word(divergence, found, step)
        library = blame_library(divergence.layer if divergence else "", reached[1].libraries)
        if library and divergence:
            message += f"; computed by {library}"
        return replace(
            found,
            layer=layer,
            library=library if divergence else "",
            message=f"{found.message}; {message}",
        )


def _word(divergence: Divergence | None, found: ParityResult, step: int) -> tuple[str, str]:
    """Return the layer to blame and a sentence."""
    if divergence:
        return divergence.layer, divergence.message
    agree = f"computed again from the reference's weights, every activation and gradient of step {step} agrees"
    if found.mode == "compiled":
        return "compiler", f"{agree} in eager mode: it is the compiled program that differs"
    if f"after step {step}" in found.message:
        return "update", f"{agree}: it is the optimizer's update that differs"
    return "", f"{agree}: what differed did not come again"
