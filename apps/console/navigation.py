"""The one list of where staff can go, by what they do. Own pages and Unfold's record tables show the same."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, kw_only=True)
class Item:
    """`permission` is a line of config/access.yaml; "" is open to everybody who is logged in.

    `stage_of`: the setting of a platform; the page is there only while the simulator stands for it.
    """

    label: str | Promise
    icon: str
    url_name: str
    permission: str = ""
    stage_of: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    label: str | Promise
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """An item as one person sees it."""

    label: str | Promise
    icon: str
    href: str
    current: bool


GROUPS: tuple[Group, ...] = (
    Group(
        label="",
        items=(
            Item(label=_("Keep members"), icon="pulse", url_name="console:dashboard", permission="dashboard.view"),
            Item(label=_("The day"), icon="store", url_name="console:today", permission="dashboard.view"),
            Item(label=_("Headquarters"), icon="bars", url_name="console:headquarters", permission="dashboard.view"),
            Item(label=_("To do"), icon="list", url_name="console:followups", permission="followups.view"),
            Item(label=_("Bookings"), icon="cal", url_name="console:bookings", permission="bookings.view"),
            Item(label=_("Pieces put aside"), icon="bag", url_name="console:live_pieces", permission="live.pieces"),
            Item(label=_("Service desk"), icon="heart", url_name="console:tickets", permission="tickets.view"),
            Item(label=_("Help articles"), icon="doc", url_name="console:articles", permission="tickets.view"),
            Item(label=_("Approvals"), icon="check", url_name="console:approvals", permission="approvals.view"),
        ),
    ),
    Group(
        label=_("Members"),
        items=(
            Item(label=_("Members"), icon="users", url_name="console:members", permission="members.view"),
            Item(label=_("Segments"), icon="filter", url_name="console:segments", permission="segments.view"),
            Item(label=_("Life tracks"), icon="flow", url_name="console:tracks", permission="segments.view"),
            Item(label=_("Computed traits"), icon="coin", url_name="console:traits", permission="segments.view"),
            Item(label=_("Tags"), icon="tag", url_name="console:tags", permission="tags.manage"),
            Item(label=_("Member fields"), icon="list", url_name="console:fields", permission="fields.manage"),
            Item(label=_("Stages and worth"), icon="flow", url_name="console:worth", permission="segments.view"),
            Item(label=_("Predictions"), icon="bars", url_name="console:predictions", permission="predictions.view"),
            Item(label=_("Analysis"), icon="bars", url_name="console:analysis", permission="dashboard.view"),
            Item(label=_("Data quality"), icon="check", url_name="console:quality", permission="members.quality"),
            Item(
                label=_("Import members"), icon="upload", url_name="console:member_imports", permission="members.import"
            ),
            Item(label=_("Merges"), icon="people", url_name="console:merges", permission="members.merge"),
            Item(label=_("Orders"), icon="bag", url_name="console:orders", permission="orders.view"),
        ),
    ),
    Group(
        label=_("Points"),
        items=(
            Item(label=_("Rules of earning"), icon="plus", url_name="console:rules", permission="points.view"),
            Item(
                label=_("Points on orders"), icon="bag", url_name="console:points_on_orders", permission="points.view"
            ),
            Item(label=_("Tiers"), icon="card", url_name="console:tiers", permission="points.view"),
            Item(label=_("Points by hand"), icon="edit", url_name="console:hands", permission="points.insiders"),
            Item(label=_("Points owed"), icon="coin", url_name="console:liability", permission="points.report"),
            Item(label=_("Opening balances"), icon="upload", url_name="console:openings", permission="points.openings"),
            Item(label=_("Ledger check"), icon="check", url_name="console:points_checks", permission="points.check"),
        ),
    ),
    Group(
        label=_("Points mall"),
        items=(
            Item(label=_("Rewards"), icon="bag", url_name="console:rewards", permission="points.rewards"),
            Item(label=_("Exchanges"), icon="list", url_name="console:exchanges", permission="points.exchanges"),
            Item(
                label=_("Hand over gifts"), icon="ticket", url_name="console:hand_over", permission="points.hand_over"
            ),
        ),
    ),
    Group(
        label=_("Coupons"),
        items=(
            Item(label=_("Coupons"), icon="ticket", url_name="console:coupons", permission="coupons.view"),
            Item(label=_("Prices"), icon="list", url_name="console:prices", permission="prices.view"),
            Item(label=_("Coupon trial"), icon="play", url_name="console:coupon_trial", permission="coupons.view"),
            Item(label=_("Coupon report"), icon="bars", url_name="console:coupon_report", permission="coupons.report"),
        ),
    ),
    Group(
        label=_("Reach"),
        items=(
            Item(label=_("Journeys"), icon="flow", url_name="console:journeys", permission="journeys.view"),
            Item(label=_("Care policies"), icon="heart", url_name="console:policies", permission="policies.view"),
            Item(label=_("Campaigns"), icon="send", url_name="console:campaigns", permission="campaigns.view"),
            Item(label=_("Live streams"), icon="play", url_name="console:live", permission="live.view"),
            Item(label=_("Weekly routine"), icon="refresh", url_name="console:weeks", permission="weeks.view"),
            Item(label=_("Marketing costs"), icon="coin", url_name="console:costs", permission="costs.view"),
            Item(label=_("WeCom customers"), icon="people", url_name="console:community", permission="community.view"),
            Item(label=_("Customer pool"), icon="people", url_name="console:wecom_pool", permission="community.pool"),
            Item(label=_("Invited friends"), icon="user", url_name="console:referral", permission="referral.view"),
            Item(label=_("Codes"), icon="link", url_name="console:codes", permission="codes.view"),
            Item(label=_("Content cards"), icon="doc", url_name="console:cards", permission="cards.view"),
            Item(label=_("Limits of sending"), icon="shield", url_name="console:limits", permission="limits.view"),
            Item(label=_("Messages"), icon="send", url_name="console:messages", permission="messages.view"),
            Item(
                label=pgettext_lazy("messages", "Channels"),
                icon="flow",
                url_name="console:channels",
                permission="messages.view",
            ),
            Item(
                label=_("Phone preview"),
                icon="phone",
                url_name="console:phone",
                permission="messages.view",
                stage_of="SMS_PROVIDER",
            ),
            Item(
                label=_("Play WeCom"),
                icon="play",
                url_name="console:wecom_play",
                permission="community.manage",
                stage_of="WECOM_PROVIDER",
            ),
        ),
    ),
    Group(
        label=_("System"),
        items=(
            Item(label=_("Imports"), icon="upload", url_name="console:imports", permission="imports.run"),
            Item(label=_("Jobs"), icon="refresh", url_name="console:jobs", permission="jobs.view"),
            Item(label=_("Where stores are"), icon="gate", url_name="console:stores", permission="stores.view"),
            Item(
                label=_("Stores and staff"), icon="store", url_name="console_records:index", permission="records.manage"
            ),
            Item(label=_("Privacy"), icon="lock", url_name="console:privacy", permission="privacy.view"),
            Item(label=_("Tills"), icon="store", url_name="console:tills", permission="counter.work"),
            Item(label=_("API keys"), icon="key", url_name="console:keys", permission="keys.view"),
            Item(label=_("Webhooks"), icon="link", url_name="console:webhooks", permission="webhooks.view"),
            Item(label=_("Audit trail"), icon="shield", url_name="console:audit", permission="audit.view"),
            Item(label=_("Style"), icon="style", url_name="console:style"),
        ),
    ),
)


def places(request: HttpRequest) -> list[tuple[str | Promise, list[Place]]]:
    """Groups with what this person may open and what exists; the longest matching address is the current one."""
    open_items = [
        (group, item, href)
        for group in GROUPS
        for item in group.items
        if (href := address(item.url_name)) and allowed(request, permission=item.permission) and _is_staged(item)
    ]
    here = max((href for _group, _item, href in open_items if _under(request.path, href=href)), key=len, default="")
    shown: list[tuple[str | Promise, list[Place]]] = []
    for group in GROUPS:
        found = [
            Place(label=item.label, icon=item.icon, href=href, current=href == here)
            for owner, item, href in open_items
            if owner is group
        ]
        if found:
            shown.append((group.label, found))
    return shown


def _is_staged(item: Item) -> bool:
    return not item.stage_of or getattr(settings, item.stage_of) == "simulator"


def address(url_name: str) -> str:
    """The address, or "" for a page that is not there (yet)."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def allowed(request: HttpRequest, *, permission: str) -> bool:
    access = getattr(request, "access", None)
    return not permission or (access is not None and bool(access.can(permission)))


def _under(path: str, *, href: str) -> bool:
    return path == href or (href.endswith("/") and href.count("/") > 2 and path.startswith(href))
