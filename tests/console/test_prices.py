"""Prices on staff pages: list, editor with its preview, ends and their undoing, history, files in and out."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.catalog import intake, price_files
from apps.catalog.intake import Item
from apps.catalog.models import Bundle, Price, Product
from apps.catalog.prices import Who
from apps.core import ids, jobs
from apps.core.models import Approval, Job
from apps.stores.models import Role
from tests.console.world import House

FIELDS = {
    "sku": "TEA-1",
    "is_list": "",
    "cents": "70",
    "label": "会员日",
    "audience": "*",
    "store": "",
    "channel": "",
    "reason": "",
}


@pytest.fixture
def tea(house: House) -> Product:
    return intake.take(Item("TEA-1", "祁门红茶", list_cents=10_000), who=Who(source="test"))[0]


def test_a_price_is_previewed_set_listed_ended_and_taken_up_again(tea: Product, at: Callable[..., Client]):
    marketer = at(Role.MARKETER)
    shown = marketer.post(reverse("console:price_preview"), FIELDS).content.decode()
    assert all(text in shown for text in ("¥70.00", "¥100.00", "会员价", "4 件", "¥280.00", "30%"))
    assert Price.objects.filter(kind="special").exists() is False

    assert marketer.post(reverse("console:price_new"), FIELDS).status_code == 302
    row = Price.objects.get(kind="special")
    assert (row.cents, row.audience, row.label, row.source) == (7_000, "*", "会员日", "console")
    page = marketer.get(reverse("console:prices"), {"state": "running", "q": "红茶"}).content.decode()
    assert all(text in page for text in ("祁门红茶", "¥70.00", "所有会员", "立即结束", "生效中"))
    assert "立即结束" not in at(Role.ANALYST).get(reverse("console:prices")).content.decode()
    assert "没有符合的价格" in marketer.get(reverse("console:prices"), {"state": "soon"}).content.decode()

    public_id = ids.encode("prc", row.pk)
    back = marketer.post(reverse("console:price_stop", args=[public_id]), {"product": ids.encode("prd", tea.pk)})
    history = marketer.get(back["Location"]).content.decode()
    assert all(text in history for text in ("已结束", "手动结束", "撤销结束", "¥100.00 · 原价"))
    marketer.post(reverse("console:price_undo", args=[public_id]))
    assert Price.objects.filter(kind="special", ends_at=None, cents=7_000).count() == 1
    assert at(Role.CLERK).post(reverse("console:price_stop", args=[public_id])).status_code == 403


def test_what_goes_deeper_or_is_wrong_does_not_count_yet(tea: Product, at: Callable[..., Client]):
    marketer = at(Role.MARKETER)
    marketer.post(reverse("console:price_new"), FIELDS | {"cents": "50", "reason": "清仓"})
    assert (Price.objects.count(), Approval.objects.get().reason) == (1, "清仓")
    waiting = at(Role.ADMIN).get(reverse("console:approvals")).content.decode()
    assert "TEA-1 ¥50.00 (所有会员)" in waiting
    for fields in (
        {"sku": "NO"},
        {"cents": "100"},
        {"audience": ""},
        {"hours_from": "08:00"},
        {"to_day": "2020-01-01"},
    ):
        assert marketer.post(reverse("console:price_new"), FIELDS | fields).status_code == 422
    assert (Price.objects.count(), Approval.objects.count()) == (1, 1)


def test_a_bundle_is_set_and_found(tea: Product, at: Callable[..., Client]):
    marketer = at(Role.MARKETER)
    said = {
        "is_bundle": "1", "kind": "nth", "name": "第二件半价", "goods": "TEA-1", "count": "2", "percent": "50", "audience": "",
    }  # fmt: skip
    shown = marketer.post(reverse("console:price_preview"), said).content.decode()
    assert "¥150.00" in shown
    assert "25%" in shown
    marketer.post(reverse("console:bundle_new"), said)
    assert list(Bundle.objects.values_list("kind", "count", "percent", "cents")) == [("nth", 2, 50, None)]
    page = marketer.get(reverse("console:prices"), {"kind": "bundle", "q": "TEA"}).content.decode()
    assert "每 2 件中最低价的一件按 50% 计" in page
    assert marketer.post(reverse("console:bundle_new"), said | {"goods": "TEA-1*x"}).status_code == 422


def sent(client: Client, text: str) -> Any:
    return client.post(reverse("console:price_file"), {"file": SimpleUploadedFile("p.csv", text.encode())})


def test_a_file_counts_whole_or_not_at_all_and_an_export_comes_in_again_without_a_change(
    tea: Product, at: Callable[..., Client]
):
    admin = at(Role.ADMIN)
    faulty = sent(admin, "sku,yuan,kind\nNEW-1,12.50,list\nTEA-1,x,special\nTEA-1,1,other\n")
    assert faulty.status_code == 422
    assert all(text in faulty.content.decode() for text in ("第 3 行", "第 4 行"))
    refused = sent(admin, "sku,name,yuan,kind,audience\nNEW-1,新茶,12.50,list,\nTEA-1,,120,special,*\n")
    assert (refused.status_code, Product.objects.filter(sku="NEW-1").exists()) == (422, False)

    good = "sku,name,category,yuan,kind,audience,hours,weekdays\nNEW-1,新茶,茶,12.50,list,,,\nTEA-1,,,80,special,*,18:00-20:00,67\n"
    assert sent(admin, good).status_code == 302
    assert list(Price.objects.order_by("pk").values_list("product__sku", "cents", "audience", "weekdays")) == [
        ("TEA-1", 10_000, "", []), ("NEW-1", 1_250, "", []), ("TEA-1", 8_000, "*", [6, 7])
    ]  # fmt: skip
    exported = admin.get(reverse("console:prices_csv"), {"kind": "special"}).content.decode("utf-8-sig")
    assert sent(admin, exported).status_code == 302
    assert Price.objects.count() == 3


def test_a_large_file_is_a_job_of_which_each_good_row_counts_and_the_others_come_back(
    tea: Product,
    at: Callable[..., Client],
    house: House,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(price_files, "MOST", 3)
    monkeypatch.setattr(price_files, "CHUNK", 2)
    text = (
        "sku,name,yuan,kind,audience\n"
        "NEW-1,新茶,12.50,list,\n"
        "TEA-1,,x,special,*\n"  # no amount
        "TEA-1,,120,special,*\n"  # above the list price of 100
        "NEW-2,白茶,30,list,\n"
        "TEA-1,,1,special,*\n"  # 99 % off: two persons
        "TEA-1,,80,special,*\n"
    )
    answer = sent(at(Role.ADMIN), text)
    job = Job.objects.get(kind=price_files.KIND)
    assert (answer.status_code, answer["Location"]) == (302, reverse("console:work", args=[jobs.public_id(job)]))
    assert Price.objects.count() == 1

    for _twice in range(2):
        jobs.run(job_id=job.pk)
        job.refresh_from_db()
        assert (job.state, job.done, job.bad) == (Job.State.DONE, 6, 3)
        kept = Price.objects.order_by("pk").values_list("product__sku", "cents", "audience")
        assert sorted(kept) == [
            ("NEW-1", 1_250, ""),
            ("NEW-2", 3_000, ""),
            ("TEA-1", 8_000, "*"),
            ("TEA-1", 10_000, ""),
        ]
        assert not Approval.objects.exists()
        Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED)
    assert job.result == {"rows": 6, "prices": 0, "rejected": 3}  # the second time nothing is new
    file = b"".join(at(Role.ADMIN).get(reverse("console:work_file", args=[jobs.public_id(job)])))  # type: ignore[call-overload]
    rows = list(csv.reader(file.decode("utf-8-sig").splitlines()))
    assert [row[0] for row in rows] == ["row", "3", "4", "6"]
    assert [row[2:4] + row[8:9] for row in rows[1:]] == [["TEA-1", "", "x"], ["TEA-1", "", "120"], ["TEA-1", "", "1"]]
    assert "第二" in rows[3][1] or "另一" in rows[3][1]
