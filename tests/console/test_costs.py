"""Costs on their pages: by hand once, from a file whole or not at all, out and in again."""

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.care import policies
from apps.care.models import Cost
from apps.stores.models import Role

HEAD = "campaign,channel,day,yuan,note,number\n"


@pytest.fixture
def desk(at: Callable[..., Client]) -> Client:
    policies.create(key="spring", name="Spring letters")
    return at(Role.MARKETER)


def _send(desk: Client, text: str) -> str:
    sent = desk.post("/console/costs/file/", {"file": SimpleUploadedFile("c.csv", text.encode("gb18030"))}, follow=True)
    return sent.content.decode()


def test_a_double_click_enters_once_and_taking_back_shows_both(desk: Client) -> None:
    number = re.search(r'name="number" value="(\w+)"', desk.get("/console/costs/").content.decode())
    said = {
        "about": "spring",
        "channel": "ads",
        "day": "2026-01-05",
        "amount": "1,250.50",
        "number": number and number[1],
    }
    for _click in range(2):
        assert desk.post("/console/costs/", said).status_code == 302
    row = Cost.objects.get()
    assert (row.amount_cents, row.by and row.by.username) == (125_050, "marketer-1")
    page = desk.get("/console/costs/").content.decode()
    back = re.search(r'action="(/console/costs/cst_\w+/back/)"', page)
    assert "¥1,250.50" in page
    assert back
    desk.post(back[1])
    page = desk.get("/console/costs/").content.decode()
    assert ("−¥1,250.50" in page, "/back/" in page) == (True, False)
    assert desk.post("/console/costs/", said | {"amount": "-3", "number": "0" * 16}).status_code == 422
    assert Cost.objects.count() == 2


def test_a_file_counts_whole_and_once(desk: Client) -> None:
    rows = "spring,ads,2026-01-05,10,投放,\nspring,ads,2026-01-05,10,投放,\nspring,print,2026/01/06,2.5,,INV-9\n"
    _send(desk, HEAD + rows)
    _send(desk, HEAD + rows)
    assert sorted(Cost.objects.values_list("channel", "amount_cents")) == [("ads", 1000), ("ads", 1000), ("print", 250)]
    csv = desk.get("/console/costs/costs.csv?since=2026-01-06").content.decode("utf-8-sig")
    assert csv.splitlines() == [HEAD.strip(), "spring,print,2026-01-06,2.50,,INV-9"]


@pytest.mark.parametrize("row", [
    "autumn,ads,2026-01-05,10,,", "spring,tv,2026-01-05,10,,", "spring,ads,2099-01-05,10,,", "spring,ads,5.1.,10,,",
    "spring,ads,2026-01-05,-10,,", "spring,ads,2026-01-05,ten,,",
])  # fmt: skip
def test_one_wrong_row_keeps_the_file_out(desk: Client, row: str) -> None:
    page = _send(desk, f"{HEAD}spring,ads,2026-01-05,10,,\n{row}\n")
    assert ("Row 3" in page or "第 3 行" in page, Cost.objects.count()) == (True, 0)
