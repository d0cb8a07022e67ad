"""The till's page over HTTP: who gets in, what a scan shows, what is refused in which words."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
import segno
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import Client
from django.utils import translation

from apps.core.errors import NotFound
from apps.counter import reasons, scans, tickets
from apps.counter.views import newcomer
from apps.flows.models import Checkout
from apps.gateways import wechat_pages
from apps.members import identities, member_codes
from apps.orders.models import Order
from apps.points.models import Exchange
from apps.portal import agreements
from apps.stores import credentials, pins, shifts, tills
from apps.stores.models import Device, Role, Shift, Staff, Store
from tests.console import world
from tests.counter.conftest import MANAGER_PIN, NOON, PIN, Shop
from tests.points.gifts import gift, take

ROUTES = {
    line.removeprefix("counter:"): need
    for line, need in yaml.safe_load(settings.ACCESS_FILE.read_text())["routes"].items()
    if line.startswith("counter:")
}
PATHS = {
    "home": "",
    "scan_key": "key/",
    "hand_over": "hand-over/",
    "gift_undo": "gift-undo/",
    "worker": "sw.js",
    "shift_end": "shift/end/",
}


def at(route: str) -> str:
    return "/counter/" + PATHS.get(route, f"{route}/")


def shown(shop: Shop, where: str = "mine") -> str:
    return member_codes.show(member_id=shop.house.members[where].pk).code


def ticket(answer) -> str:
    return re.search(r'data-ticket="([^"]+)"', answer.content.decode())[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("no till", 403), ("revoked", 403), ("forged", 403), ("locked", 401), ("idle", 401), ("dismissed", 401),
        ("other store", 403), ("marketer", 403),
    ],
)  # fmt: skip
def test_no_route_of_the_counter_opens_to_who_has_no_business_there(shop: Shop, who: str, status: int):
    """T-S1 for the counter: every route of the table, GET and POST."""
    browser, clerk = shop.browser(), Staff.objects.filter(pk=shop.clerk.pk)
    match who:
        case "no till":
            browser = Client()
            world.enter(browser, shop.house.users[Role.ADMIN])
        case "revoked":
            credentials.revoke(kind="device", credential_id=shop.desk.device_id)
        case "forged":
            browser.cookies[tills.COOKIE] = shop.secret
        case "locked":
            shifts.lock(device_id=shop.desk.device_id)
        case "idle":
            Shift.objects.update(seen_at=shop.house.moment - timedelta(minutes=2))
        case "dismissed":
            clerk.update(is_active=False)
        case "other store":
            clerk.update(store=shop.house.stores["near"])
        case "marketer":
            clerk.update(role=Role.MARKETER)
    asked = [route for route, need in ROUTES.items() if need != "till" or who in {"no till", "revoked", "forged"}]

    answers = {
        (route, method): getattr(browser, method)(at(route)).status_code
        for route in asked
        for method in ("get", "post")
    }

    assert answers == dict.fromkeys(answers, status)
    assert Order.objects.count() == 3


def test_a_pin_opens_the_till_and_five_wrong_ones_close_it_for_that_person(shop: Shop):
    browser = shop.browser()
    browser.post("/counter/lock/")

    assert browser.post("/counter/unlock/", {"staff": shop.clerk.pk, "pin": PIN})["X-Shift"] == str(shop.desk.shift_id)
    statuses = [
        browser.post("/counter/unlock/", {"staff": shop.manager.pk, "pin": "4821"}).status_code for _ in range(6)
    ]
    assert statuses == [422] * 5 + [429]
    assert browser.post("/counter/unlock/", {"staff": shop.manager.pk, "pin": MANAGER_PIN}).status_code == 429
    assert shifts.at_till(device_id=shop.desk.device_id).staff_id == shop.clerk.pk  # type: ignore[union-attr]
    pins.keep(staff_id=shop.manager.pk, pin=MANAGER_PIN)  # a new one begins the count anew

    answer = browser.post("/counter/unlock/", {"staff": shop.manager.pk, "pin": MANAGER_PIN})

    assert answer["X-Shift"] != str(shop.desk.shift_id)
    assert list(Shift.objects.order_by("pk").values_list("staff_id", "is_at_till", "ended_at")) == [
        (shop.clerk.pk, False, None), (shop.manager.pk, True, None),
    ]  # fmt: skip
    for weak in ("1234", "7777", "987654", "12", "1234567", "12a4"):
        with pytest.raises(pins.PinRefused):
            pins.keep(staff_id=shop.clerk.pk, pin=weak)


def test_a_right_pin_clears_the_count_of_five_but_not_every_day_of_twenty(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    at = {"device_id": shop.desk.device_id, "store_id": shop.desk.store_id}

    def tried(pin: str) -> str:
        try:
            pins.check(staff_id=shop.manager.pk, pin=pin, **at)
        except (pins.PinWrong, pins.TooManyPins) as refusal:
            return refusal.code
        return "open"

    assert [tried(pin) for pin in ("4821",) * 4] == ["pin_wrong"] * 4
    assert [tried(MANAGER_PIN), *(tried("4821") for _ in range(4)), tried(MANAGER_PIN)] == [
        "open",
        *["pin_wrong"] * 4,
        "open",
    ]
    monkeypatch.setattr(pins, "PER_PERSON", (100, 300))
    monkeypatch.setattr(pins, "PER_PERSON_A_DAY", (3, 24 * 3600))
    assert [tried("4821") for _ in range(4)] == ["pin_wrong"] * 3 + ["pin_tries"]


def test_a_signature_has_its_one_form(shop: Shop):
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tills.keep_scan_key(device_id=shop.desk.device_id, public_key=public)
    first, second = (half.to_bytes(32) for half in decode_dss_signature(key.sign(b"scan", ec.ECDSA(SHA256()))))

    def is_signed(raw: bytes, text: str = "scan") -> bool:
        return tills.is_signed(device_id=shop.desk.device_id, text=text, signature=b64encode(raw).decode())

    assert (is_signed(first + second), is_signed(first + second, "scam")) == (True, False)
    assert [is_signed(raw) for raw in (first + b"\0" + second, first, b"")] == [False] * 3


def test_who_left_opens_no_till_and_a_till_needs_an_open_store_and_the_right_of_a_till(shop: Shop):
    Staff.objects.filter(pk=shop.manager.pk).update(is_active=False)
    with pytest.raises(pins.PinWrong):
        pins.check(
            staff_id=shop.manager.pk, pin=MANAGER_PIN, device_id=shop.desk.device_id, store_id=shop.desk.store_id
        )
    Device.objects.filter(pk=shop.desk.device_id).update(scopes=["members.read"])
    assert shop.browser().post("/counter/lock/").status_code == 403
    Store.objects.filter(pk=shop.desk.store_id).update(is_open=False)
    with pytest.raises(NotFound):
        tills.bind(name="3号台", store_id=shop.desk.store_id, staff_id=shop.manager.pk)


def test_a_shift_of_yesterday_ended_when_it_was_last_seen_and_a_locked_one_is_not_touched(shop: Shop, clock):
    at = {"device_id": shop.desk.device_id, "staff_id": shop.clerk.pk}
    first = Shift.objects.get()
    shifts.touch(first, moment=NOON + timedelta(minutes=1))
    seen = Shift.objects.get().seen_at
    shifts.lock(device_id=shop.desk.device_id)
    shifts.touch(first, moment=NOON + timedelta(minutes=5))
    assert (seen, Shift.objects.get().seen_at) == (NOON + timedelta(minutes=1),) * 2

    shifts.begin(**at, moment=NOON + timedelta(days=1))

    assert list(Shift.objects.order_by("pk").values_list("ended_at", "is_at_till")) == [(seen, False), (None, True)]


def test_a_scan_shows_who_stands_there_and_the_sale_is_taken_in(shop: Shop):
    shop.rich("mine", 3_000)
    browser = shop.browser()

    seen = browser.post("/counter/scan/", {"text": shown(shop), "amount": "568"})
    page = seen.content.decode()
    assert (seen["X-Place"], seen["X-Sound"]) == ("view", "seen")
    assert "沈*e" in page
    assert "0001" in page
    assert "3,000" in page
    assert "沈mine" not in page
    assert "19900000001" not in page
    assert 'data-points="3000" data-off="3000"' in page

    form = {"ticket": ticket(seen), "amount": "568.00", "receipt": "r-1", "points": "3000", "key": "abcdefgh"}
    done = browser.post("/counter/pay/", form)
    again = browser.post("/counter/pay/", form)

    assert (done.status_code, done["X-Sound"], again.status_code) == (200, "ok", 200)
    assert "¥538.00" in done.content.decode()
    assert "+538" in done.content.decode()
    assert list(Checkout.objects.values_list("order__order_no", "order__total_cents", "points_spent")) == [
        ("R-1", 53_800, 3_000)
    ]


def test_a_ticket_is_good_for_its_till_only_and_points_need_the_code(shop: Shop):
    shop.rich("mine", 3_000)
    browser = shop.browser()
    forged = tickets.for_member(
        desk=type(shop.desk)(1, shop.desk.device_id + 1, 1, "X", 1), member_id=1, is_present=True
    )
    by_phone = browser.post("/counter/tail/", {"text": "0001"})

    form = {"amount": "10", "receipt": "A1", "points": "100", "key": "abcdefgh"}
    for given, code in ((forged, "member_seen_over"), (ticket(by_phone), "code_needed")):
        answer = browser.post("/counter/pay/", {**form, "ticket": given})
        assert (answer["X-Problem"], answer["X-Place"], answer["X-Sound"]) == (code, "result", "no")
    assert Checkout.objects.count() == 0


def test_a_card_is_its_member_and_no_receipt_and_a_number_that_may_be_one_counts_alone_only(shop: Shop):
    mine, near = (shop.house.members[where] for where in ("mine", "near"))
    identities.add_identity(member_id=mine.pk, kind="card", value="8800 1234 5601")
    identities.add_identity(member_id=near.pk, kind="card", value="88001234560212345X")
    browser = shop.browser()

    by_card = browser.post("/counter/scan/", {"text": "880012345601"})
    assert [tickets.member(ticket(by_card), desk=shop.desk)] == [tickets.Member(mine.pk, is_present=False)]
    form = {"ticket": ticket(by_card), "amount": "10", "receipt": "A1", "key": "abcdefgh"}
    assert browser.post("/counter/pay/", {**form, "points": "100"})["X-Problem"] == "code_needed"
    typed = browser.post("/counter/tail/", {"text": "8800 1234 5602 12345X"})
    other = browser.post("/counter/scan/", {"text": "88001234560212345X", "ticket": ticket(by_card)})
    alone = browser.post("/counter/scan/", {"text": mine.member_no})
    beside = browser.post("/counter/scan/", {"text": mine.member_no, "ticket": ticket(typed)})
    found = [tickets.member(ticket(answer), desk=shop.desk).member_id for answer in (typed, other, alone)]
    assert found == [near.pk, near.pk, mine.pk]
    assert (beside.status_code, beside["X-Receipt"]) == (204, mine.member_no)

    type(mine).objects.filter(pk=mine.pk).update(status="frozen")
    assert browser.post("/counter/scan/", {"text": "880012345601"})["X-Problem"] == "member_unknown"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("412345678901234567", "member"),
        ("２３４５６７８９ＡＢＣＤ", "gift"),
        ("2345 6789 abcd", "gift"),
        ("13800000000", "phone"),
        ("POS2-000123", "receipt"),
        ("https://x.example/1", ""),
        ("", ""),
    ],
)
def test_the_shape_tells_what_was_scanned(text: str, kind: str):
    assert scans.kind(scans.plain(text)) == kind


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("4" * 18, "member_code_invalid", 404),
        ("<>", "scan_unknown", 404),
        ("23456789ABCD", "pick_up_code_unknown", 404),
    ],
)
def test_a_wrong_scan_is_refused_with_a_reason_and_a_next_step(shop: Shop, text: str, code: str, status: int):
    answer = shop.browser().post("/counter/scan/", {"text": text})

    page = answer.content.decode()
    assert (answer.status_code, answer["X-Problem"]) == (status, code)
    for words in (reasons.CODES[code].title, reasons.CODES[code].now):
        with translation.override("zh-hans"):
            assert str(words) in page


def test_every_reason_has_words_in_both_languages():
    assert len(reasons.CODES) >= 30
    for code, reason in reasons.CODES.items():
        for words in (reason.title, reason.now):
            with translation.override("en"):
                english = str(words)
            with translation.override("zh-hans"):
                chinese = str(words)
            assert not re.search(r"[\u4e00-\u9fff]", english), code
            assert re.search(r"[\u4e00-\u9fff]", chinese), code


class Browser:
    """The key that a till's browser makes for itself."""

    def __init__(self, client: Client) -> None:
        self.client, self.key = client, ec.generate_private_key(ec.SECP256R1())
        mine, another = self.key, ec.generate_private_key(ec.SECP256R1())
        answers = [self.offer(key) for key in (mine, mine, another)]  # where the answer was lost it is offered again
        assert answers == [204, 204, 409]

    def offer(self, key: ec.EllipticCurvePrivateKey) -> int:
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return self.client.post("/counter/key/", {"key": b64encode(der).decode()}).status_code

    def send(self, text: str, *, change: str = "") -> dict[str, object]:
        halves = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(SHA256())))
        signature = b64encode(b"".join(half.to_bytes(32) for half in halves)).decode()
        return self.client.post("/counter/later/", {"text": change or text, "signature": signature}).json()


