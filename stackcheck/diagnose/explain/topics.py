"""Topics: what the parts of the stack are, in English and Chinese. Loaded from `topics/*.yaml`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stackcheck.diagnose.explain.entry import MessagesError
from stackcheck.model.record import record

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

__all__ = ["LANGUAGES", "Say", "Topic", "Topics", "language_of"]

Say = Callable[..., str]
"""Words a phrase by its name, with values for what it leaves open."""

LANGUAGES = ("en", "zh")
SCHEMA = "stackcheck.topics/1"
_TEXTS = ("title", "what", "stands_on", "carries", "bounds")


@record(frozen=True)
class Topic:
    """One part of the stack; every text is there in every language."""

    name: str
    title: Mapping[str, str]
    what: Mapping[str, str]
    stands_on: Mapping[str, str]
    carries: Mapping[str, str]
    bounds: Mapping[str, str]
    see: tuple[str, ...]
    """Codes of what most often goes wrong with it."""


class Topics:
    """All topics; a file is read when its topic is asked for."""

    def __init__(self, folder: Traversable) -> None:
        self._folder = folder

    @cached_property
    def names(self) -> dict[str, str]:
        """Every name that people use for a topic, with the topic's own."""
        index = self._read("index.yaml")
        names = {}
        for topic, others in index["topics"].items():
            names[topic] = topic
            names |= dict.fromkeys(others or (), topic)
        return names

    def topic(self, name: str) -> Topic:
        """Read one topic by its own name. Raises `MessagesError` where a text lacks."""
        document = self._read(f"{name}.yaml")
        lacks = [
            f"{text}.{lang}"
            for text in _TEXTS
            for lang in LANGUAGES
            if not document.get(text, {}).get(lang)
        ]
        if lacks:
            raise MessagesError(f"topics/{name}.yaml: lacks {', '.join(lacks)}")
        texts = {text: document[text] for text in _TEXTS}
        return Topic(name=name, see=tuple(document.get("see", ())), **texts)

    def phrases(self, lang: str) -> Say:
        """Return what words phrases in a language."""
        phrases = self._read("phrases.yaml")["phrases"]

        def say(phrase: str, **values: object) -> str:
            return str(phrases[phrase][lang]).format(**values)

        return say

    def _read(self, name: str) -> dict[str, Any]:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            document = yaml.load((self._folder / name).read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a safe loader)
        except yaml.YAMLError as error:
            raise MessagesError(f"topics/{name}: {error}") from error
        if document.get("schema") != SCHEMA:
            raise MessagesError(f"topics/{name}: schema is not {SCHEMA}")
        return dict(document)


def language_of(variables: Mapping[str, str]) -> str:
    """Return the language that the locale's variables ask for; English unless it is Chinese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := variables.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
