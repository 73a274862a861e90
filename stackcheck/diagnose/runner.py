"""Run rules on a situation: every one ends as a pass, a finding, unknown, skipped or crashed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from stackcheck.diagnose.folding import fold
from stackcheck.diagnose.selection import select_rules
from stackcheck.diagnose.status import status_of
from stackcheck.model.diagnosis import Check, Diagnosis, Outcome
from stackcheck.model.fact import Undecided, Unknown
from stackcheck.model.finding import Finding
from stackcheck.rules.rule import BuildRule, MachineRule, Rule, SetRule, Situation
from stackcheck.rules.scope import NotApplicable

__all__ = ["diagnose", "run_rule"]

NO_GPU = "HW-01"
"""The one finding that is information for people and an error for `--require-gpu`."""


@dataclass
class _Record:
    """What one rule said, over all that it judged."""

    findings: list[Finding] = field(default_factory=list)
    lacks: list[Unknown] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    passed: int = 0
    crash: str = ""
    crash_note: str = ""

    def ask(self, judge: Callable[[], Finding | None]) -> None:
        """Let the rule judge once."""
        try:
            finding = judge()
        except Undecided as undecided:
            self.lacks.append(undecided.fact)
        except NotApplicable as reason:
            self.skipped.append(str(reason))
        except Exception as error:  # noqa: BLE001 (a crashed rule is our fault: said, and the others go on)
            self.crash = traceback.format_exc()
            self.crash_note = f"{type(error).__name__}: {error}"
        else:
            if finding is None:
                self.passed += 1
            else:
                self.findings.append(finding)

    @property
    def outcome(self) -> Outcome:
        """The gravest thing that happened: a finding stands even where another judgement crashed."""
        if self.findings:
            return "finding"
        if self.crash:
            return "crashed"
        if self.lacks:
            return "unknown"
        return "pass" if self.passed else "skipped"

    @property
    def note(self) -> str:
        """Why it did not come to a judgement."""
        if self.crash:
            return self.crash_note
        if self.lacks:
            return f"{self.lacks[0].source}: {self.lacks[0].reason}"
        return self.skipped[0] if self.skipped and not self.passed else ""


def run_rule(rule: Rule, situation: Situation) -> tuple[tuple[Finding, ...], Check]:
    """Run one rule, over every build if it judges builds; nothing that it raises escapes."""
    record = _Record()
    start = time.perf_counter()
    if isinstance(rule, BuildRule):
        for build in situation.builds:
            record.ask(lambda build=build: rule.judge(build, situation))  # type: ignore[misc]
        if not situation.builds:
            record.skipped.append("no framework in the environment")
    elif isinstance(rule, SetRule) and not (situation.builds or situation.packages):
        record.skipped.append("nothing is installed in the environment")
    elif isinstance(rule, MachineRule | SetRule):
        record.ask(lambda: rule.judge(situation))
    check = Check(
        code=rule.code,
        outcome=record.outcome,
        seconds=time.perf_counter() - start,
        layer=rule.layer,
        title=rule.title,
        note=record.note,
        lacks=tuple(dict.fromkeys(record.lacks)),
        traceback=record.crash,
    )
    return tuple(record.findings), check


def diagnose(
    situation: Situation,
    rules: Sequence[Rule],
    *,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    require_gpu: bool = False,
    failed: Sequence[Check] = (),
) -> Diagnosis:
    """Judge a machine by rules.

    `failed` are third-party rules that could not be loaded; they are reported among the checks. Raises `InputError`
    where `only` or `skip` match nothing.
    """
    findings: list[Finding] = []
    checks: list[Check] = []
    follows: dict[str, tuple[str, ...]] = {}
    for rule in select_rules(rules, only=only, skip=skip):
        found, check = run_rule(rule, situation)
        findings += found
        checks.append(check)
        follows[rule.code] = getattr(rule, "follows", ())
    if require_gpu:
        findings = [
            replace(finding, severity="error") if finding.code == NO_GPU else finding
            for finding in findings
        ]
    roots = fold(_exclude_passed(findings, checks, follows), follows)
    environment = situation.machine.environment.peek()
    checks += failed
    return Diagnosis(
        status=status_of(roots, checks, require_gpu=require_gpu),
        target=environment.prefix if environment else "",
        machine=situation.machine,
        findings=roots,
        checks=tuple(checks),
    )


def _exclude_passed(
    findings: Iterable[Finding], checks: Iterable[Check], follows: dict[str, tuple[str, ...]]
) -> list[Finding]:
    """Add to each finding the causes that would have explained it and were judged not to be there."""
    passed = {check.code: check.title for check in checks if check.outcome == "pass"}
    return [
        replace(
            finding,
            ruled_out=finding.ruled_out
            + tuple(
                f"{code}: {passed[code]}"
                for code in follows.get(finding.code, ())
                if code in passed
            ),
        )
        for finding in findings
    ]