def test_what_a_till_kept_without_network_comes_in_once_with_the_time_of_its_scan(
    shop: Shop, clock: Callable[..., object]
):
    browser = Browser(shop.browser())
    code, scanned = shown(shop), shop.house.moment + timedelta(seconds=30)
    item = {"key": "offline-1", "at": scanned.isoformat(), "shift": shop.desk.shift_id, "amount": "88", "receipt": "b7"}
    item["code"] = code
    shifts.lock(device_id=shop.desk.device_id)
    clock(shop.house.moment + timedelta(minutes=50))  # the code itself is long over

    forged = browser.send(json.dumps(item), change=json.dumps(item | {"amount": "8888"}))
    early = browser.send(json.dumps(item | {"at": (shop.house.moment - timedelta(hours=3)).isoformat()}))
    assert [forged["code"], early["code"]] == ["sale_unsigned", "sale_unsigned"]
    assert Checkout.objects.count() == 0

    answers = [browser.send(json.dumps(item)) for _ in range(2)]

    assert [answer["is_kept"] for answer in answers] == [True, True]
    row = Checkout.objects.get()
    assert (row.order.order_no, row.order.paid_at, row.gross_cents, row.was_offline) == ("B7", scanned, 8_800, True)
    other = browser.send(json.dumps(item | {"key": "offline-2", "receipt": "b8"}))  # the same scan again
    assert (other["is_kept"], other["code"]) == (False, "member_code_used")


