"""One rule says what a reason is."""

import pytest

from apps.core import reasons


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("错发", "错发"), (" 错\0发 \n 了 ", "错发 了"), ("lost", "lost"), ("错ok", "错ok"), ("很" * 300, "很" * 200),
        ("", ""), ("错", ""), ("ok", ""), ("。。。。", ""), ("- - - -", ""), ("错 。", ""),
    ],
)  # fmt: skip
def test_two_chinese_signs_or_four_letters_say_something(text: str, kept: str):
    assert reasons.said(text) == kept
