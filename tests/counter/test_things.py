"""What is scanned beside members: coupons on paper, gifts that were handed out by mistake; and how every no looks."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.test import Client, RequestFactory
from django.utils import translation

from apps.core.errors import DomainError
from apps.core.models import AuditEntry
from apps.counter import reasons, screens
from apps.coupons.errors import REASONS, CouponRefused
from apps.coupons.models import Batch, Coupon, Use
from apps.events.models import Event
from apps.flows.models import Checkout
from apps.members import member_codes
from apps.members.models import Member
from apps.points.models import Exchange
from apps.stores import tills
from apps.stores.models import Shift
from tests.counter.conftest import MANAGER_PIN, PIN, Shop
from tests.counter.test_till import Browser, shown, ticket
from tests.coupons import making
from tests.e2e.portal_walk import code_for
from tests.points.gifts import gift, take
from tests.processes import Simulator

PAPER, PATTERN = "TEA-23456789ABC", "TEA-###########"


def paper(shop: Shop, code: str = PAPER, *, where: str = "", **conditions: object) -> Coupon:
    """A printed coupon, unclaimed unless `where` says whose it is."""
    made = making.template(f"paper-{code[-3:].lower()}", making.terms(**conditions))
    assert made.version
    batch = Batch.objects.create(template=made, version=made.version, name="flyer", pattern=PATTERN, wanted=1, made=1)
    owner = shop.house.members[where] if where else None
    state = "ready" if where else "unclaimed"
    return making.coupon(made, owner, batch=batch, code=code.replace("-", ""), state=state)


def seen(browser: Client, shop: Shop, amount: str = "568", **more: str) -> str:
    return ticket(browser.post("/counter/scan/", {"text": shown(shop), "amount": amount, **more}))


def test_a_coupon_on_paper_becomes_the_members_who_stands_there_and_is_chosen(shop: Shop):
    row = paper(shop)
    browser = shop.browser()
    form = {"ticket": seen(browser, shop), "amount": "568"}

    found = browser.post("/counter/scan/", {"text": PAPER.lower(), **form})

    assert (found.status_code, found["X-Place"], found["X-Sound"]) == (200, "offers", "seen")
    page = found.content.decode()
    assert f'aria-checked="true" data-coupons="{row.pk}" data-off="3000"' in page
    assert f'data-wished="{row.pk}"' in page
    row.refresh_from_db()
    assert (row.state, row.member_id, row.channel) == ("ready", shop.house.members["mine"].pk, "code")
    again = browser.post("/counter/scan/", {"text": PAPER, **form})
    assert again["X-Place"] == "offers"
    paid = browser.post("/counter/pay/", {**form, "receipt": "A1", "key": "abcdefgh", "coupons": str(row.pk)})
    assert "¥538.00" in paid.content.decode()
    used = browser.post("/counter/scan/", {"text": PAPER, "ticket": seen(browser, shop), "amount": "568"})
    assert used["X-Problem"] == "coupon_already_redeemed"
    assert shop.house.stores["mine"].name in used.content.decode()


def test_before_the_member_a_coupon_is_known_by_its_shape_alone_and_looked_up_with_them(shop: Shop):
    row = paper(shop)
    browser = shop.browser()

    there, nowhere = (browser.post("/counter/scan/", {"text": text}) for text in (PAPER, "TEA-CBA98765432"))
    assert [answer["X-Place"] for answer in (there, nowhere)] == ["view", "view"]
    assert 'data-coupon="TEA-23456789ABC"' in there.content.decode()
    assert row.pk == Coupon.objects.get(state="unclaimed").pk  # nothing was looked up, nothing taken

    with_it = browser.post("/counter/scan/", {"text": shown(shop), "amount": "568", "coupon": PAPER}).content.decode()
    assert f'aria-checked="true" data-coupons="{row.pk}"' in with_it
    without = browser.post("/counter/scan/", {"text": shown(shop), "amount": "568", "coupon": "TEA-CBA98765432"})
    assert (without.status_code, without["X-Place"], without["X-Sound"]) == (200, "view", "no")  # the strip stays
    assert str(reasons.CODES["coupon_not_found"].title) in without.content.decode()
    by_phone = browser.post(
        "/counter/scan/", {"text": PAPER, "ticket": ticket(browser.post("/counter/tail/", {"text": "0001"}))}
    )
    assert by_phone["X-Problem"] == "code_needed"


def test_ten_wrong_coupon_codes_are_the_end_and_somebody_elses_is_refused_as_one_that_is_not(shop: Shop):
    """T-F10 at the till: a clerk, or who sits at one, learns nothing by trying."""
    paper(shop, where="near")
    right = paper(shop, "TEA-ABCDEFGHJKM")
    browser = shop.browser()
    form = {"ticket": seen(browser, shop), "amount": "568"}

    others, nobodys = (browser.post("/counter/scan/", {"text": text, **form}) for text in (PAPER, "TEA-CBA98765432"))
    assert (others["X-Problem"], others.content) == ("coupon_not_found", nobodys.content)
    for number in range(8):
        browser.post("/counter/scan/", {"text": f"TEA-CBA9876543{number + 2}", **form})
    late = browser.post("/counter/scan/", {"text": "TEA-ABCDEFGHJKM", **form})

    assert (late.status_code, late["X-Problem"]) == (429, "rate_limited")
    right.refresh_from_db()
    assert right.state == "unclaimed"
    receipts = [browser.post("/counter/scan/", {"text": "POS-000123", **form}) for _ in range(12)]
    assert {answer["X-Receipt"] for answer in receipts} == {"POS-000123"}  # what is no coupon is not counted


def test_a_coupon_that_does_not_count_says_why_and_what_counts_instead(shop: Shop):
    old = paper(shop, where="mine")
    Coupon.objects.filter(pk=old.pk).update(
        starts_at=shop.house.moment - timedelta(days=30), ends_at=shop.house.moment - timedelta(days=2)
    )
    dear = paper(shop, "TEA-ABCDEFGHJKM", where="mine", minimum_cents=60_000)
    good = making.coupon(making.template("good"), shop.house.members["mine"])
    browser = shop.browser()
    form = {"ticket": seen(browser, shop), "amount": "568"}

    over = browser.post("/counter/scan/", {"text": PAPER, **form})
    short = browser.post("/counter/scan/", {"text": "TEA-ABCDEFGHJKM", **form})

    assert (over["X-Problem"], over["X-Sound"], short["X-Problem"]) == ("coupon_expired", "no", "coupon_min_spend")
    assert re.search(r"过去[23]天", over.content.decode())
    for answer in (over, short):
        assert good.template.name in answer.content.decode()  # the white button: what counts instead
    assert "¥32.00" in short.content.decode()
    unknown_yet = browser.post("/counter/scan/", {"text": "TEA-ABCDEFGHJKM", **form, "amount": ""})
    assert f'data-wished="{dear.pk}"' in unknown_yet.content.decode()


def test_a_pick_up_code_and_a_coupon_of_the_same_shape_are_told_apart_by_what_they_are(shop: Shop):
    shop.rich("mine", 1_000)
    took = take(shop.house.members["mine"], gift(name="茉莉花茶"), "a", moment=shop.house.moment)
    row = paper(shop)
    Batch.objects.update(pattern="#" * 12)
    Coupon.objects.filter(pk=row.pk).update(code="23456789ABCD")
    browser = shop.browser()

    assert "data-gift=" in browser.post("/counter/scan/", {"text": took.code}).content.decode()
    assert "data-coupon=" in browser.post("/counter/scan/", {"text": "2345-6789-ABCD"}).content.decode()
    form = {"ticket": seen(browser, shop), "amount": "568"}
    assert browser.post("/counter/scan/", {"text": "23456789ABCD", **form})["X-Place"] == "offers"


def test_what_the_member_chose_before_is_chosen_on_the_screen(shop: Shop):
    mine = shop.house.members["mine"]
    best, wish = (making.coupon(making.template(key, making.terms({"kind": "amount", "cents": cents})), mine)
                  for key, cents in (("fifty", 5_000), ("ten", 1_000)))  # fmt: skip
    code = member_codes.show(member_id=mine.pk, wish=f"coupon:{wish.pk}").code

    page = shop.browser().post("/counter/scan/", {"text": code, "amount": "568"}).content.decode()

    found = re.findall(r'aria-checked="(\w+)" data-coupons="(\d+)"', page)
    assert found == [("true", str(wish.pk)), ("false", str(best.pk))]


def handed(shop: Shop, browser: Client) -> tuple[str, str]:
    """The code of a gift that was handed out, and the ticket by which that is undone."""
    shop.rich("mine", 1_000)
    code = take(shop.house.members["mine"], gift(name="茉莉花茶"), "a", moment=shop.house.moment).code
    given = re.search(r'data-gift="([^"]+)"', browser.post("/counter/scan/", {"text": code}).content.decode())
    done = browser.post("/counter/hand-over/", {"ticket": given[1]}).content.decode()  # type: ignore[index]
    return code, re.search(r'data-undo-gift="([^"]+)"', done)[1]  # type: ignore[index]


def test_a_gift_handed_out_by_mistake_waits_again_and_an_old_undoing_undoes_no_later_hand_over(shop: Shop):
    browser = shop.browser()
    code, undo = handed(shop, browser)

    answers = [browser.post("/counter/gift-undo/", {"ticket": undo}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "茉莉花茶" in answers[0].content.decode()
    row = Exchange.objects.get()
    assert (row.state, row.settled_at, row.handed_by_id) == ("ready", None, None)
    said = AuditEntry.objects.get(action="exchange.taken_back")
    assert said.after == {"by": shop.clerk.pk, "agreed_by": None, "device": shop.desk.device_id}
    assert Event.objects.filter(name="reward.taken_back").count() == 1
    given = re.search(r'data-gift="([^"]+)"', browser.post("/counter/scan/", {"text": code}).content.decode())
    Exchange.objects.update()
    browser.post("/counter/hand-over/", {"ticket": given[1]})  # type: ignore[index]
    Exchange.objects.update(settled_at=shop.house.moment + timedelta(seconds=9))  # the clock of this test stands still
    browser.post("/counter/gift-undo/", {"ticket": undo})
    assert Exchange.objects.get().state == "done"


def test_a_later_undoing_of_a_gift_takes_a_manager_and_another_store_may_not(shop: Shop, clock: Callable[..., object]):
    browser = shop.browser()
    code, undo = handed(shop, browser)
    later = shop.house.moment + timedelta(minutes=6)
    clock(later)
    Shift.objects.update(seen_at=later)

    asked = browser.post("/counter/gift-undo/", {"ticket": undo})
    wrong = browser.post("/counter/gift-undo/", {"ticket": undo, "staff": shop.clerk.pk, "pin": PIN})
    assert (asked["X-Problem"], wrong["X-Problem"]) == ("undo_needs_manager", "pin_wrong")
    assert 'data-act="gift-undo"' in asked.content.decode()
    assert Exchange.objects.get().state == "done"
    again = browser.post("/counter/scan/", {"text": code})  # the way to it, once the green screen is gone
    fresh = re.search(r'data-undo-gift="([^"]+)"', again.content.decode())[1]  # type: ignore[index]
    assert again["X-Problem"] == "already_handed_over"
    Exchange.objects.update(handed_store=shop.house.stores["near"])
    by = {"staff": shop.manager.pk, "pin": MANAGER_PIN}
    assert browser.post("/counter/gift-undo/", {"ticket": fresh, **by})["X-Problem"] == "pick_up_elsewhere"
    assert "data-undo-gift" not in browser.post("/counter/scan/", {"text": code}).content.decode()
    Exchange.objects.update(handed_store=shop.desk.store_id)
    assert AuditEntry.objects.filter(action="exchange.taken_back").count() == 0  # what was refused left nothing

    done = browser.post("/counter/gift-undo/", {"ticket": fresh, **by})

    assert (done.status_code, Exchange.objects.get().state) == (200, "ready")
    assert AuditEntry.objects.get(action="exchange.taken_back").after["agreed_by"] == shop.manager.pk  # type: ignore[index]


def test_who_was_seen_before_the_network_went_earns_and_spends_nothing_by_the_queue(
    shop: Shop, clock: Callable[..., object]
):
    """The strip was on the screen, then the network went: the member's code is used up, what the till saw counts."""
    shop.rich("mine", 3_000)
    held = making.coupon(making.template(), shop.house.members["mine"])
    browser = Browser(shop.browser())
    at = shop.house.moment + timedelta(minutes=9)
    item = {
        "key": "offline-9", "at": at.isoformat(), "shift": shop.desk.shift_id, "amount": "88", "receipt": "d1",
        "ticket": seen(browser.client, shop), "points": "1000", "coupons": str(held.pk),
    }  # fmt: skip
    clock(shop.house.moment + timedelta(minutes=50))

    late = browser.send(json.dumps(item | {"key": "offline-8", "at": (at + timedelta(minutes=2)).isoformat()}))
    assert (late["is_kept"], late["code"]) == (False, "member_seen_over")
    other = tills.bind(name="3号台", store_id=shop.desk.store_id, staff_id=None)
    elsewhere = Browser(shop.browser(secret=other.secret)).send(json.dumps(item))
    assert (elsewhere["is_kept"], elsewhere["code"]) == (False, "sale_unsigned")

    assert [browser.send(json.dumps(item))["is_kept"] for _ in range(2)] == [True, True]

    row = Checkout.objects.get()
    assert (row.gross_cents, row.points_spent, row.coupons, row.order.member_id) == (
        8_800, 0, 0, shop.house.members["mine"].pk,
    )  # fmt: skip
    assert Use.objects.count() == 0


