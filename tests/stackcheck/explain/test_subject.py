from __future__ import annotations

import pytest

from stackcheck.diagnose.explain.subject import Subject, read_subject
from stackcheck.errors import InputError

CODES = ("DR-01", "KM-05")
TOPICS = {"cuda": "cuda", "torch": "pytorch", "compute-capability": "gpu"}


def read(text: str) -> Subject:
    return read_subject(text, CODES, TOPICS)


@pytest.mark.parametrize("text", ["DR-01", "dr-01", "  DR-01\n"])
def test_codes_are_known_in_any_case(text):
    assert read(text) == Subject("code", "DR-01")


@pytest.mark.parametrize(
    ("text", "topic"), [("CUDA", "cuda"), ("torch", "pytorch"), ("compute capability", "gpu")]
)
def test_topics_have_several_names(text, topic):
    assert read(text) == Subject("topic", topic)


def test_anything_else_is_a_text_and_stays_as_it_is():
    assert read("  No CUDA\n") == Subject("text", "  No CUDA\n")


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_an_empty_text_is_refused(text):
    with pytest.raises(InputError, match="empty"):
        read(text)


def test_an_unknown_code_is_refused_with_what_is_near_it():
    with pytest.raises(InputError, match="no such code; near it: DR-01"):
        read("DR-02")


def test_a_misspelt_topic_is_refused_with_what_is_near_it():
    with pytest.raises(InputError, match="no such topic; near it: cuda"):
        read("cudda")


def test_codes_are_not_gone_through_for_a_text():
    def codes():
        raise AssertionError
        yield ""

    assert read_subject("No CUDA GPUs are available", codes(), TOPICS).kind == "text"
