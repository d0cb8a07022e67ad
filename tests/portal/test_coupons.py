"""Coupons on the member's pages: wallet, centre, gifts, and one that is chosen for the till."""

import gzip
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.activity import codes as tracked
from apps.core import clock, ids
from apps.coupons import centre, codes, gate, gifts, issuing, templates, wallet
from apps.coupons.basket import Shopper
from apps.coupons.errors import REASONS, CouponRefused
from apps.coupons.models import Budget, Coupon, Spent, Stock, Template, Use
from apps.flows import coupon_claim
from apps.members import member_codes
from apps.members.models import Member, MemberCode
from apps.portal.views import coupons as coupon_pages
from apps.stores import credentials
from apps.stores.models import Store
from tests.activity.test_codes import SAFARI
from tests.coupons import making
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin() -> Member:
    return Member.objects.create(member_no="M-1", nickname="Lin")


@pytest.fixture
def me(lin: Member) -> Client:
    return browser_of(lin.pk)


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def claim(client: Client, of: Template, token: str = "t1"):
    return client.post("/my/coupons/claim/", {"offer": ids.encode("cpt", of.pk), "token": token})


def test_the_wallet_shows_what_ends_first_on_top_and_what_became_of_the_others(lin: Member, me: Client):
    store = Store.objects.create(code="S1", name="武康路店")
    moment = clock.now()
    ends = {"late": timedelta(days=20), "soon": timedelta(hours=30), "minute": timedelta(minutes=30)}
    for key, left in ends.items():
        making.coupon(making.template(key), lin, ends_at=moment + left)
    used = making.coupon(making.template("spent"), lin, state="used")
    Use.objects.create(
        coupon=used, template=used.template, member=lin, state="done", source="t", store=store, done_at=moment, saved_cents=3_000
    )  # fmt: skip
    making.coupon(
        making.template("gone"), lin, ends_at=moment - timedelta(seconds=5), starts_at=moment - timedelta(days=2)
    )
    making.coupon(making.template("theirs"), Member.objects.create(member_no="M-2"))

    usable, spent, over = (text(me, f"/my/coupons/{show}") for show in ("", "?show=used", "?show=over"))

    assert re.findall(r"<h3>(券\w+)</h3>", usable) == ["券minute", "券soon", "券late"]
    assert [int(left) for left in re.findall(r'data-ticks="(\d+)"', usable)] == [pytest.approx(1800, abs=5)]
    assert usable.count("p-cp first") == 2
    assert re.findall(r"<h3>(券\w+)</h3>", spent) == ["券spent"]
    assert ("武康路店" in spent, "¥30" in spent) == (True, True)
    assert re.findall(r"<h3>(券\w+)</h3>", over) == ["券gone"]
    assert re.findall(r"<h3>(券\w+)</h3>", text(me, "/my/")) == ["券minute", "券soon"]


def test_a_claim_is_one_coupon_however_often_it_is_sent_and_only_of_what_the_centre_shows(lin: Member, me: Client):
    shown = making.template("shown", is_in_centre=True, most=5, per_member=2)
    hidden = making.template("hidden")

    told = [claim(me, shown).status_code for _ in range(2)]
    refused = claim(me, hidden)

    assert (told, refused.status_code) == ([302, 302], 409)
    assert list(Coupon.objects.values_list("template__key", "member", "channel")) == [("shown", lin.pk, "centre")]
    assert Stock.objects.get(template=shown).issued == 1
    centre = text(me, "/my/coupons/centre/")
    assert 'value="20"' in centre
    assert claim(me, shown, "t2").status_code == 302
    assert claim(me, shown, "t3").status_code == 409
    assert "claim/" not in text(me, "/my/coupons/centre/")


def test_a_flash_sale_that_has_not_begun_counts_down_and_gives_nothing(me: Client):
    opens = clock.now() + timedelta(minutes=10)
    row = making.template("flash", is_in_centre=True, is_flash=True, most=5, opens_at=opens)

    centre = text(me, "/my/coupons/centre/")

    assert re.findall(r'data-ticks="(\d+)" data-then="reload"', centre)
    assert claim(me, row).status_code == 409
    assert not Coupon.objects.exists()


