"""Coupons on staff pages: the list, a designer for the whole grammar with a live preview, publishing, stop, stock and budgets."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.analytics import coupon_days
from apps.catalog import intake
from apps.catalog.intake import Item
from apps.catalog.prices import Terms, Who
from apps.console import coupon_form, rule_form
from apps.console.coupon_form import CouponForm
from apps.core import approvals, brand, ids
from apps.core.models import Alert, Approval, AuditEntry, Job
from apps.coupons import ceilings, templates, warnings, welcome
from apps.coupons.models import Batch, Coupon, Stock, Template, Use, Version
from apps.flows.models import OwnCard
from apps.stores.models import Role, Staff
from tests.console.world import House
from tests.coupons import making

ROWS = {f"{name}-{mark}": "0" for name in ("steps", "hours") for mark in ("TOTAL_FORMS", "INITIAL_FORMS")}
FIELDS = {
    "name": "冬日羊绒券",
    "kind": "amount",
    "cents": "80",
    "level": "order",
    "valid": "after_claim",
    "days": "30",
    "per_member": "1",
}


def draft(**fields: Any) -> tuple[Template, list[str]]:
    row = templates.create(key="winter", name="冬日羊绒券", draft=coupon_form.begun("amount"), most=100, **fields)
    return row, [ids.encode("cpt", row.pk)]


def test_the_list_says_each_coupon_and_stops_one_at_once(house: House, at: Callable[..., Client]):
    made = making.template("gift", making.terms({"kind": "exchange", "what": "桂花乌龙茶一罐"}, level="gift"), most=40)
    Stock.objects.filter(pk=made.pk).update(issued=10)
    making.coupon(made, house.members["mine"], state="used")
    draft()

    page = at(Role.ANALYST).get(reverse("console:coupons")).content.decode()
    assert "礼品" in page
    assert "10 / 40" in page
    assert "10.0%" in page
    assert "尚未填写完整" in page
    assert "停用</button>" not in page  # an analyst only looks
    assert "没有符合的券" in at(Role.ANALYST).get(reverse("console:coupons"), {"q": "%"}).content.decode()

    at(Role.MARKETER).post(reverse("console:coupon_stop", args=[ids.encode("cpt", made.pk)]), {"from": "list"})
    made.refresh_from_db()
    assert made.state == "stopped"
    assert AuditEntry.objects.filter(object_type="coupons_template", actor__startswith="user:").exists()


def test_a_stock_that_runs_low_is_told_once_until_it_is_seen_filled_up_or_stopped(
    house: House, at: Callable[..., Client], run_flows: Callable[[], None]
):
    rows = [making.template(key, most=180) for key in ("one", "two", "three")]
    for row in rows:
        templates.set_stock(template_id=row.pk, most=180, low_at=180)
    for _again in range(2):
        warnings.publish_low()
        run_flows()
    marketer, url = at(Role.MARKETER), reverse("console:coupons")
    one, two, three = (ids.encode("cpt", row.pk) for row in rows)

    page = marketer.get(url).content.decode()
    assert page.count("剩余 180 张") == 3
    assert f'href="/console/coupons/{one}/#stock"' in page
    assert Alert.objects.count() == 3
    assert "剩余 180 张" in marketer.get(reverse("console:coupon", args=[one])).content.decode()
    assert "剩余 180 张" not in at(Role.ANALYST).get(url).content.decode()

    templates.set_stock(template_id=rows[0].pk, most=181, low_at=180)
    marketer.post(reverse("console:coupon_stop", args=[two]), {"from": "list"})
    seen = {"alert": str(Alert.objects.get(facts__template_id=rows[2].pk).pk)}
    assert marketer.get(url).context["low"][0]["public_id"] == three
    assert marketer.post(reverse("console:coupon_low_seen"), seen)["Location"] == url
    assert marketer.post(reverse("console:coupon_low_seen"), seen).status_code == 404
    assert marketer.get(url).context["low"] == []


def test_a_coupon_is_begun_previewed_saved_with_its_faults_and_published(house: House, at: Callable[..., Client]):
    admin = at(Role.ADMIN)
    made = admin.post(
        reverse("console:coupon_new"), {"name": "冬日羊绒券", "name_en": "Winter", "kind": "amount", "most": "100"}
    )
    row = Template.objects.get()
    key = [ids.encode("cpt", row.pk)]
    assert made["Location"] == reverse("console:coupon", args=key)

    open_card = admin.post(reverse("console:coupon_preview", args=key), FIELDS | ROWS | {"cents": ""}).content.decode()
    card = admin.post(
        reverse("console:coupon_preview", args=key), FIELDS | ROWS | {"minimum_cents": "400"}
    ).content.decode()
    assert "填好优惠与有效期后" in open_card
    assert "<small>¥</small>80" in card
    assert "满400可用" in card
    assert "¥8,000.00" in card  # 100 × ¥80
    row.refresh_from_db()
    assert row.draft == {"gives": {"kind": "amount"}, "level": "order", "valid": {"kind": "after_claim", "days": 30}}

    wrong = admin.post(
        reverse("console:coupon_save", args=key),
        FIELDS
        | ROWS
        | {"valid": "between", "from_day": "2026-12-02", "to_day": "2026-12-01", "only_products": "tea，cup"},
    )
    assert wrong.status_code == 422
    assert "结束时间须晚于开始时间" in wrong.content.decode()
    row.refresh_from_db()
    assert row.draft["only"] == {"products": ["tea", "cup"]}
    assert admin.post(reverse("console:coupon_publish", args=key)).status_code == 422
    assert Version.objects.count() == 0

    admin.post(reverse("console:coupon_save", args=key), FIELDS | ROWS)
    admin.post(reverse("console:coupon_publish", args=key))
    row.refresh_from_db()
    assert row.version is not None
    assert (row.state, row.version.terms["gives"]["cents"], row.version.published_by) == (
        "running",
        8_000,
        house.users[Role.ADMIN],
    )
    admin.post(reverse("console:coupon_save", args=key), FIELDS | ROWS | {"cents": "90"})
    page = admin.get(reverse("console:coupon", args=key)).content.decode()
    assert "<del>减¥80</del>" in page
    assert "<ins>减¥90</ins>" in page


def test_dearer_than_ones_limit_waits_for_a_second_person_who_reads_the_worst_case(
    house: House, at: Callable[..., Client]
):
    row, key = draft()
    templates.save(template_id=row.pk, draft=making.terms({"kind": "percent", "off": 10}))
    marketer, admin = at(Role.MARKETER), at(Role.ADMIN)
    marketer.post(reverse("console:coupon_publish", args=key), {"reason": "双旦"})
    assert Version.objects.count() == 0
    page = admin.get(reverse("console:approvals")).content.decode()
    assert "9折；领取后30天内有效；库存：100；最多花费：无上限" in page
    admin.post(
        reverse("console:approval_decide", args=[ids.encode("apr", Approval.objects.get().pk)]), {"verdict": "agree"}
    )
    assert Version.objects.get().agreed_by == house.users[Role.ADMIN]


def test_stock_and_budgets_are_set_with_a_reason_and_kept(house: House, at: Callable[..., Client]):
    row, key = draft()
    admin = at(Role.ADMIN)
    silent = admin.post(reverse("console:coupon_stock", args=key), {"most": "500"})
    assert (silent.status_code, Stock.objects.get(pk=row.pk).most) == (422, 100)
    admin.post(reverse("console:coupon_stock", args=key), {"most": "500", "low_at": "20", "reason": "加量"})
    assert Stock.objects.get(pk=row.pk).most == 500
    assert AuditEntry.objects.get(action="coupon.stock").after["reason"] == "加量"

    rows = {
        "budgets-TOTAL_FORMS": "1",
        "budgets-INITIAL_FORMS": "0",
        "budgets-0-per": "day",
        "budgets-0-uses": "50",
        "budgets-0-cents": "900",
    }
    admin.post(reverse("console:coupon_budgets", args=key), rows)
    assert ceilings.listed(row.pk) == [["day", "cents", 90_000], ["day", "uses", 50]]
    assert at(Role.ANALYST).post(reverse("console:coupon_budgets", args=key), rows).status_code == 403


_GOODS = st.dictionaries(
    st.sampled_from(["products", "categories", "brands"]),
    st.lists(st.sampled_from(["a", "b b", "茶"]), min_size=1, unique=True),
    min_size=1,
)
_CENTS = st.integers(1, 10**7)
_GIVES = st.one_of(
    st.fixed_dictionaries({"kind": st.just("amount"), "cents": _CENTS}).map(lambda g: (g, "order")),
    st.fixed_dictionaries({"kind": st.just("percent"), "off": st.integers(1, 100)}, optional={"at_most_cents": _CENTS}).map(
        lambda g: (g, "item")
    ),
    st.fixed_dictionaries({"kind": st.just("fixed_price"), "cents": _CENTS}).map(lambda g: (g, "item")),
    st.just(({"kind": "free_item"}, "item")),
    st.fixed_dictionaries({"kind": st.just("exchange"), "what": st.just("茶")}, optional={"worth_cents": _CENTS}).map(
        lambda g: (g, "gift")
    ),
    st.fixed_dictionaries({"kind": st.just("shipping")}, optional={"at_most_cents": _CENTS}).map(lambda g: (g, "shipping")),
    st.just(({"kind": "steps", "steps": [{"from_cents": 200, "off_cents": 20}, {"from_cents": 400, "off_cents": 50}]}, "order")),
)  # fmt: skip
_VALID = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("after_claim"), "days": st.integers(1, 3650)}, optional={"starts_after": st.integers(1, 365)}
    ),
    st.just({"kind": "between", "from": "2026-12-01", "to": "2026-12-31"}),
    st.just({"kind": "between", "from": "2026-12-01T09:30", "to": "2026-12-31T21:00"}),
)  # fmt: skip
_WHEN: dict[str, Any] = {
    "only": _GOODS, "never": _GOODS, "minimum_cents": _CENTS, "minimum_quantity": st.integers(1, 999),
    "stores": st.just(["MINE", "gone"]), "channels": st.just(["store", "kiosk"]), "tiers": st.just(["gold"]),
    "segments": st.just(["stage:active"]), "groups": st.just(["vip"]), "weekdays": st.just([1, 7]),
    "hours": st.just([{"from": "17:00", "until": "20:00"}, {"from": "22:00", "until": "02:00"}]),
    "first_order": st.just(True), "list_price_only": st.just(True),
    "without": st.just(["order", "points"]), "store_share": st.integers(1, 100),
    "text": st.just("每月一次"), "text_en": st.just("Once a month"),
}  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_GIVES, _VALID, st.fixed_dictionaries({}, optional=_WHEN))
@example(({"kind": "percent", "off": 10}, "item"), {"kind": "after_claim", "days": 1}, {"only": {"products": ["a"]}})
def test_whatever_the_grammar_can_say_the_form_shows_and_sends_back_unchanged(
    house: House, gives: Any, valid: Any, when: Any
):
    said = {"gives": gives[0], "level": gives[1], "valid": valid} | when
    blank = CouponForm(initial=coupon_form.initial(Template(name="x", per_member=None), said), tiers={}, kept=said)
    form = CouponForm(rule_form.as_post(blank), tiers={}, kept=said)
    assert form.is_valid(), (form.errors, [found.errors for found in form.lines.values()])
    assert form.terms() == said
    assert coupon_form.checked(form) == said


@pytest.mark.parametrize("name", ["steps", "hours"])
def test_a_finding_of_a_row_stands_at_its_row(house: House, name: str):
    data = FIELDS | ROWS | {"kind": "steps", "cents": ""}
    data |= {f"{name}-TOTAL_FORMS": "2", "steps-0-from_cents": "200", "steps-0-off_cents": "20"}
    data |= {"steps-1-from_cents": "300", "steps-1-off_cents": "10", "hours-1-starts": "17:00"}
    form = CouponForm(data, tiers={})
    assert form.is_valid()
    with pytest.raises(approvals.DomainError) as refused:
        coupon_form.checked(form)
    form.show(refused.value.facts["errors"])  # type: ignore[arg-type]
    assert form.lines[name].forms[1].errors


def test_the_report_shows_and_files_what_the_readers_stores_did(house: House, at: Callable[..., Client]):
    made = making.template()
    for where, saved in (("mine", 3_000), ("far", 2_000)):
        row = making.coupon(made, house.members[where], state="used", store=house.stores[where])
        Use.objects.create(
            coupon=row, template=made, member=house.members[where], store=house.stores[where], source=where, state="done",
            saved_cents=saved, store_cents=900, basket_cents=40_000, done_at=house.moment,
            staff=house.users[Role.CLERK].staff if where == "mine" else None,
        )  # fmt: skip
    assert "尚未统计" in at(Role.ADMIN).get(reverse("console:coupon_report")).content.decode()
    coupon_days.refresh(moment=house.moment)
    page = at(Role.ADMIN).get(reverse("console:coupon_report")).content.decode()
    assert "¥50.00" in page
    assert "¥800.00" in page
    assert "何青 (C-clerk)" in page
    assert "统计到店" in page
    asked = (
        at(Role.ADMIN).get(reverse("console:coupon_report"), {"visits": "1", "first": "2026-01-01"}).content.decode()
    )
    assert "统计到店" not in asked
    mine = at(Role.MANAGER).get(reverse("console:coupon_report_csv", args=["settlement"])).content.decode("utf-8-sig")
    assert mine.splitlines()[1:] == ["武康路店,1,30.00,9.00,21.00"]
    assert at(Role.CLERK).get(reverse("console:coupon_report")).status_code == 403


def test_a_basket_says_which_coupons_win_and_why_the_others_do_not_count(house: House, at: Callable[..., Client]):
    making.template("thirty", making.terms(minimum_cents=20_000))
    making.template("eighty", making.terms({"kind": "amount", "cents": 8_000}, minimum_cents=40_000))
    making.template("gold", making.terms({"kind": "amount", "cents": 9_000}, tiers=["gold"]))
    making.coupon(making.template("mine"), house.members["mine"])
    base = {
        "which": "running",
        "l-TOTAL_FORMS": "1",
        "l-INITIAL_FORMS": "0",
        "l-0-category": "",
        "l-0-cents": "129",
        "l-0-quantity": "2",
    }

    made_up = at(Role.CLERK).post(reverse("console:coupon_trial"), base).content.decode()
    assert "共省 ¥30.00" in made_up
    assert "¥258.00 → ¥228.00" in made_up
    assert "再买 ¥142" in made_up
    assert "此券仅限其他等级使用" in made_up

    wallet = base | {"which": "wallet"}
    nobody = at(Role.CLERK).post(reverse("console:coupon_trial"), wallet)
    far = at(Role.CLERK).post(reverse("console:coupon_trial"), wallet | {"member_no": "NO-far"})
    mine = at(Role.CLERK).post(reverse("console:coupon_trial"), wallet | {"member_no": "NO-mine"})
    assert (nobody.status_code, far.status_code, mine.status_code) == (422, 422, 200)
    assert mine.content.decode().count('scope="rowgroup"') == 1


def test_a_basket_without_amounts_costs_what_the_catalogue_says(house: House, at: Callable[..., Client]):
    who, special = Who(source="test"), Terms("*")
    intake.take(Item("TEA", "红茶", "茶", None, 12_900, [(9_900, "", special)]), who=who, moment=house.moment)
    making.template("tea", making.terms(only={"categories": ["茶"]}))
    base = {
        "which": "running", "l-TOTAL_FORMS": "1", "l-INITIAL_FORMS": "0", "l-0-sku": "TEA", "l-0-category": "", "l-0-cents": "",
        "l-0-quantity": "2",
    }  # fmt: skip
    page = at(Role.CLERK).post(reverse("console:coupon_trial"), base).content.decode()
    assert "¥198.00 → ¥168.00" in page  # two at the member's price, less the coupon for tea
    assert "<del>¥258.00</del>" in page
    assert "会员价" in page
    given = at(Role.CLERK).post(reverse("console:coupon_trial"), base | {"l-0-cents": "100"}).content.decode()
    assert ("¥200.00 → ¥170.00" in given, "会员价" in given) == (True, False)

    unknown = at(Role.CLERK).post(reverse("console:coupon_trial"), base | {"l-0-sku": "NOPE"})
    assert (unknown.status_code, "NOPE" in unknown.content.decode()) == (422, True)


def test_a_members_coupons_are_handed_out_and_taken_back_with_their_history(house: House, at: Callable[..., Client]):
    made = making.template("thirty")
    agent = at(Role.AGENT)
    page = reverse("console:member_coupons", args=[house.member_id("mine")])
    said = {"template": str(made.pk), "reason": "道歉补偿", "request_key": "k" * 16}
    for _twice in range(2):
        agent.post(reverse("console:coupon_hand_out", args=[house.member_id("mine")]), said)
    row = Coupon.objects.get()
    assert "还有30天" in agent.get(page).content.decode() or "还有29天" in agent.get(page).content.decode()

    one = reverse("console:member_coupon", args=[house.member_id("mine")])
    which = {"coupon": ids.encode("cpn", row.pk)}
    agent.post(one, which | {"wish": "recall", "reason": "错"})
    row.refresh_from_db()
    assert row.state == "ready"
    agent.post(one, which | {"wish": "recall", "reason": "错发"})
    row.refresh_from_db()
    assert row.state == "recalled"
    over = agent.get(page, {"show": "over"}).content.decode()
    assert "错发" in over
    elsewhere = reverse("console:member_coupon", args=[house.member_id("far")])
    back = which | {"wish": "restore", "reason": "看错了人"}
    assert agent.post(elsewhere, back).status_code == 404
    assert at(Role.CLERK).post(one, back).status_code == 403
    agent.post(one, back)
    row.refresh_from_db()
    assert row.state == "ready"


def test_nobody_hands_a_coupon_to_their_own_card_or_agrees_to_one(house: House, at: Callable[..., Client]):
    """T-F8."""
    member, made = house.members["mine"].pk, making.template("sorry", making.terms({"kind": "percent", "off": 10}))
    OwnCard.objects.create(staff_id=Staff.objects.get(user=house.users[Role.AGENT]).pk, member_id=member)
    OwnCard.objects.create(staff_id=Staff.objects.get(user=house.users[Role.ADMIN]).pk, member_id=member)
    said = {"template": str(made.pk), "reason": "补偿", "request_key": "k" * 16}
    url = reverse("console:coupon_hand_out", args=[house.member_id("mine")])

    assert "这是你本人的卡" in at(Role.AGENT).post(url, said).content.decode()
    kept = making.coupon(made, house.members["mine"], state="recalled")
    back = {"coupon": ids.encode("cpn", kept.pk), "wish": "restore", "reason": "看错了人"}
    at(Role.AGENT).post(reverse("console:member_coupon", args=[house.member_id("mine")]), back)
    kept.refresh_from_db()
    assert kept.state == "recalled"
    at(Role.MANAGER).post(url, said)  # without a bound: it takes two
    asked = Approval.objects.get()
    decide = reverse("console:approval_decide", args=[ids.encode("apr", asked.pk)])
    at(Role.ADMIN).post(decide, {"verdict": "agree"})
    assert (Approval.objects.get().state, Coupon.objects.count()) == ("waiting", 1)
    at(Role.ADMIN).post(decide, {"verdict": "refuse"})
    assert Approval.objects.get().state == "refused"


def test_codes_are_made_by_a_pattern_and_written_by_who_may_make_them(house: House, at: Callable[..., Client]):
    made = making.template("poster", most=100)
    key = ids.encode("cpt", made.pk)
    url, admin = reverse("console:coupon_codes", args=[key]), at(Role.ADMIN)
    weak = admin.post(url, {"name": "海报", "count": "10", "pattern": "AB-##"})
    many = admin.post(url, {"name": "海报", "count": "101", "pattern": "AB-####-####-###"})
    assert (weak.status_code, many.status_code, Batch.objects.count()) == (422, 422, 0)

    admin.post(url, {"name": "海报", "count": "10", "pattern": "AB-####-####-###"})
    batch = Batch.objects.get()
    assert (batch.wanted, batch.job.kind, batch.by) == (10, "coupons.make_codes", house.users[Role.ADMIN])
    assert "海报" in admin.get(url).content.decode()
    write = reverse("console:coupon_codes_write", args=[key, ids.encode("cpb", batch.pk)])
    assert at(Role.ANALYST).post(write, {"what": "full"}).status_code == 403
    answer = admin.post(write, {"what": "full"})
    assert Job.objects.get(kind="coupons.write_codes").params == {"batch_id": batch.pk, "is_full": True}
    assert admin.get(answer["Location"]).status_code == 200


def test_a_coupon_is_given_to_who_registers_from_its_own_page(house: House, at: Callable[..., Client]):
    row = making.template("hello")
    address = [ids.encode("cpt", row.pk)]
    admin = at(Role.ADMIN)
    assert at(Role.ANALYST).post(reverse("console:coupon_welcome", args=address), {"give": "1"}).status_code == 403

    admin.post(reverse("console:coupon_welcome", args=address), {"give": "1"})

    assert brand.read(welcome.SETTING) == ["hello"]
    assert "注册即送" in at(Role.ANALYST).get(reverse("console:coupon", args=address)).content.decode()
    assert AuditEntry.objects.filter(object_type="core_brandsetting", actor__startswith="user:").exists()
    brand.write(welcome.SETTING, [f"k{number}" for number in range(10)])
    full = admin.post(reverse("console:coupon_welcome", args=address), {"give": "1"}, follow=True)
    assert "已可得10种券" in full.content.decode()
    assert "hello" not in brand.read(welcome.SETTING)
    brand.write(welcome.SETTING, ["other", "hello"])
    admin.post(reverse("console:coupon_welcome", args=address), {"give": "0"})
    assert brand.read(welcome.SETTING) == ["other"]
