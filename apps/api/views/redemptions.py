"""What a wallet does for a basket, and using it: reserve → confirm or cancel, redeem at once, roll back.

A quote that finds nothing usable is a 200 that says why; a redemption that cannot be is a 409 with the same code. A program names the
member; a till names its reading of the member's code, so it redeems only for who stood there.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from apps.api import baskets, shapes
from apps.api.base import ApiView
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.api.views.member_codes import CODE
from apps.core import ids
from apps.core.errors import DomainError, NotFound
from apps.coupons import redeeming
from apps.coupons.errors import USING
from apps.coupons.models import Use
from apps.coupons.redeeming import Act, Place, Receipt
from apps.flows import shopper
from apps.members import member_codes
from apps.members import selectors as members
from apps.orders.models import Order
from apps.stores.models import Store

_WHO = ["not_found", "price_unknown", "coupon_nobody_named", "member_not_active", "member_seen_over"]


class NobodyNamed(DomainError):
    code = "coupon_nobody_named"
    status = 422
    title = _("Say whose basket it is.")


class MyQuotes(ApiView):
    route = "my_quotes"

    @operation(
        "What your coupons do for a basket, and the best combination",
        form=baskets.BasketInput,
        asks={"lines": baskets.ASKS["lines"], "shipping_cents": 800},
        answer=baskets.QuoteOut,
        example=baskets.QUOTE_EXAMPLE,
        problems=["price_unknown"],
    )
    def post(self, request: Request) -> Response:
        given = self.read(baskets.BasketInput)
        who = shopper.shopper_of(self.member_id)
        put = baskets.basket(given, who, channel="web")
        return Response(
            baskets.quote(shopper.offers_for(who, put.basket, with_points=given.get("with_points", False)), put)
        )


class _Sale(ApiView):
    """Acts stand under `api:<key of the program>:<reference>`: no program touches what another one did."""

    def source(self, reference: str) -> str:
        return f"api:{self.principal.actor}:{reference}"

    def whose(self, given: dict[str, Any]) -> int:
        """A till answers for a reading of its own, a program for the member it names."""
        if self.principal.kind == "device":
            return member_codes.member_of(seen_id=self._given(given, "reading", CODE), at=self._here())
        return members.current_id(self._given(given, "member", shapes.MEMBER))

    def store(self, given: dict[str, Any]) -> Store | None:
        """Raises NotFound for a code that is no store's, or another store than the till's."""
        if not given.get("store") and not self.principal.store_id:
            return None
        rows = Store.objects.filter(code=given["store"]) if given.get("store") else Store.objects.all()
        found = (rows.filter(pk=self.principal.store_id) if self.principal.store_id else rows).first()
        if found is None:
            raise NotFound
        return found

    def order(self, given: dict[str, Any], *, member_id: int) -> int | None:
        """Raises NotFound for an order that is not the member's."""
        if not given.get("order"):
            return None
        order_id = ids.decode(shapes.ORDER, given["order"])
        if not Order.objects.filter(pk=order_id, member__in=members.family(member_id)).exists():
            raise NotFound
        return order_id

    def use(self, redemption: str) -> Use:
        """That names an act of this program. Raises NotFound."""
        found = redeeming.of_use(ids.decode(baskets.REDEMPTION, redemption))
        if found is None or not found.source.startswith(self.source("")):
            raise NotFound
        return found

    def _here(self) -> member_codes.Where:
        return member_codes.Where(store_id=self.principal.store_id or 0, device_id=self.principal.credential_id)

    def _given(self, given: dict[str, Any], name: str, prefix: str) -> int:
        if not given.get(name):
            raise NobodyNamed
        return ids.decode(prefix, given[name])


class Quotes(_Sale):
    route = "quotes"

    @operation(
        "What a member's coupons do for a basket: ranked, with reasons, and the best combination",
        form=baskets.QuoteInput,
        asks=baskets.ASKS,
        answer=baskets.QuoteOut,
        example=baskets.QUOTE_EXAMPLE,
        problems=_WHO,
        tag="server",
    )
    def post(self, request: Request) -> Response:
        given = self.read(baskets.QuoteInput)
        store = self.store(given)
        who = shopper.shopper_of(self.whose(given))
        put = baskets.basket(given, who, store=store.code if store else "")
        return Response(
            baskets.quote(shopper.offers_for(who, put.basket, with_points=given.get("with_points", False)), put)
        )


class Redemptions(_Sale):
    route = "redemptions"
    key_required = ("POST",)

    @operation(
        "Use coupons for a basket, all or none: at once, or reserved for some minutes",
        form=baskets.RedemptionInput,
        asks=baskets.ASKS_REDEMPTION,
        answer=baskets.RedemptionOut,
        example=baskets.REDEMPTION_EXAMPLE,
        problems=[*_WHO, *USING, "coupon_act_reused"],
        tag="server",
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        given = self.read(baskets.RedemptionInput)
        member_id, store = self.whose(given), self.store(given)
        who = shopper.shopper_of(member_id)
        basket = baskets.basket(given, who, store=store.code if store else "").basket
        device_id = self.principal.credential_id if self.principal.kind == "device" else None
        order_id = self.order(given, member_id=member_id)
        place = Place(store.pk if store else None, device_id, None, order_id, given["reference"])
        act = Act(
            coupon_ids=[ids.decode(baskets.COUPON, one) for one in given["coupons"]],
            shopper=who,
            basket=basket,
            source=self.source(given["reference"]),
            place=place,
            with_points=given.get("with_points", False),
        )
        if given.get("state") == "reserved":
            return Response(
                baskets.redemption(redeeming.reserve(act, ttl=timedelta(minutes=given.get("minutes", baskets.LONGEST))))
            )
        return Response(baskets.redemption(redeeming.redeem(act)))


class Confirm(_Sale):
    route = "redemption_confirm"
    key_required = ("POST",)

    @operation(
        "Use what was reserved, at what was reckoned then; again: the same receipt",
        form=baskets.ConfirmInput,
        asks={},
        answer=baskets.RedemptionOut,
        example=baskets.REDEMPTION_EXAMPLE,
        problems=["not_found", "coupon_reservation_over"],
        tag="server",
    )
    def post(self, request: Request, redemption: str) -> Response:
        use = self.use(redemption)
        order_id = self.order(self.read(baskets.ConfirmInput), member_id=use.member_id)
        return Response(baskets.redemption(redeeming.confirm(source=use.source, order_id=order_id)))


class _Undo(_Sale):
    def undo(self, redemption: str, act: Callable[..., Receipt]) -> Response:
        return Response(baskets.redemption(act(source=self.use(redemption).source)))


class Cancel(_Undo):
    route = "redemption_cancel"
    key_required = ("POST",)

    @operation(
        "Let go of what was reserved; again: nothing happens",
        answer=baskets.RedemptionOut,
        example=baskets.RESERVED | {"state": "cancelled", "undone_at": baskets.AT},
        problems=["not_found", "coupon_not_redeemed"],
        tag="server",
    )
    def post(self, request: Request, redemption: str) -> Response:
        return self.undo(redemption, redeeming.cancel)


class RollBack(_Undo):
    route = "redemption_roll_back"
    key_required = ("POST",)

    @operation(
        "Undo a redemption whole: its coupons can be used again, or are expired where their days are over",
        answer=baskets.RedemptionOut,
        example=baskets.REDEMPTION_EXAMPLE | {"state": "taken_back", "undone_at": baskets.AT},
        problems=["not_found", "coupon_not_redeemed"],
        tag="server",
    )
    def post(self, request: Request, redemption: str) -> Response:
        return self.undo(redemption, redeeming.take_back)
