"""`stackcheck explain`: what a code, a topic or a pasted message means."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from stackcheck.cli.options import JsonOption
from stackcheck.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stackcheck.cli.state import State
    from stackcheck.diagnose.explain.entry import Catalogue
    from stackcheck.diagnose.explain.topics import Topics
    from stackcheck.model.machine import Machine
    from stackcheck.rules.rule import Rule

__all__ = ["explain", "register"]

_PROBE_SECONDS = 2.0
"""What confirming a cause may cost; a driver that does not answer by then confirms nothing."""


def explain(
    context: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT",
            help="A code (DR-01), `rules` for all of them, a topic (cuda, pytorch, docker, ...), a message or log,"
            " or - for standard input.",
        ),
    ],
    *,
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="en|zh", help="Language of topics; else the locale's."),
    ] = None,
    confirm: Annotated[
        bool,
        typer.Option("--confirm/--no-confirm", help="Ask this machine whether it has the causes."),
    ] = True,
    json: JsonOption = False,
) -> None:
    """Say what a code, a topic or a pasted message means: likely causes, how to confirm them, and the fix.

    Ends with 0, with 2 for an empty text or an unknown code, with 3 where nothing in the text is known.
    """
    state: State = context.obj
    from stackcheck.diagnose.explain.entry import Catalogue
    from stackcheck.diagnose.explain.subject import read_subject
    from stackcheck.diagnose.explain.topics import LANGUAGES, Topics, language_of
    from stackcheck.knowledge.source import shipped

    if lang is not None and lang not in LANGUAGES:
        raise InputError(f"--lang {lang}: choose one of {', '.join(LANGUAGES)}")
    if what == ["rules"]:
        document, lines = _explain_rules()
        _print(document, lines, json=json)
        return
    catalogue, topics = Catalogue(shipped() / "messages"), Topics(shipped() / "topics")
    subject = read_subject(_text(what), _codes(catalogue), topics.names)
    if subject.kind == "code":
        document, lines = _explain_code(subject.name, catalogue, state, confirm=confirm)
    elif subject.kind == "topic":
        language = lang or language_of(os.environ)
        document, lines = _explain_topic(subject.name, language, topics, catalogue, state)
    else:
        document, lines = _explain_text(subject.name, catalogue, state, confirm=confirm)
    _print(document, lines, json=json)
    if subject.kind == "text" and not document["causes"]:
        raise typer.Exit(3)


def _print(document: dict[str, Any], lines: Iterable[str], *, json: bool) -> None:
    if json:
        from stackcheck.cli.state import print_document

        print_document("explain", document)
    else:
        for line in lines:
            typer.echo(line)


def _explain_rules() -> tuple[dict[str, Any], Iterable[str]]:
    from dataclasses import asdict

    from stackcheck.diagnose.explain.rule_list import list_rules, word_rules

    listed = list_rules()
    return {"causes": [], "rules": [asdict(each) for each in listed]}, word_rules(listed, _width())


def _text(what: list[str]) -> str:
    if what != ["-"]:
        if len(what) == 1 and len(what[0]) < 256 and Path(what[0]).is_file():
            raise InputError(
                f"explain {what[0]}: is a file; `stackcheck explain - < {what[0]}` explains what is in it"
            )
        return " ".join(what)
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _codes(catalogue: Catalogue) -> Iterator[str]:
    from stackcheck.diagnose.explain.of_rules import all_rules

    yield from catalogue.entries
    yield from (rule.code for rule in all_rules())


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100) if sys.stdout.isatty() else 80


def _explain_text(
    text: str, catalogue: Catalogue, state: State, *, confirm: bool
) -> tuple[dict[str, Any], Iterable[str]]:
    from stackcheck.diagnose.explain.lifetimes import lifetimes_of
    from stackcheck.diagnose.explain.ranking import explain as rank
    from stackcheck.diagnose.explain.wording import word_causes

    causes = rank(text, catalogue, lifetimes_of(state.knowledge()))
    confirmed = _confirm([cause.entry.code for cause in causes], state) if confirm else {}
    document = {
        "causes": [
            {
                "code": cause.entry.code,
                "reason": cause.entry.reason,
                "title": cause.entry.title,
                "confirm": cause.entry.confirm,
                "fix": cause.entry.fix,
                "confirmed": confirmed.get(cause.entry.code),
                "why": cause.entry.why,
                "weight": round(cause.score, 1),
                "line": cause.line or None,
                "message": cause.excerpt,
                "source": cause.source or cause.entry.source,
            }
            for cause in causes
        ]
    }
    if not causes:
        return document, [
            "nothing in this text is known",
            "hint: `stackcheck doctor` looks at the machine itself",
        ]
    return document, word_causes(causes, confirmed, _width())


def _explain_code(
    code: str, catalogue: Catalogue, state: State, *, confirm: bool
) -> tuple[dict[str, Any], Iterable[str]]:
    from stackcheck.diagnose.explain.of_rules import all_rules, entry_of
    from stackcheck.diagnose.explain.wording import word_entry

    rule = next((rule for rule in all_rules() if rule.code == code), None)
    entry = catalogue.entries.get(code) or entry_of(cast("Rule", rule))
    confirmed = _confirm([code], state).get(code) if confirm else None
    cause = {
        "code": code,
        "reason": rule.reason if rule else entry.reason,
        "title": entry.title,
        "confirm": entry.confirm,
        "fix": entry.fix,
        "confirmed": confirmed,
    }
    about = {
        "why": rule.explanation if rule else entry.why,
        "messages": list(rule.messages) if rule else [],
        "layer": rule.layer if rule else "",
        "severity": rule.severity if rule else "",
        "source": rule.source if rule else entry.source,
    }
    document = {"causes": [cause], "rule": {**cause, **about}}
    return document, word_entry(entry, rule, confirmed, _width())


def _explain_topic(
    name: str, lang: str, topics: Topics, catalogue: Catalogue, state: State
) -> tuple[dict[str, Any], Iterable[str]]:
    from stackcheck.diagnose.explain.bounds import describe_bounds
    from stackcheck.diagnose.explain.presence import describe_presence
    from stackcheck.diagnose.explain.wording import word_topic

    topic, say = topics.topic(name), topics.phrases(lang)
    machine = _probe(state)
    sections = {
        "stands_on": [topic.stands_on[lang]],
        "carries": [topic.carries[lang]],
        "here": describe_presence(name, machine, say),
        "bounded_by": [topic.bounds[lang], *describe_bounds(name, state.knowledge(), machine, say)],
    }
    see = [catalogue.entries[code] for code in topic.see]
    about = {"name": name, "lang": lang, "title": topic.title[lang], "what": topic.what[lang]}
    document = {
        "causes": [],
        "topic": {**about, **sections, "goes_wrong": [entry.code for entry in see]},
    }
    return document, word_topic(topic, lang, sections, see, say, _width())


def _confirm(codes: list[str], state: State) -> dict[str, bool]:
    """Return what this machine says of the codes; nothing where no rule could say it."""
    from stackcheck.diagnose.explain.confirmation import confirm, confirmable

    if not confirmable(codes):
        return {}
    return confirm(codes, _probe(state), state.knowledge())


def _probe(state: State) -> Machine:
    from stackcheck.probe.machine import probe_machine

    return probe_machine(timeout=_PROBE_SECONDS, progress=state.hint)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)
