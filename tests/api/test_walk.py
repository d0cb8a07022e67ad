"""Every documented call, made with its own example, succeeds and answers as the document says; live ids are put in."""

from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from apps.activity import codes
from apps.api import document
from apps.core import clock as house
from apps.core import ids, jobs, ratelimits, requests, tokens
from apps.coupons import gifts
from apps.coupons.models import Template
from apps.flows import privacy
from apps.gateways import inbox
from apps.gateways.inbox import Letter
from apps.gateways.models import InboxMessage
from apps.members import fields
from apps.members.models import CodeRequest, Member
from apps.points import defaults, ladders
from apps.points import services as points
from apps.points.models import Exchange
from apps.segments import defining
from apps.segments.tracks import services as tracks
from apps.stores import credentials
from apps.stores.models import Scope, Store
from apps.tickets import services as tickets
from apps.tickets.services import Actor, NewTicket
from tests.api.conftest import JSON, Caller, order_of
from tests.api.test_auth import APP, newest_code
from tests.api.test_document import made
from tests.api.visits import Visits
from tests.care import walks
from tests.coupons import making
from tests.pictures_made import drawn
from tests.points.gifts import gift, rich, take

pytestmark = pytest.mark.django_db(transaction=True)
# Calls whose example cannot work twice or needs what a person reads from a phone; each is walked in a test of its own.
AT_A_COUNTER = {
    "my_exchanges_post", "exchange_hand_over_post", "member_code_read_post", "my_coupon_enter_post", "coupon_gift_take_post",
}  # fmt: skip
VISITS = {"my_bookings_post", "my_booking_move_post", "my_pieces_post", "my_invitation_accept_post"}
LAST = ("export_post", "erasure_post", "auth_logout_post")


def conforms(answer: Any, one: dict[str, Any]) -> None:
    """The answer is one that the operation documents, in status, content type and schema."""
    described = one["responses"][str(answer.status_code)]
    if "content" not in described:
        assert answer.content == b"", answer.content
        return
    kind = answer["Content-Type"].partition(";")[0]
    schema = described["content"][kind]["schema"]
    if kind in JSON:
        jsonschema.validate(answer.data, schema | {"components": made()["components"]})
        assert answer.status_code >= 300 or not (extra := unnamed(answer.data, schema)), (one["operationId"], extra)


def unnamed(data: Any, schema: dict[str, Any]) -> list[str]:
    """Keys of an answer that its document does not name (T-S2): each is one too many. An object without names of its own is open."""
    while "$ref" in schema:
        schema = made()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    forms = [part for kind in ("allOf", "anyOf", "oneOf") for part in schema.get(kind, ())]
    if forms:
        return min((unnamed(data, form) for form in forms), key=len)
    if isinstance(data, list):
        return [key for row in data for key in unnamed(row, schema.get("items", {}))]
    if not isinstance(data, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    return [key for key in data if key not in known] + [
        inner for key, value in data.items() if key in known for inner in unnamed(value, known[key])
    ]


def example(one: dict[str, Any]) -> Any:
    content = next(iter(one.get("requestBody", {}).get("content", {}).values()), {})
    return next((shown["value"] for shown in content.get("examples", {}).values()), None)


def multipart() -> bytes:
    """The body of an upload."""
    return encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("photo.jpg", drawn(), "image/jpeg")})