def problems() -> Iterator[DomainError]:
    """An error of every code that the counter has words for."""
    kinds, known = [DomainError], {}
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if code := vars(kind).get("code"):
            known.setdefault(code, kind)
    for code in reasons.CODES:
        names = re.findall(r"%\((\w+)\)", str(REASONS[code] if code in REASONS else known[code].title))
        facts = dict.fromkeys(names, "1") | ({"ended_at": "2026-11-20"} if "ended_at" in names else {})
        yield CouponRefused(code, **facts) if code in REASONS else known[code](**facts)


def test_every_no_is_red_an_octagon_a_title_a_reason_and_a_next_step_in_both_languages():
    request = RequestFactory().get("/counter/")
    found: dict[str, list[str]] = {}
    for language in ("zh-hans", "en"):
        with translation.override(language):
            for problem in problems():
                answer = screens.no(request, problem)
                page = answer.content.decode()
                title, why, now = re.search(
                    r'<h1>(.+?)</h1><p class="why">(.+?)</p><p class="next">(.+?)</p>', page
                ).groups()  # type: ignore[union-attr]
                assert (answer["X-Sound"], answer["X-Problem"]) == ("no", problem.code)
                assert all(part in page for part in ('class="t-res no" role="alert"', "M82 10h100l72 72", problem.code))
                found.setdefault(problem.code, []).append(title + why + now)
                is_han = [bool(re.search(r"[\u4e00-\u9fff]", text)) for text in (title, why, now)]
                assert is_han == [language == "zh-hans"] * 3, (problem.code, title, why, now)

    assert len(found) == len(reasons.CODES) >= 60


