from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcheck.diagnose.explain.paste import LIMIT, read_paste

NOISE = "epoch 12 step 345 loss 0.123 version 3 driver loop\n"
FAULT = "RuntimeError: CUDA error: no kernel image is available for execution on the device"


@given(st.text())
def test_offsets_are_the_same_in_both_texts(text):
    paste = read_paste(text)
    assert len(paste.text) == len(paste.lowered)
    assert len(paste.numbers) == paste.text.count("\n") + 1


def test_terminal_control_codes_go():
    assert read_paste("\x1b[31merror:\x1b[0m no GPU\x1b]0;title\x07").text == "error: no GPU"


def test_short_texts_stay_as_they_are():
    assert read_paste("one\r\ntwo").text == "one\ntwo"


def test_long_logs_are_bounded():
    distinct = "".join(
        f"error: {chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676 % 26)} {'x' * (i % 97)}\n"
        for i in range(60_000)
    )
    assert len(read_paste(distinct).text) <= LIMIT


def test_one_endless_line_is_bounded():
    assert len(read_paste("cuda error " * 1_000_000).text) <= LIMIT


def test_a_fault_in_the_middle_of_a_long_log_is_kept_with_its_line_number():
    lines = [NOISE] * 100_000
    lines[77_777] = FAULT + "\n"
    paste = read_paste("".join(lines))
    number, text = paste.line_at(paste.lowered.index("no kernel image"))
    assert (number, text) == (77_778, FAULT)


def test_a_fault_at_the_end_of_many_others_is_kept():
    others = "".join(f"error: {'abcdefghij'[i % 10] * (i % 700)} failed\n" for i in range(7000))
    assert FAULT in read_paste(others + FAULT).text


def test_lines_that_differ_in_numbers_alone_are_not_kept_endlessly():
    log = "".join(f"worker {i}: CUDA error at 0x{i:x}\n" for i in range(100_000))
    assert read_paste(log).text.count("worker") == 3