class World:
    """A member who logged in by WeChat and has a phone, a letter, an order and a second device."""

    def __init__(self, nobody: Caller, url: str) -> None:
        self.nobody, self.url, self.turn = nobody, url, 0
        self.first = self.log_in()
        self.me = Caller(secret=self.first["access_token"])
        self.me.post("auth/wechat-phone", {"app_id": APP, "code": "sim.13900000009.p1"})
        self.member = Member.objects.get()
        inbox.deliver_batch([Letter("k1", self.member.pk, "好久不见", "来喝茶吧")], moment=house.now())
        self.order = order_of(self.member)
        fields.define(key="favourite_tea", label="最爱的茶", type="choice", choices=["oolong", "pu-erh"])
        steps = [{"key": "born", "name": "出生", "months": 0, "days": 0}]
        with requests.acting(actor="test"):
            self.track = tracks.create(key="baby", name="宝宝", anchor="生日", steps=steps, is_told=True)
        self.file = self.me.post("files", multipart(), Content_Type=MULTIPART_CONTENT).data
        rich(self.member, 10_000)
        self.reward, self.paid = gift("walk", points=10), gift("paid", points=10, cash_cents=990)
        with requests.acting(actor="test"):
            defaults.install()
            ladders.install_defaults()
        self.template = making.template()
        self.centre = making.template("walk", is_in_centre=True, is_giftable=True, per_member=None)
        defining.create_list(key="regulars", name="老客", member_ids=[self.member.pk])
        self.code = codes.create(name="poster", target="mini:pages/live/room?id=7").slug
        walks.journey(key="walk")
        self.visits = Visits(self.member.pk)
        self.family_id = tokens.sessions(self.member.user_id)[0].family_id
        scopes = [scope.value for scope in Scope]
        self.till = Caller(
            secret=credentials.issue_device(
                name="till", store_id=Store.objects.create(code="HERE", name="HERE").pk, scopes=scopes
            ).secret
        )
        program = credentials.issue_client(name="shop system", scopes=scopes)
        self.program, self.program_id = Caller(secret=program.secret), program.id
        self.job = self.program.post("members", {"items": [{"member_no": "POS-1"}]}, Prefer="respond-async").data["id"]
        jobs.run(job_id=ids.decode("job", self.job))

    def log_in(self) -> dict[str, Any]:
        self.turn += 1
        return self.nobody.post("auth/wechat", {"app_id": APP, "js_code": f"sim.xiaoman.t{self.turn}"}).data

    def prove(self) -> None:
        sent = self.me.post("auth/step-up-codes").data
        body = {"request_id": sent["request_id"], "code": newest_code(self.url, "0009")}
        assert self.me.post("auth/step-up", body).status_code == 204

    def path(self, path: str) -> str:
        return path.format(**self.samples(path)) if "{" in path else path

    def samples(self, path: str = "") -> dict[str, str]:
        """What stands in the addresses: things of this member, and another log-in of theirs."""
        sessions, self.turn = [""], self.turn + 1
        if "{session}" in path or not path:
            self.log_in()
            sessions = [one["id"] for one in self.me.get("me/sessions").data if not one["is_this"]]
        return {
            "purpose": "care",
            "channel": "sms",
            "message": ids.encode("msg", InboxMessage.objects.get().pk),
            "order": ids.encode("ord", self.order.pk),
            "session": sessions[0],
            "place": self.placed(),
            "code": self.code,
            "member": ids.encode("mem", self.member.pk),
            "segment": "regulars",
            "job": self.job,
            "file": self.file["id"],
            "reward": ids.encode("rwd", self.reward.pk),
            "exchange": ids.encode("exg", self._unpaid()),
            "hold": self.set_aside(),
            "coupon": self.coupon(self.centre),
            "offer": ids.encode("cpt", self.centre.pk),
            "journey": "walk",
            "redemption": self.redeemed(is_reserved="roll-back" not in path),
            "ticket": self.ticket(path),
            "day": (house.local_date(house.now()) - timedelta(days=1)).isoformat(),
            **(self.visits.samples() if Visits.is_asked_for(path) else {}),
        }

    def ticket(self, path: str) -> str:
        """One that is open; to be rated one that is done."""
        self.turn += 1
        asked = NewTicket(
            source=f"walk:{self.turn}", member_id=self.member.pk, kind="question", title="walk", text="walk"
        )
        made = tickets.open_ticket(asked, by=Actor("member"))
        if "vote" in path:
            tickets.move(ticket_id=made.pk, move="resolve", by=Actor("agent"))
        return ids.encode("tkt", made.pk)

    def _unpaid(self) -> int:
        """An exchange that waits for its payment."""
        waiting = Exchange.objects.filter(reward=self.paid, state="awaiting").values_list("pk", flat=True).first()
        return waiting or take(self.member, self.paid, f"walk-{Exchange.objects.count()}").exchange.pk

    def placed(self) -> str:
        day = house.local_date(house.now())
        told = {"anchor_on": day, "source": "api", "is_agreed": True}
        return ids.encode("plc", tracks.place(member_id=self.member.pk, track_id=self.track.pk, **told).pk)

    def set_aside(self) -> str:
        """Points that the program holds."""
        points.earn(member_id=self.member.pk, amount=40, source=f"test:{self.turn}")
        source = f"api:client:{self.program_id}:hold:test-{self.turn}"
        return ids.encode("hld", points.hold(member_id=self.member.pk, amount=40, source=source).entry_id)

    def redeemed(self, *, is_reserved: bool) -> str:
        """Of the program: one that waits to be confirmed, or one that is done."""
        body = {
            "member": ids.encode("mem", self.member.pk),
            "coupons": [self.coupon()],
            "reference": f"walk-{self.turn}",
        }
        body |= {"lines": [{"unit_cents": 9_000}], "state": "reserved" if is_reserved else "done"}
        return str(self.program.post("redemptions", body, Idempotency_Key=f"rdm-{self.turn}").data["id"])

    def coupon(self, of: Template | None = None) -> str:
        return ids.encode("cpn", making.coupon(of or self.template, self.member).pk)

    def _of_a_coupon(self, name: str) -> dict[str, str]:
        if name == "my_coupon_enter_post":
            making.coupon(self.centre, None, state="unclaimed", code="WALK7KQ2M9PW", starts_at=None, ends_at=None)
            return {"code": "walk-7kq2 m9pw"}
        friend = Member.objects.create(member_no="FRIEND")
        given = making.coupon(self.centre, friend)
        return {"token": gifts.offer(member_id=friend.pk, coupon_id=given.pk)}

    def body(self, name: str, shown: Any) -> Any:
        if name == "auth_refresh_post":
            return {"refresh_token": self.log_in()["refresh_token"]}
        if name == "auth_wechat_phone_post":
            return shown | {"code": "sim.13900000009.p2"}
        if name == "auth_codes_post":
            return shown | {"phone": "13900000001"}
        if name == "auth_code_calls_post":
            sent = self.nobody.post("auth/codes", {"phone": "13900000007"}).data
            asked = CodeRequest.objects.filter(key=sent["request_id"])
            asked.update(created_at=house.now() - timedelta(minutes=2))
            return {"request_id": sent["request_id"]}
        if name == "auth_code_post":
            return shown | {"request_id": self.asked, "code": newest_code(self.url, "0001")}
        if name == "my_phone_put":
            sent = self.nobody.post("auth/codes", {"phone": "13900000002", "purpose": "change_phone"}).data
            return {"request_id": sent["request_id"], "code": newest_code(self.url, "0002")}
        if name in AT_A_COUNTER:
            return self._at_a_counter(name)
        if name in {"events_post", "member_events_post"}:
            return shown | {
                "sent_at": house.now().isoformat(),
                "events": [shown["events"][0] | {"occurred_at": house.now().isoformat()}],
            }
        if name in {
            "orders_post",
            "refunds_post",
            "quotes_post",
            "redemptions_post",
            "journey_enter_post",
            "member_coupons_post",
            "stock_post",
            "member_merge_post",
            *VISITS,
        }:
            return self._for_the_member(name, shown)
        return shown

    def _for_the_member(self, name: str, shown: Any) -> Any:
        if name in VISITS:
            return self.visits.body(name, shown)
        if name == "member_coupons_post":
            return shown | {"coupon": self.centre.key}
        if name == "member_merge_post":
            return shown | {"loser": ids.encode("mem", Member.objects.create(member_no=f"L{self.turn}").pk)}
        if name == "stock_post":
            return {"items": [shown["items"][0] | {"store": self.visits.store.code}]}
        mine = {"member": ids.encode("mem", self.member.pk)}
        if name == "journey_enter_post":
            return shown | {"members": list(mine.values())}
        if name == "redemptions_post":
            return shown | mine | {"coupons": [self.coupon()]}
        if name == "quotes_post":
            return shown | mine
        order = {} if name == "orders_post" else {"order": ids.encode("ord", self.order.pk)}
        return {"items": [shown["items"][0] | (mine if name == "orders_post" else {}) | order]}

    def _at_a_counter(self, name: str) -> dict[str, str]:
        if "coupon" in name:
            return self._of_a_coupon(name)
        if name == "member_code_read_post":
            return {"code": self.me.get("me/code").data["code"]}
        if name == "my_exchanges_post":
            return {"reward": ids.encode("rwd", self.reward.pk)}
        return {"code": take(self.member, self.reward, "to hand over").code}

    def query(self, name: str) -> str:
        if name == "my_code_result_get":
            return f"?code={self.me.get('me/code').data['id']}"
        if name in {"my_prices_get", "member_prices_get", "stock_get"}:
            return "?sku=TEA-01"
        if name == "subscribe_templates_get":
            return f"?app_id={APP}&scene=live_reminder"
        return f"?{self.file['link'].partition('?')[2]}" if name == "file_content_get" else ""

    def caller(self, needs: str) -> Caller:
        if needs == "public":
            return self.nobody
        if needs.startswith("device:"):
            return self.till
        return self.program if needs.startswith("client:") else self.me


