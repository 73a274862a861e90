"""What the shipped messages say, loaded once."""

from __future__ import annotations

import pytest

from stackcheck.diagnose.explain.entry import Catalogue
from stackcheck.diagnose.explain.lifetimes import Lifetimes, lifetimes_of
from stackcheck.diagnose.explain.ranking import Cause, explain
from stackcheck.knowledge.knowledge import load
from stackcheck.knowledge.source import shipped


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue(shipped() / "messages")


@pytest.fixture(scope="session")
def lifetimes() -> Lifetimes:
    return lifetimes_of(load())


@pytest.fixture(scope="session")
def causes_of(catalogue, lifetimes):
    """Explain a text with the shipped messages."""

    def rank(text: str) -> tuple[Cause, ...]:
        return explain(text, catalogue, lifetimes)

    return rank


@pytest.fixture(scope="session")
def codes_of(causes_of):
    return lambda text: [cause.entry.code for cause in causes_of(text)]


@pytest.fixture(scope="session")
def reasons_of(causes_of):
    return lambda text: [cause.entry.reason for cause in causes_of(text)]