def test_a_later_undoing_asks_for_a_managers_pin(shop: Shop, clock: Callable[..., object]):
    browser = shop.browser()
    form = {"amount": "88", "receipt": "c1", "key": "abcdefgh"}
    browser.post("/counter/pay/", {**form, "ticket": ticket(browser.post("/counter/scan/", {"text": shown(shop)}))})
    wanted = {"checkout": Checkout.objects.get().pk}
    clock(shop.house.moment + timedelta(minutes=6))
    Shift.objects.update(seen_at=shop.house.moment + timedelta(minutes=6))

    asked = browser.post("/counter/undo/", wanted)
    wrong = browser.post("/counter/undo/", {**wanted, "staff": shop.clerk.pk, "pin": PIN})
    assert (asked["X-Problem"], wrong["X-Problem"]) == ("undo_needs_manager", "pin_wrong")
    assert ['name="pin"' in page.content.decode() for page in (asked, wrong)] == [True, True]

    done = browser.post("/counter/undo/", {**wanted, "staff": shop.manager.pk, "pin": MANAGER_PIN})

    assert "¥88.00" in done.content.decode()
    row = Checkout.objects.get()
    assert (row.undone_by_id, row.agreed_by_id, row.order.refunded_cents) == (shop.clerk.pk, shop.manager.pk, 8_800)


