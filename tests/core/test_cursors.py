"""A cursor works for the list that made it and for no other."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import cursors
from apps.core.cursors import CursorInvalid

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_a_cursor_brings_back_its_key():
    assert cursors.read("orders:7", cursors.write("orders:7", [NOON, 42])) == ["2026-11-22T04:00:00+00:00", 42]


def test_a_cursor_of_another_list_or_owner_is_refused():
    with pytest.raises(CursorInvalid):
        cursors.read("orders:8", cursors.write("orders:7", [42]))


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str):
    with pytest.raises(CursorInvalid):
        cursors.read("orders:7", text)


def test_a_changed_cursor_is_refused():
    made = cursors.write("orders:7", [42])
    for place in range(len(made)):
        changed = made[:place] + ("A" if made[place] != "A" else "B") + made[place + 1 :]
        try:
            assert cursors.read("orders:7", changed) == [42]  # unused bits of the last letter
        except CursorInvalid:
            continue