def test_the_wallet_pages_on_among_coupons_that_end_together_and_only_behind_ones_own(
    lin: Member, me: Client, monkeypatch
):
    monkeypatch.setattr(coupon_pages, "PAGE", 2)
    ends = clock.now() + timedelta(days=5)
    rows = [making.coupon(making.template(f"t{number}"), lin, ends_at=ends) for number in range(3)]
    theirs = making.coupon(making.template("theirs"), Member.objects.create(member_no="M-2"), ends_at=ends)

    first = text(me, "/my/coupons/")
    second = text(me, f"/my/coupons/?after={ids.encode('cpn', rows[1].pk)}")
    strange = text(me, f"/my/coupons/?after={ids.encode('cpn', theirs.pk)}")

    assert [re.findall(r"<h3>券(t\d)</h3>", page) for page in (first, second, strange)] == [
        ["t0", "t1"],
        ["t2"],
        ["t0", "t1"],
    ]


def test_a_reserved_coupon_is_there_not_to_be_given_and_one_taken_back_is_not_called_used(lin: Member, me: Client):
    held = making.coupon(making.template("held", is_giftable=True), lin, state="reserved")
    back = making.coupon(making.template("back", is_giftable=True), lin)
    moment = clock.now()
    store = Store.objects.create(code="S1", name="武康路店")
    Use.objects.create(
        coupon=back, template=back.template, member=lin, state="taken_back", source="t", store=store, done_at=moment, undone_at=moment
    )  # fmt: skip
    token = gifts.offer(member_id=lin.pk, coupon_id=back.pk)
    gift_page = f"/my/coupons/{ids.encode('cpn', back.pk)}/gift/"
    held_page = f"/my/coupons/{ids.encode('cpn', held.pk)}/gift/"
    own = text(me, f"/my/gifts/{token}/")
    assert "<form" not in own.partition('id="main"')[2].partition("</main>")[0]
    gifts.revoke(member_id=lin.pk, coupon_id=back.pk)

    page = text(me, "/my/coupons/")

    assert sorted(re.findall(r"<h3>券(\w+)</h3>", page)) == ["back", "held"]
    assert ("武康路店" in page, gift_page in page, held_page in page) == (False, True, False)
    assert 'value="withdraw"' not in text(me, gift_page)


def test_the_end_of_a_coupon_is_the_first_moment_at_which_it_does_not_count(lin: Member):
    row = making.coupon(making.template(), lin)
    end = row.ends_at
    kinds = {kind: wallet.count(member_id=lin.pk, kind=kind, moment=end) for kind in ("usable", "over")}
    assert kinds == {"usable": 0, "over": 1}


def test_one_token_sent_by_two_members_is_a_coupon_for_each_and_a_repeat_says_nothing_new(lin: Member, me: Client):
    of = making.template("shown", is_in_centre=True, per_member=2)
    mei = browser_of(Member.objects.create(member_no="M-2").pk)

    assert [claim(who, of, "same").status_code for who in (me, mei)] == [302, 302]
    said = ["“" in text(me, "/my/coupons/") for _ in range(2)]
    claim(me, of, "same")

    assert Coupon.objects.count() == 2
    assert [*said, "“" in text(me, "/my/coupons/")] == [True, False, False]


def test_the_centre_says_why_not_and_puts_what_is_coming_before_what_is_closed_to_one(lin: Member):
    opens = clock.now() + timedelta(minutes=10)
    for key, said, more in (
        ("over", {}, {"most": 0, "opens_at": opens - timedelta(days=1)}),
        ("coming", {}, {"opens_at": opens}),
        ("mine", {"segments": ["regulars"]}, {}),
        ("theirs", {"segments": ["others"]}, {}),
    ):
        making.template(key, making.terms(**said), is_in_centre=True, **more)

    found = centre.offers(shopper=Shopper(lin.pk, segments=frozenset({"regulars"})))

    assert [(one.template.key, one.why_not) for one in found] == [
        ("mine", ""), ("coming", "coupon_not_open"), ("over", "coupon_out_of_stock"), ("theirs", "coupon_wrong_segment"),
    ]  # fmt: skip


def test_a_code_that_nobody_knows_is_refused_and_stays_in_the_field(me: Client):
    answer = me.post("/my/coupons/enter/", {"code": "NEVER-WAS-1"})
    assert (answer.status_code, 'value="NEVER-WAS-1"' in answer.content.decode()) == (404, True)