def test_the_sentence_that_a_new_member_reads_names_the_rules_in_force():
    assert newcomer.RULES == agreements.VERSION


def picture(text: str) -> BytesIO:
    out = BytesIO()
    segno.make(text, micro=False).save(out, kind="png", scale=6)
    out.seek(0)
    out.name = "photo.png"
    return out


def test_a_photo_of_the_code_is_read_by_the_server_and_a_frame_without_one_says_nothing(shop: Shop):
    browser = shop.browser()

    seen = browser.post("/counter/picture/", {"picture": picture(shown(shop)), "amount": ""})
    blank = BytesIO(b"no picture at all")
    blank.name = "photo.png"
    nothing = browser.post("/counter/picture/", {"picture": blank})
    frame = browser.post("/counter/picture/", {"picture": BytesIO(b"x" * 10), "is_frame": "1"})

    assert (seen.status_code, "沈*e" in seen.content.decode()) == (200, True)
    assert (nothing["X-Problem"], frame.status_code) == ("picture_unreadable", 204)


def test_a_gift_is_looked_at_and_handed_out_once(shop: Shop):
    shop.rich("mine", 1_000)
    took = take(shop.house.members["mine"], gift(name="茉莉花茶"), "a", moment=shop.house.moment)
    browser = shop.browser()

    seen = browser.post("/counter/scan/", {"text": took.code}).content.decode()
    ticket = re.search(r'data-gift="([^"]+)"', seen)[1]  # type: ignore[index]
    answers = [browser.post("/counter/hand-over/", {"ticket": ticket}) for _ in range(2)]
    late = browser.post("/counter/scan/", {"text": took.code})

    assert "茉莉花茶" in seen
    assert [answer.status_code for answer in answers] == [200, 409]
    assert (answers[1]["X-Problem"], late["X-Problem"]) == ("already_handed_over", "already_handed_over")
    assert Exchange.objects.get().handed_by_id == shop.clerk.pk


