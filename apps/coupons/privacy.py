"""What coupons hold about members. Issue and use are business records and stay after an erasure: nothing in them names the person."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding, Purge

_BOOKS = _("Business records that the law asks to keep; without the identities nobody can tell whose they are.")

HOLDINGS = (
    Holding(
        model="coupons.Coupon",
        sensitivity="personal",
        member="member_id",
        export=("template", "state", "code", "channel", "issued_at", "starts_at", "ends_at"),
        on_erase="keep",  # usable ones are recalled by the story of the erasure
        on_merge="move",  # with new numbers under the limit, see coupons.merging
        reason=_BOOKS,
    ),
    Holding(
        model="coupons.Use",
        sensitivity="personal",
        member="member_id",
        export=("coupon", "state", "store", "reference", "saved_cents", "at", "done_at", "undone_at"),
        on_erase="keep",
        on_merge="move",
        reason=_BOOKS,
    ),
    Holding(
        model="coupons.Entry",
        sensitivity="technical",
        member="coupon__member_id",
        export=("coupon", "kind", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_BOOKS,
    ),
    Holding(
        model="coupons.Gift",
        sensitivity="personal",
        member="coupon__member_id",
        export=("coupon", "state", "at", "settled_at"),
        on_erase="keep",
        on_merge="stay",
        reason=_BOOKS,
    ),
)
IMPERSONAL = (
    "coupons.Template",
    "coupons.Stock",
    "coupons.Version",
    "coupons.Budget",
    "coupons.Spent",
    "coupons.Batch",
    "coupons.Welcomed",  # a keyed hash that no living row can be joined to
)
PURGES = (Purge(model="coupons.Welcomed", days=settings.COUPON_WELCOME_DAYS, since="at"),)
