"""The page of predictions and the card on a member's page: what stands there, who may choose a version, what is said without data."""

from collections.abc import Callable
from datetime import date, timedelta

from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.core.models import AuditEntry, Job
from apps.members import consents
from apps.segments.models import MemberStats, Prediction, PredictionModel, PredictionRun
from apps.stores.models import Role
from tests.console.world import House

TENTHS = [0.9, 0.6, 0.3, 0.2, 0.1, 0.1, 0.05, 0.05, 0.0, 0.0]
JUDGED = {
    "auc": 0.871, "brier": 0.1012, "lift": 3.913, "deciles": TENTHS,
    "calibration": [{"bin": 0, "members": 900, "said": 0.05, "came": 0.04}, {"bin": 9, "members": 100, "said": 0.93, "came": 0.83}],
}  # fmt: skip
WORSE = JUDGED | {"auc": 0.702, "brier": 0.1501, "lift": 2.1}


def version(number: int, **fields: object) -> PredictionModel:
    rhythm = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "log_likelihood": -9582.4, "buyers": 1200}
    scores = {
        "from": "2026-08-24", "days": 90, "members": 1000, "lapsed": 230, "orders": {"expected": 2210.4, "came": 2305},
        "models": {"features": JUDGED, "bgnbd": WORSE, "rfm": WORSE},
    }  # fmt: skip
    values = {
        "as_of": clock.now(), "fitted_at": clock.now(), "fitted_by": "system", "first_order_on": date(2025, 11, 20),
        "last_order_on": date(2026, 11, 21), "buyers": 1200, "orders": 9876, "sample": 1200, "lapse_by": "features",
        "parameters": {"rhythm": rhythm, "spend": None, "clv_days": 365, "discount_a_year": 0.1}, "scores": scores,
    }  # fmt: skip
    return PredictionModel.objects.create(version=number, **values | fields)


def scored(model: PredictionModel | None, *, is_sufficient: bool = True) -> None:
    counts = {"buyers": 1200 if is_sufficient else 12, "history_days": 366, "recent_orders": 80, "regulars": 700}
    PredictionRun.objects.create(
        as_of=clock.now(), model=model, sufficiency=counts, is_sufficient=is_sufficient, finished_at=clock.now()
    )


def text(client: Client, name: str, *args: str) -> str:
    return client.get(reverse(f"console:{name}", args=args)).content.decode()


def test_the_page_says_how_the_active_version_did_and_who_may_change_it(house: House, at: Callable[..., Client]):
    admin, marketer = at(Role.ADMIN), at(Role.MARKETER)
    assert "还没有启用的版本" in text(admin, "predictions")
    moment = clock.now()
    version(1, activated_at=moment - timedelta(days=7), activated_by="system")
    scored(version(2, is_active=True, activated_at=moment, activated_by="system"))

    shown = text(marketer, "predictions")
    assert "概率最高的十分之一里有 90.0% 流失，是平均的 3.9 倍" in shown
    assert "实际发生与所说概率平均相差 1.9 个百分点" in shown  # (900 × 1 + 100 × 10) / 1000
    assert all(figure in shown for figure in ("0.871", "0.101", "3.91", "0.702", "9,876", "预计 2,210，实际 2,305"))
    assert "r 0.243 · α 4.414 · a 0.793 · b 2.426" in shown
    assert reverse("console:predictions_back") not in shown
    assert marketer.post(reverse("console:predictions_back")).status_code == 403
    assert PredictionModel.objects.get(is_active=True).version == 2

    assert reverse("console:predictions_back") in text(admin, "predictions")
    assert admin.post(reverse("console:predictions_back")).status_code == 302
    assert PredictionModel.objects.get(is_active=True).version == 1
    admin.post(reverse("console:prediction_activate", args=[2]))
    active = PredictionModel.objects.get(is_active=True)
    assert (active.version, active.activated_by[:5]) == (2, "user:")
    assert AuditEntry.objects.filter(action="predictions.activated").count() == 2

    admin.post(reverse("console:predictions_fit"))
    admin.post(reverse("console:predictions_fit"))
    assert Job.objects.filter(kind="segments.fit_predictions").count() == 1


def test_without_enough_data_every_page_says_so(house: House, at: Callable[..., Client]):
    MemberStats.objects.filter(pk=house.members["mine"].pk).update(orders=3)
    scored(None, is_sufficient=False)
    client = at(Role.ADMIN)
    shown = text(client, "predictions")
    assert "数据还不够" in shown
    assert all(word in shown for word in ("12", "500", "不足"))
    assert "数据不足，无法预测" in text(client, "member", house.member_id("mine"))


def test_a_members_page_shows_what_to_expect_and_why_unless_they_objected(house: House, at: Callable[..., Client]):
    member = house.members["mine"]
    MemberStats.objects.filter(pk=member.pk).update(orders=3)
    model = version(1, is_active=True, activated_at=clock.now(), activated_by="system")
    scored(model)
    Prediction.objects.create(
        member=member, p_alive=0.412, p_lapse=0.703, band="high", expected_orders=0.61, clv_cents=123_456,
        next_order_on=date(2027, 1, 5), reasons=["pace+", "trend+", "orders-"], reason_values=[3.2, 2, 12], model=model,
        scored_at=clock.now(),
    )  # fmt: skip
    client = at(Role.ADMIN)
    shown = text(client, "member", house.member_id("mine"))
    said = (
        "很可能流失",
        "70.3%",
        "41.2%",
        "不晚于 2027年1月5日",
        "¥1,234.56",
        "目前的间隔是平常的 3.2 倍",
        "近 90 天里有 2 天买过",
        "共在 12 天买过",
    )
    assert [one for one in said if one not in shown] == []
    consents.give_consent(
        member_id=member.pk, purpose="profiling", channel="any", is_granted=False, source="test", text_version="1"
    )
    assert "很可能流失" not in text(client, "member", house.member_id("mine"))