def test_a_phone_and_six_digits_make_a_member_a_wrong_code_makes_none_and_a_known_phone_is_who_it_was(
    shop: Shop, simulator: Simulator
):
    """U2-8: two fields, and the consent is text that the member reads: nothing for the clerk to tick."""
    browser, before = shop.browser(), Member.objects.count()

    def asked(phone: str) -> str:
        page = browser.post("/counter/newcomer/", {"phone": phone}).content.decode()
        assert ("t-consent" in page, "checkbox" in page, page.count("<input")) == (True, False, 2)  # one is hidden
        return re.search(r'name="request_id" value="([^"]+)"', page)[1]  # type: ignore[index]

    request_id = asked("19900000866")
    right = code_for(simulator, "19900000866")
    wrong = browser.post("/counter/join/", {"request_id": request_id, "code": str((int(right) + 1) % 10**6).zfill(6)})
    assert (wrong["X-Problem"], Member.objects.count()) == ("code_wrong", before)

    joined = browser.post("/counter/join/", {"request_id": request_id, "code": right})
    assert (joined["X-Place"], Member.objects.latest("pk").home_store_id) == ("view", shop.desk.store_id)
    known = browser.post(
        "/counter/join/", {"request_id": asked("19900000001"), "code": code_for(simulator, "19900000001")}
    )
    assert "沈*e" in known.content.decode()
    assert Member.objects.count() == before + 1
    assert AuditEntry.objects.filter(action="policy.agreed").count() == 2