def test_wrong_codes_are_counted_per_browser_and_address_whoever_logs_in_there(me: Client, monkeypatch):
    monkeypatch.setitem(codes.MISSES, "device", 2)
    monkeypatch.setitem(codes.MISSES, "address", 3)
    mei, jun, kai = (browser_of(Member.objects.create(member_no=f"G-{number}").pk) for number in range(3))
    me.cookies["anon"] = mei.cookies["anon"] = "the-same-browser"

    def enter(who: Client, **more: str) -> int:
        return who.post("/my/coupons/enter/", {"code": "NEVER-WAS-1"}, **more).status_code

    assert [enter(me), enter(me), enter(mei)] == [404, 404, 429]
    assert [enter(jun), enter(kai), enter(kai, REMOTE_ADDR="198.51.100.7")] == [404, 429, 404]


def test_a_gift_goes_by_link_to_the_first_who_takes_it_and_can_be_withdrawn(lin: Member, me: Client):
    mei, jun = (Member.objects.create(member_no=f"F-{number}") for number in range(2))
    given, kept = (
        issuing.issue(member_id=lin.pk, template_id=making.template(key, is_giftable=True).pk, source=key, channel="staff").coupon_id
        for key in ("given", "kept")
    )  # fmt: skip

    pages = [f"/my/coupons/{ids.encode('cpn', key)}/gift/" for key in (given, kept)]
    links = [re.findall(r"(/my/gifts/[\w-]+/)", me.post(page).content.decode())[0] for page in pages]
    assert me.post(pages[1], {"do": "withdraw"}).status_code == 302
    friend, late = browser_of(mei.pk), browser_of(jun.pk)
    assert "收下</button>" in text(friend, links[0]).partition('id="main"')[2]
    assert me.post(links[0]).status_code == 409  # one's own
    assert friend.post(links[0]).status_code == 302
    assert late.post(links[0]).status_code == 409
    said = [text(who, links[0]).partition('id="main"')[2] for who in (friend, me, late)]
    assert [
        words in page for words, page in zip(("券已放入", "朋友已经领走了", "已被别人领走了"), said, strict=True)
    ] == [True] * 3
    assert ["已被别人领走了" in page for page in said] == [False, False, True]
    assert late.post(links[1]).status_code in {404, 409}

    assert set(Coupon.objects.filter(state="ready").values_list("member", "template__key")) == {
        (mei.pk, "given"), (lin.pk, "kept"),
    }  # fmt: skip
    assert browser_of(jun.pk).post(pages[1]).status_code == 404
    assert gifts.look(token=links[0].split("/")[3]).state == "claimed"


def test_a_chosen_coupon_goes_along_with_the_code_and_only_ones_own(lin: Member, me: Client):
    store = Store.objects.create(code="S1", name="武康路店")
    till = credentials.issue_device(name="till", store_id=store.pk, scopes=["members.read"])
    mine = making.coupon(making.template("mine"), lin)
    theirs = making.coupon(making.template("theirs"), Member.objects.create(member_no="M-2"))

    page = text(me, f"/my/code/?coupon={ids.encode('cpn', mine.pk)}")
    text(me, f"/my/code/?coupon={ids.encode('cpn', theirs.pk)}")
    text(me, "/my/code/?coupon=cpn_nonsense")

    digits = "".join(re.findall(r"<i>(\d+)</i>", page))
    at = member_codes.Where(store_id=store.pk, device_id=till.id)
    assert member_codes.read(code=digits, at=at).wish == f"coupon:{mine.pk}"
    assert list(MemberCode.objects.order_by("pk").values_list("wish", flat=True)) == [f"coupon:{mine.pk}", "", ""]