def test_only_a_till_inside_wechat_may_load_wechats_script_and_only_its_own_page_gets_a_pass(shop: Shop, monkeypatch):
    wechat = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 MicroMessenger/8.0.54"
    inside, outside = shop.browser(headers={"user-agent": wechat}), shop.browser()
    host = wechat_pages.LIBRARY
    assert host not in inside.get("/counter/")["Content-Security-Policy"]  # no official account
    monkeypatch.setattr(settings, "WECHAT_PAGES", [{"app_id": "wxtill", "secret": "s"}])
    monkeypatch.setattr(wechat_pages.tickets, "get", lambda app_id: "ticket")

    pages = [browser.get("/counter/") for browser in (inside, outside)]

    directives = [dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; ")) for page in pages]
    assert [host in each["script-src"].split() for each in directives] == [True, False]
    assert [host in " ".join(v for k, v in each.items() if k != "script-src") for each in directives] == [False, False]
    assert [b"wechat.js" in page.content for page in pages] == [True, False]
    ours = "http://testserver/counter/"
    told = inside.get("/counter/wechat/", {"url": ours + "?undo=7"}).json()
    wanted = wechat_pages.signed(ticket="ticket", nonce=told["nonceStr"], stamp=told["timestamp"], url=ours + "?undo=7")
    assert (told["appId"], told["signature"]) == ("wxtill", wanted)
    for other in ("http://elsewhere.example/counter/", "http://testserver/my/", ours + "#x", ""):
        assert inside.get("/counter/wechat/", {"url": other}).status_code == 404
