"""Callers of the API: members with real tokens, over Django's real middleware chain."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from apps.core import tokens
from apps.core.models import User
from apps.members import services as members
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order

JSON = ("application/json", "application/problem+json")


@dataclass
class Caller:
    """Somebody who calls `/api/v1/`; answers come with their JSON under `.data`."""

    secret: str = ""
    member: Member | None = None
    family_id: int = 0
    http: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        given = {"Accept-Language": "en", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.secret:
            given.setdefault("Authorization", f"Bearer {self.secret}")
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = given.pop("Content-Type", "application/json")
        address = path if path.startswith("/api/") else f"/api/v1/{path}"
        answer = self.http.generic(method, address, content, content_type=kind, headers=given)
        is_json = answer.get("Content-Type", "") in JSON
        answer.data = json.loads(answer.content) if answer.content and is_json else None
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)


@pytest.fixture
def nobody(db: None) -> Caller:
    return Caller()


@pytest.fixture
def new_member(db: None) -> Callable[..., Caller]:
    """`new_member("小满")`: somebody who is logged in."""

    def make(nickname: str = "小满", number: int = 1) -> Caller:
        member_id = members.register(
            source="test", member_no=f"M{number:04d}", nickname=nickname, phone=f"1700000{number:04d}"
        )
        user = User.objects.create_user(username=f"member-{number}")
        Member.objects.filter(pk=member_id).update(user=user)
        pair = tokens.open_family(user_id=user.pk, client="mini:wx5170000000000001", label="iPhone")
        return Caller(secret=pair.access, member=Member.objects.get(pk=member_id), family_id=pair.family_id)

    return make


@pytest.fixture
def me(new_member: Callable[..., Caller]) -> Caller:
    return new_member()


def order_of(member: Member, number: str = "A1", total: int = 12_800, paid_at: Any = None) -> Order:
    order = orders.record(
        source="pos", order_no=number, member_id=member.pk, lines=[orders.NewLine(product_id=None, total_cents=total)],
        total_cents=total, created_at=paid_at,
    )  # fmt: skip
    return orders.mark_paid(order_id=order.pk, paid_at=paid_at)