def test_every_example_of_the_document_works(nobody: Caller, simulator):
    world = World(nobody, simulator.url)
    walked, calls = (
        set(),
        {one["operationId"]: (path, method, one) for path, method, one in document.operations(made())},
    )
    by_code = (
        "auth_step_up_codes_post", "auth_step_up_post", "auth_step_up_wechat_post", "my_phone_put", "export_file_get",
        "guardian_codes_post", "guardian_put",
    )  # fmt: skip
    first = ["auth_codes_post", *(name for name in calls if name not in {"auth_codes_post", *LAST, *by_code})]
    for name in first:
        path, method, one = calls[name]
        headers = (
            {"If_Match": "*"}
            if name in {"me_put", "member_attributes_put", "ticket_work_put"}
            else {"Idempotency_Key": f"walk-{name}"}
        )
        caller = world.caller(one["x-needs"])
        if name == "export_get":
            world.prove()
            privacy.request_export(member_id=world.member.pk)
        body = world.body(name, example(one))
        if name == "files_post":
            body, headers = multipart(), {"Content_Type": MULTIPART_CONTENT}
        answer = caller.call(method.upper(), world.path(path) + world.query(name), body, **headers)
        assert answer.status_code < 300, (name, answer.status_code, answer.data)
        conforms(answer, one)
        assert not isinstance(answer.data, dict) or not answer.data.get("failed"), (name, answer.data)
        world.asked = answer.data["request_id"] if name == "auth_codes_post" else world.asked
        walked.add(name)
    ratelimits._client(settings.REDIS_URL).flushdb()  # a member has fewer calls in a minute than there are to walk
    for name in LAST:
        path, method, one = calls[name]
        answer = world.me.call(method.upper(), path)
        assert answer.status_code < 300 or name == "auth_logout_post", (name, answer.data)
        conforms(answer, one)
        walked.add(name)

    assert calls.keys() - walked == set(by_code)


