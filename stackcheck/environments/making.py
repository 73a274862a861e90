"""The whole way: check the place, fill the prefix, prove it, guard it; or leave nothing."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from stackcheck.environments.creation import Creation, creating
from stackcheck.environments.guard import guard
from stackcheck.environments.installers.choice import Installer
from stackcheck.environments.preflight import check_place
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.register import add_to_register
from stackcheck.environments.stored_plan import dump_plan
from stackcheck.environments.tools import Tools
from stackcheck.environments.verification import Verification, verify
from stackcheck.errors import StackCheckError

__all__ = ["DoesNotHold", "Made", "make"]


class DoesNotHold(StackCheckError):
    """An environment was made and did not pass its verification; it has been removed."""

    def __init__(self, prefix: Path, verification: Verification) -> None:
        faults = [proof for proof in verification.proofs if proof.status == "error"]
        lines = "".join(f"\n  {proof.what}: {proof.message}" for proof in faults)
        super().__init__(f"{prefix}: the environment does not hold and was removed{lines}")
        self.verification = verification


@dataclass(frozen=True)
class Made:
    """A complete environment."""

    prefix: Path
    verification: Verification | None
    seconds: float
    """Of making it, without the verification."""
    verification_seconds: float


def _remember(
    recipe: Recipe, creation: Creation, installer: str, verification: Verification | None
) -> None:
    """Write what a later `check --env` compares with: plan, installer, packages, proofs."""
    content = {
        "schema": "stackcheck.environment/1",
        "name": recipe.name,
        "installer": installer,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "plan": dump_plan(recipe.plan),
        "wheels": [wheel.text for wheel in recipe.packages.wheels],
        "installed": dict(verification.installed) if verification else None,
        "verified": [vars(proof) for proof in verification.proofs] if verification else None,
    }
    path = creation.memory / "plan.json"
    path.write_text(json.dumps(content, indent=2) + "\n")


def make(
    recipe: Recipe,
    installer: Installer,
    tools: Tools,
    *,
    proving: bool,
    has_gpu: bool | None,
) -> Made:
    """Make the environment at `recipe.prefix`.

    Raises `InputError` for a prefix in use, `PrefixBusy`, `Unsuitable`, `ToolFailed` and its kin, and `DoesNotHold`;
    after any of them, and after an interrupt, the prefix is as it was before.
    """
    prefix = Path(recipe.prefix)
    check_place(prefix)
    with creating(prefix, dump_plan(recipe.plan)) as creation:
        began = time.monotonic()
        own = replace(tools, token=creation.token)
        installer.install(recipe, creation, own)
        seconds = time.monotonic() - began
        verification = verify(recipe.plan, prefix, own, has_gpu=has_gpu) if proving else None
        proven = time.monotonic() - began - seconds
        if verification is not None and not verification.holds:
            raise DoesNotHold(prefix, verification)
        guard(recipe, prefix, verification.installed if verification else {})
        _remember(recipe, creation, installer.name, verification)
        add_to_register(prefix)
        creation.commit()
    return Made(prefix, verification, seconds, proven)
