"""PY-25: the release was never built as asked. The search for candidates finds it, so it has nothing to judge."""

from __future__ import annotations

from stackcheck.rules.rule import Rule

__all__ = ["RULE"]

RULE = Rule(
    code="PY-25",
    reason="other",
    layer="python",
    title="no such build",
    explanation="Each release is built for a few CUDA versions only. A label that a release never had cannot be"
    " installed: the installer says that there is no matching distribution, or falls back to another build.",
    messages=("ERROR: No matching distribution found for torch==2.9.0+cu111",),
    source="the projects' wheel indexes",
)
