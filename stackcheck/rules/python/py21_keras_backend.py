"""PY-21: keras.json names a backend that is not installed."""

from __future__ import annotations

import json

from stackcheck.model.fact import Undecided, Unknown
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import file_of, variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, distributions_of

__all__ = ["RULE"]

BACKENDS = {"tensorflow": "tensorflow", "torch": "torch", "jax": "jax", "openvino": "openvino"}
"""Backend to the distribution that is it."""


def judge(situation: Situation) -> Finding | None:
    """Judge KERAS_BACKEND, else the configuration file, against what is installed."""
    machine = situation.machine
    distributions = distributions_of(machine)
    keras = distributions.get("keras")
    if keras is None or not keras.version.startswith("3"):
        raise NotApplicable("Keras 3 is not installed")
    source = "KERAS_BACKEND"
    backend = variable_of(machine, source)
    if not backend:
        file = file_of(machine, ".keras/keras.json")
        source = file.source
        text = file.get()
        try:
            backend = json.loads(text).get("backend") if text else None
        except (ValueError, AttributeError) as error:
            raise Undecided(Unknown("is no JSON object", source)) from error
    if backend is None:
        return None
    wanted = BACKENDS.get(str(backend))
    if wanted is None or any(
        name == wanted or name.startswith(f"{wanted}-") for name in distributions
    ):
        return None
    there = [name for name, distribution in BACKENDS.items() if distribution in distributions]
    choice = there[0] if there else "torch"
    return RULE.finding(
        f"Keras shall use the backend {backend}, which is not installed; installed: {', '.join(there) or 'none'}",
        evidence=(
            Evidence("backend", str(backend), source),
            Evidence("keras", keras.version, keras.path),
        ),
        cause="The configuration is shared by all environments of the user, and this one has another framework.",
        fix=Fix(
            "Name an installed backend for this environment, or install the one that is named",
            (f"export KERAS_BACKEND={choice}",) if there else (f"python -m pip install {wanted}",),
            reversible=not there,
        ),
        verify="python -c 'import keras; print(keras.backend.backend())'",
        subject="keras",
    )


RULE = MachineRule(
    code="PY-21",
    reason="other",
    layer="python",
    title="Keras' backend is not installed",
    explanation="Keras 3 reads KERAS_BACKEND, then ~/.keras/keras.json, and imports that framework or fails.",
    messages=("ModuleNotFoundError: No module named 'tensorflow'",),
    source="Keras documentation, Getting started: configuring your backend",
    judge=judge,
)
