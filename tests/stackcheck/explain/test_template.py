from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.diagnose.explain.template import Template, TemplateError

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="#*{}|"), min_size=1).map(str.strip)


def finds(template: str, text: str) -> bool:
    return Template(template).search(text.lower()) is not None


@given(WORDS.filter(bool), st.text(max_size=20))
def test_plain_text_finds_itself_anywhere(words, before):
    assert finds(words, f"{before} {words} {before}")


@given(WORDS.filter(bool), st.text())
def test_the_cheap_answer_never_denies_a_match(words, text):
    template = Template(words)
    if not template.may_occur(text.lower()):
        assert template.search(text.lower()) is None


@pytest.mark.parametrize("number", ["12", "12.4", "9.1.0.70", "0"])
def test_a_hash_stands_for_a_number(number):
    assert finds("CUDA #", f"cuda {number}")
    assert not finds("CUDA #", "cuda toolkit")


def test_an_asterisk_stays_within_its_line():
    assert finds("CUDA*failed", "CUDA call 3 failed")
    assert not finds("CUDA*failed", "CUDA call 3\nfailed")
    assert not finds("CUDA*failed", f"CUDA {'x' * 200} failed")


def test_braces_offer_choices():
    template = "driver {is|was|} too {old|young}"
    assert finds(template, "the driver was too old")
    assert finds("{no|any} GPU", "any GPU")
    assert not finds(template, "the driver were too old")


def test_any_quotation_mark_or_none_stands_for_a_quotation_mark():
    for text in (
        'No module named "torch"',
        "No module named torch",
        "No module named \u2018torch\u2019",
    ):
        assert finds("No module named 'torch'", text)


def test_white_space_stands_for_any_white_space():
    assert finds("no kernel image is available", "no kernel\n   image is  available")


@pytest.mark.parametrize("text", ["guncuda", "cudas", "acuda"])
def test_words_match_whole(text):
    assert not finds("cuda", text)


def test_numbers_match_whole():
    assert finds("Xid 31", "xid 31:")
    assert not finds("Xid 31", "xid 311")


@pytest.mark.parametrize("text", ["{a|b", "a|b}", "{a{b}}"])
def test_unbalanced_and_nested_braces_are_faults(text):
    with pytest.raises(TemplateError):
        Template(text).check()