GUESSES = (
    "is_staff", "is_superuser", "role", "permissions", "scope", "user_id", "member_id", "balance", "growth", "debt", "is_frozen",
    "tier_id", "store_id", "staff_id", "cost_cents", "updated_at", "pk", "version_id", "is_verified", "password",
)  # fmt: skip


def test_no_write_takes_a_field_that_it_does_not_name(nobody: Caller, simulator):
    """T-S2: each guess is named in the refusal, so nothing was read from it and nothing is written."""
    world = World(nobody, simulator.url)
    world.asked = "none"
    world.prove()
    tried, wrong = 0, {}
    for path, method, one in document.operations(made()):
        name, shown = one["operationId"], example(one)
        if method == "get" or not isinstance(shown, dict) or name == "files_post":
            continue
        added = dict.fromkeys(GUESSES, "1")
        rows = next((key for key in ("items", "events") if key in shown), "")
        body = shown | {rows: [shown[rows][0] | added]} if rows else shown | added
        answer = world.caller(one["x-needs"]).call(
            method.upper(), world.path(path), body, If_Match="*", Idempotency_Key=f"guess-{name}"
        )
        tried += 1
        refused = {pointer for pointer in GUESSES if f'/{pointer}"' in answer.content.decode()}
        if name in {"events_post", "member_events_post"}:  # name the first of them only
            refused = set() if answer.data["accepted"] else set(GUESSES)
        if missed := set(GUESSES) - refused:
            wrong[name] = (answer.status_code, sorted(missed)[:3], answer.content[:200])
    assert not wrong, wrong
    assert tried > 50
