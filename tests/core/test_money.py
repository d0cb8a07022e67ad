"""Money is whole 分; text goes in with at most two decimals and comes out for files and for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import money


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0", 0), ("1", 100), ("1.5", 150), ("12.34", 1234), ("-0.01", -1), ("¥1,234.50", 123450), ("￥8", 800),
        (" 3.20 ", 320), ("1e2", 10000), ("12.340", 1234),
    ],
)  # fmt: skip
def test_an_amount_is_read(text, cents):
    assert money.cents(text) == cents


@pytest.mark.parametrize("text", ["", "abc", "1.234", "NaN", "Infinity", "1e30", "--1", "1.2.3", "=1+1", "十"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        money.cents(text)


@pytest.mark.parametrize(
    ("cents", "file", "people"),
    [(0, "0.00", "¥0.00"), (5, "0.05", "¥0.05"), (-5, "-0.05", "−¥0.05"), (123450, "1234.50", "¥1,234.50")],
)
def test_an_amount_is_written(cents, file, people):
    assert money.yuan(cents) == file
    assert money.show(cents) == people


@given(st.integers(-money.MAX_CENTS, money.MAX_CENTS))
def test_what_is_written_for_files_reads_back_the_same(cents):
    assert money.cents(money.yuan(cents)) == cents
