"""Code 128: the pictures of the standard, and what a reader makes of ours."""

import re

import pytest

from apps.activity import bars


def test_every_symbol_is_eleven_modules_wide_starts_dark_and_stands_once():
    widths = bars._WIDTHS
    assert len(widths) == 107
    assert len(set(widths)) == 107
    assert all(sum(map(int, one)) == 11 and len(one) == 6 for one in widths[:106])
    assert all(
        sum(map(int, one[::2])) % 2 == 0 for one in widths[:106]
    )  # bars of every symbol are even: the standard's own check
    assert widths[106] == "2331112"


def test_the_check_symbol_is_the_standards():
    """105 + 1·12 + 2·34 + 3·56 + 4·78 = 665, 665 mod 103 = 47."""
    assert bars.symbols("12345678") == [105, 12, 34, 56, 78, 47, 106]


def test_eighteen_digits_take_154_modules_with_quiet_on_both_sides():
    made = bars.svg("483920174655201938")
    assert 'viewBox="0 0 154 32"' in made
    drawn = [(int(at), int(wide)) for at, wide in re.findall(r"M(\d+) 0h(\d+)v", made)][1:]
    assert drawn[0] == (10, 2)
    assert sum(drawn[-1]) == 144


@pytest.mark.parametrize("digits", ["123", "12a4", "１２"])
def test_what_are_no_pairs_of_digits_is_refused(digits: str):
    with pytest.raises(ValueError, match="pairs"):
        bars.svg(digits)