def test_wallet_centre_and_code_ask_as_often_for_twelve_coupons_as_for_two_and_stay_light(lin: Member, me: Client):
    """X2: a member's page again is 30 KB at most; its HTML is all that is fetched anew."""
    pages = {"/my/coupons/": 30, "/my/coupons/centre/": 30, "/my/code/": 30, "/my/": 40}
    asked: list[dict[str, int]] = []
    weights: dict[str, int] = {}
    for number in range(12):
        making.coupon(making.template(f"t{number}", is_in_centre=True, most=9), lin)
        if number not in (1, 11):
            continue
        me.get("/my/")  # what is kept for a while is kept now
        asked.append({})
        for address in pages:
            with CaptureQueriesContext(connection) as told:
                weights[address] = len(gzip.compress(me.get(address).content))
            asked[-1][address] = len(told)
    assert asked[0] == asked[1]
    assert {address: asked[1][address] <= most for address, most in pages.items()} == dict.fromkeys(pages, True), asked
    assert {address: size <= 30_000 for address, size in weights.items()} == dict.fromkeys(pages, True), weights


def test_the_wallet_says_what_does_not_count_though_it_is_in_time(lin: Member, me: Client):
    rows = {name: making.coupon(making.template(name), lin) for name in ("fine", "stopped", "dry")}
    templates.stop(template_id=rows["stopped"].template_id)
    dry = Budget.objects.create(template_id=rows["dry"].template_id, per="total", of="cents", most=3_000)
    assert text(me, "/my/coupons/").count("?coupon=") == 2
    Spent.objects.create(budget=dry, key="", amount=3_000)

    page = text(me, "/my/coupons/")

    assert re.findall(r"\?coupon=(\w+)", page) == [ids.encode("cpn", rows["fine"].pk)]
    assert [str(REASONS[code]) in page for code in ("coupon_frozen", "coupon_budget_spent")] == [True, True]


def test_where_a_coupon_counts_names_its_stores_only(lin: Member, me: Client):
    for code in ("S1", "S2"):
        Store.objects.create(code=code, name=f"Store {code}")
    row = making.coupon(making.template("one", making.terms(stores=["S2"])), lin)

    page = text(me, f"/my/coupons/{ids.encode('cpn', row.pk)}/stores/")

    assert ("Store S1" in page, "Store S2" in page) == (False, True)
    everywhere = making.coupon(making.template("all"), lin)
    page = text(me, f"/my/coupons/{ids.encode('cpn', everywhere.pk)}/stores/")
    assert ("Store S1" in page, "Store S2" in page) == (True, True)


def test_a_flash_sale_asks_its_gate_and_a_claim_after_a_tracked_code_is_counted_under_it(
    lin: Member, me: Client, django_capture_on_commit_callbacks, monkeypatch
):
    gate._rest["until"] = 0.0
    of = making.template("flash", is_flash=True, is_in_centre=True, most=1)
    gate._client(settings.REDIS_URL).delete(*gate._keys(of.pk))
    poster = tracked.create(name="橱窗", target="/my/coupons/centre/")
    me.get(f"/s/{poster.slug}", headers={"user-agent": SAFARI, "sec-fetch-mode": "navigate"})
    with django_capture_on_commit_callbacks(execute=True):
        assert claim(me, of).status_code == 302
    assert Coupon.objects.get().origin == f"code:{poster.slug}"
    Stock.objects.update(most=5)  # behind the gate's back: only the gate says no now

    mei = browser_of(Member.objects.create(member_no="M-2").pk)
    with monkeypatch.context() as nothing_else:
        nothing_else.setattr(coupon_claim, "shopper", None)  # nothing is looked up for it
        refused = claim(mei, of)

    assert refused.status_code == 409
    assert "已领完" in refused.content.decode()
    gate.forget(of.pk)
    assert claim(mei, of).status_code == 302
    assert set(Coupon.objects.values_list("origin", flat=True)) == {f"code:{poster.slug}", "portal"}


def test_a_partners_code_is_shown_to_its_owner_alone_and_not_given_on(lin: Member, me: Client):
    pool = making.template("pool", is_pool=True, is_giftable=True)
    row = making.coupon(pool, lin, code="KINO-AAA-111")
    making.coupon(making.template("own"), lin, code="TEA23456789ABC")

    page = text(me, "/my/coupons/")
    assert "KINO-AAA-111" in page
    assert "TEA23456789ABC" not in page  # of the brand's own the member's code is all that is shown
    assert "/gift/" not in page
    with pytest.raises(CouponRefused) as refused:
        gifts.offer(member_id=lin.pk, coupon_id=row.pk)
    assert refused.value.code == "coupon_not_giftable"
