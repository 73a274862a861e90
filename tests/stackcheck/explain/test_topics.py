from __future__ import annotations

import pytest

from stackcheck.diagnose.explain.bounds import describe_bounds
from stackcheck.diagnose.explain.presence import describe_presence
from stackcheck.diagnose.explain.topics import LANGUAGES, Topics, language_of
from stackcheck.diagnose.explain.wording import word_topic
from stackcheck.knowledge.knowledge import load
from stackcheck.knowledge.source import shipped
from tests.stackcheck import sketch

TOPICS = Topics(shipped() / "topics")
OWN = sorted(set(TOPICS.names.values()))
ASKED_FOR = {
    *("gpu", "driver", "cuda", "cudnn", "nccl", "conda", "pip", "docker", "tensor", "autograd"),
    *(
        "pytorch",
        "tensorflow",
        "keras",
        "jax",
        "paddlepaddle",
        "mxnet",
        "caffe",
        "cntk",
        "theano",
        "cupy",
    ),
}
LINES = 45
"""What a screen shows without scrolling."""


def screen(name, lang, machine):
    topic, say = TOPICS.topic(name), TOPICS.phrases(lang)
    sections = {
        "stands_on": [topic.stands_on[lang]],
        "carries": [topic.carries[lang]],
        "here": describe_presence(name, machine, say),
        "bounded_by": [topic.bounds[lang], *describe_bounds(name, load(), machine, say)],
    }
    return list(word_topic(topic, lang, sections, [], say, 80))


def test_every_part_of_the_stack_is_a_topic():
    assert set(OWN) >= ASKED_FOR


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(
    "machine",
    [sketch.healthy(2), sketch.without_gpu(), sketch.wsl()],
    ids=["server", "none", "wsl"],
)
def test_a_topic_fits_on_a_screen(name, lang, machine):
    lines = screen(name, lang, machine)
    assert 12 <= len(lines) <= LINES
    assert all(columns(line) <= 82 for line in lines)


def columns(line):
    return sum(2 if ord(char) > 0x2E7F else 1 for char in line)


@pytest.mark.parametrize("name", OWN)
def test_a_topic_is_in_both_languages(name):
    topic = TOPICS.topic(name)
    for texts in (topic.title, topic.what, topic.stands_on, topic.carries, topic.bounds):
        assert set(texts) == set(LANGUAGES)
        assert not any(ord(char) > 0x2E7F for char in texts["en"])
        assert any(ord(char) > 0x2E7F for char in texts["zh"])


@pytest.mark.parametrize("name", OWN)
def test_a_topic_points_at_entries_that_exist(name, catalogue):
    see = TOPICS.topic(name).see
    assert see
    assert set(see) <= set(catalogue.entries)


def test_the_languages_have_the_same_phrases():
    for key in ("stands_on", "carries", "here", "bounded_by", "goes_wrong"):
        assert TOPICS.phrases("en")(key) != TOPICS.phrases("zh")(key)


def test_the_driver_topic_names_the_driver_of_this_machine():
    lines = describe_presence("driver", sketch.healthy(), TOPICS.phrases("en"))
    assert any("580.95.05" in line for line in lines)


def test_a_framework_topic_names_the_installed_build():
    machine = sketch.with_builds(sketch.healthy(), "torch==2.9.0+cu128")
    lines = describe_presence("pytorch", machine, TOPICS.phrases("en"))
    assert any("2.9.0" in line for line in lines)


def test_the_cuda_topic_says_what_the_driver_bounds():
    lines = describe_bounds("cuda", load(), sketch.healthy(), TOPICS.phrases("en"))
    assert any("13" in line for line in lines)


@pytest.mark.parametrize(
    ("variables", "lang"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "de_DE"}, "en"),
    ],
)
def test_the_locale_chooses_the_language(variables, lang):
    assert language_of(variables) == lang
