"""Entries of a member's timeline as people read them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from apps.analytics import timeline
from apps.bookings.models import Booking
from apps.care import reasons
from apps.care.models import Enrolment, Touch
from apps.console import asked, behaviour, people, sources, words
from apps.console.templatetags.console import moment as moment_words
from apps.console.templatetags.pages import word
from apps.core import ids, money
from apps.coupons.models import Entry as CouponEntry
from apps.members.models import MemberTag
from apps.points.models import Entry as PointsEntry
from apps.segments.models import StageChange
from apps.stores.models import Store
from apps.tickets.models import Ticket


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`tone` draws the mark: now, ok, warn, bad or nothing."""

    title: str
    moment: datetime
    text: str = ""
    tone: str = ""
    href: str = ""


# What the timeline can be narrowed to, in the order of its buttons; "" is everything.
_THEMES = {
    "": pgettext_lazy("timeline", "Everything"),
    "orders": pgettext_lazy("timeline", "Orders"),
    "points": pgettext_lazy("timeline", "Points"),
    "coupons": pgettext_lazy("timeline", "Coupons"),
    "service": pgettext_lazy("timeline", "Service"),
    "messages": pgettext_lazy("timeline", "Messages"),
    "journeys": pgettext_lazy("timeline", "Journeys"),
    "stages": pgettext_lazy("timeline", "Stages"),
    "consents": pgettext_lazy("timeline", "Consents"),
    "followups": pgettext_lazy("timeline", "Follow-ups"),
    "tags": pgettext_lazy("timeline", "Tags"),
    "behaviour": pgettext_lazy("timeline", "Behaviour"),
    "identity": pgettext_lazy("timeline", "Identity"),
}


def stream(request: HttpRequest, member_id: int) -> dict[str, Any]:
    """The part of the timeline that `?show=` and `?at=` ask for, for the template."""
    show = asked.one_of(request, name="show", allowed=timeline.THEMES)
    may = request.access.can  # type: ignore[attr-defined]
    kinds = timeline.THEMES[show] if show else timeline.KINDS
    page = timeline.timeline(
        member_id=member_id,
        cursor=request.GET.get("at", ""),
        kinds=tuple(kind for kind in kinds if may(_ONLY_FOR.get(kind, "members.view"))),
    )
    return {
        "entries": entries(request, page.rows),
        "older": page.older,
        "show": show,
        "themes": [(theme, label, theme == show) for theme, label in _THEMES.items()],
    }


def entries(request: HttpRequest, rows: Iterable[dict[str, Any]]) -> list[Entry]:
    """Names of stores and staff in one query each; links only where the reader may follow them."""
    rows = list(rows)
    who = people.log_in_names(row["facts"].get("actor", "") for row in rows)
    stores = dict(
        Store.objects.filter(pk__in={row["facts"].get("store_id") for row in rows} - {None}).values_list("pk", "name")
    )
    may = request.access.can  # type: ignore[attr-defined]
    made = []
    for row in rows:
        facts = {**row["facts"], "store": stores.get(row["facts"].get("store_id"), "")}
        facts["who"] = who.get(facts.get("actor", ""), "")
        if row["kind"] == "ticket" and not _is_within(request, facts["store_id"]):
            facts["title"] = ""
        if row["kind"] in _SOURCED:
            facts["source"] = sources.line(request, facts["source"])
        entry = _SAID[row["kind"]](facts)
        href = _href(row["kind"], facts) if may(_NEEDS.get(row["kind"], "")) else ""
        made.append(Entry(moment=row["at"], href=href, **entry))
    return made


def _order(facts: dict[str, Any]) -> dict[str, str]:
    parts = (money.show(facts["total_cents"]), facts["store"], facts["order_no"])
    return {"title": _("Order paid"), "text": " · ".join(part for part in parts if part), "tone": "ok"}


def _refund(facts: dict[str, Any]) -> dict[str, str]:
    title = _("One line refunded") if facts["is_line"] else _("Money refunded")
    return {"title": title, "text": f"{money.show(facts['amount_cents'])} · {facts['order_no']}", "tone": "warn"}


def _stage(facts: dict[str, Any]) -> dict[str, str]:
    after = word(facts["after"], "stage")
    title = (
        _("%(before)s → %(after)s") % {"before": word(facts["before"], "stage"), "after": after}
        if facts["before"]
        else after
    )
    causes = {
        StageChange.Cause.FIRST: _("First computed from the history"),
        StageChange.Cause.ORDER: _("By an order"),
        StageChange.Cause.TIME: _("By time alone"),
        StageChange.Cause.CORRECTED: _("Corrected: a late order or a refund changed the past"),
    }
    tone = {"lapsing": "warn", "dormant": "warn", "lost": "bad", "won_back": "ok", "active": "ok"}.get(
        facts["after"], "now"
    )
    return {"title": title, "text": causes.get(facts["cause"], ""), "tone": tone}


def _consent(facts: dict[str, Any]) -> dict[str, str]:
    told = {"purpose": word(facts["purpose"], "purpose"), "channel": word(facts["channel"], "consent_channel")}
    title = _("Agreed to %(purpose)s, %(channel)s") if facts["is_granted"] else _("Withdrew %(purpose)s, %(channel)s")
    text = _("Source %(source)s, text %(version)s") % {"source": facts["source"], "version": facts["text_version"]}
    return {"title": title % told, "text": text, "tone": "" if facts["is_granted"] else "bad"}


def _touch(facts: dict[str, Any]) -> dict[str, str]:
    state = word(facts["state"], "touch")
    title = _("%(policy)s: %(state)s") % {"policy": facts["policy"], "state": state}
    if facts["state"] == Touch.State.HELD_OUT:
        return {"title": title, "text": _("In the comparison group: nothing is sent.")}
    if facts["reason"]:
        tone = "bad" if facts["state"] == Touch.State.FAILED else ""
        return {"title": title, "text": reasons.text(facts["reason"]), "tone": tone}
    tone = "now" if facts["state"] in {Touch.State.SENT, Touch.State.DELIVERED} else ""
    return {"title": title, "text": facts["text"] or word(facts["channel"], "channel"), "tone": tone}


def _inbox(facts: dict[str, Any]) -> dict[str, str]:
    return {"title": _("Inbox: %(title)s") % {"title": facts["title"]}, "text": facts["body"]}


def _unmask(facts: dict[str, Any]) -> dict[str, str]:
    reason = (facts["after"] or {}).get("reason", "")
    text = " · ".join(part for part in (facts["who"], reason) if part)
    return {"title": _("Phone number looked at"), "text": text, "tone": "warn"}


def _tag(facts: dict[str, Any]) -> dict[str, str]:
    parts = [dict(MemberTag.Source.choices).get(facts["source"], facts["source"])]
    if facts["until"]:
        parts.append(_("until %(day)s") % {"day": words.day(date.fromisoformat(facts["until"]))})
    title = _("Tag given: %(name)s") % {"name": facts["tag"]}
    return {"title": title, "text": " · ".join(str(part) for part in parts), "tone": "now"}


def _untag(facts: dict[str, Any]) -> dict[str, str]:
    return {"title": _("Tag taken away: %(name)s") % {"name": facts["tag"]}}


def _account(facts: dict[str, Any]) -> dict[str, str]:
    after = facts["after"] or {}
    kind = word(after["kind"], "identity") if after.get("kind") else ""
    titles = {
        "member.identity_added": _("Identity added: %(kind)s") % {"kind": kind},
        "member.identity_removed": _("Identity taken away: %(kind)s") % {"kind": kind},
        "member.phone_changed": _("Phone number changed by the member"),
        "member.fields_changed": _("Fields changed"),
        "privacy.export_asked": _("Asked for a copy of their data"),
        "privacy.export_taken": _("Took the copy of their data"),
        "privacy.erasure_asked": _("Asked to be erased"),
    }
    parts = (facts["who"], ", ".join(after.get("keys", ())), after.get("reason", ""))
    tone = "warn" if facts["action"] in {"member.identity_removed", "privacy.erasure_asked"} else ""
    return {"title": titles[facts["action"]], "text": " · ".join(part for part in parts if part), "tone": tone}


def _followup(facts: dict[str, Any]) -> dict[str, str]:
    state = word(facts["outcome"], "outcome") if facts["outcome"] else word(facts["state"], "task")
    said = {"kind": word(facts["kind"], "task_kind"), "state": state}
    parts = (facts["title"], facts["staff"] or "", facts["evidence"])
    tone = {"open": "now", "done": "ok", "expired": "bad"}.get(facts["state"], "")
    title = _("Follow-up, %(kind)s: %(state)s") % said
    return {"title": title, "text": " · ".join(part for part in parts if part), "tone": tone}


def _joined(facts: dict[str, Any]) -> dict[str, str]:
    return {
        "title": _("Joined"),
        "text": " · ".join(part for part in (facts["source"], facts["store"]) if part),
        "tone": "now",
    }


def _state(facts: dict[str, Any]) -> dict[str, str]:
    title = _("State: %(state)s") % {"state": word(facts["after"], "member")}
    parts = (word(facts["cause"], "state_cause"), facts["reason"])
    return {"title": title, "text": " · ".join(part for part in parts if part), "tone": "warn"}


def _merged(facts: dict[str, Any]) -> dict[str, str]:
    parts = (facts["member_no"], facts["reason"])
    title = pgettext("timeline", "Merged with another record")
    return {"title": title, "text": " · ".join(part for part in parts if part), "tone": "now"}


def _unmerged(facts: dict[str, Any]) -> dict[str, str]:
    return {"title": pgettext("timeline", "Merge undone"), "text": facts["member_no"]}


def _journey(facts: dict[str, Any]) -> dict[str, str]:
    told = {"journey": facts["journey"]}
    if not facts["ending"]:
        text = _("In the comparison group: nothing is sent.") if facts["is_held_out"] else ""
        return {"title": _("Came into the journey “%(journey)s”") % told, "text": text, "tone": "now"}
    ending = Enrolment.Ending(facts["ending"])
    tone = "ok" if ending == Enrolment.Ending.GOAL else ""
    return {"title": _("The journey “%(journey)s” ended") % told, "text": str(ending.label), "tone": tone}


def _named(facts: dict[str, Any]) -> str:
    return facts["name_en"] if facts["name_en"] and get_language() == "en" else facts["name"]


def _points(facts: dict[str, Any]) -> dict[str, str]:
    """What moved: the balance, else what waits or is set aside."""
    amount = next((facts[name] for name in ("amount", "pending", "held") if facts[name]), 0)
    told = {"what": PointsEntry.Kind(facts["entry"]).label, "amount": f"{amount:+,}", "name": _named(facts)}
    parts = (_("Balance %(n)s") % {"n": f"{facts['balance']:,}"}, facts["note"], facts["store"])
    tone = "ok" if facts["amount"] > 0 else ""
    title = _("%(name)s %(amount)s: %(what)s") % told
    return {"title": title, "text": " · ".join(part for part in parts if part), "tone": tone}


def _coupon(facts: dict[str, Any]) -> dict[str, str]:
    kinds = dict(CouponEntry.Kind.choices)
    act = pgettext("coupon history", "Given out") if facts["act"] == "issued" else str(kinds.get(facts["act"], ""))
    tone = {"used": "ok", "issued": "now", "recalled": "warn"}.get(facts["act"], "")
    return {
        "title": _("Coupon “%(name)s”: %(act)s") % {"name": _named(facts), "act": act},
        "text": facts["store"],
        "tone": tone,
    }


def _ticket(facts: dict[str, Any]) -> dict[str, str]:
    kind = Ticket.Kind(facts["ticket_kind"]).label
    if facts["act"] == "opened":
        return {"title": _("Request: %(kind)s") % {"kind": kind}, "text": facts["title"], "tone": "now"}
    told = {"kind": kind, "state": Ticket.State(facts["state"]).label}
    return {"title": _("Request ended: %(kind)s, %(state)s") % told, "text": facts["title"]}


def _booking(facts: dict[str, Any]) -> dict[str, str]:
    told = {"name": _named(facts), "state": Booking.State(facts["state"]).label}
    parts = (moment_words(facts["starts_at"]), facts["store"])
    tone = {"arrived": "ok", "missed": "warn", "booked": "now"}.get(facts["state"], "")
    return {
        "title": _("Booking “%(name)s”: %(state)s") % told,
        "text": " · ".join(part for part in parts if part),
        "tone": tone,
    }


def _is_within(request: HttpRequest, store_id: int | None) -> bool:
    reach = request.access.store_ids("tickets.view")  # type: ignore[attr-defined]
    return reach is None or store_id in reach


def _href(kind: str, facts: dict[str, Any]) -> str:
    if kind in {"order", "refund"}:
        return reverse("console:order", args=[ids.encode("ord", facts["order_id"])])
    if kind == "followup":
        return reverse("console:followup", args=[ids.encode("fup", facts["task_id"])])
    if kind == "ticket":
        return reverse("console:ticket", args=[ids.encode("tkt", facts["ticket_id"])]) if facts["title"] else ""
    if kind == "journey":
        return reverse("console:journey_going", args=[facts["journey_key"]])
    return decided_by(facts["policy_key"]) if kind == "touch" else ""


def decided_by(policy_key: str) -> str:
    """The page of the policy; of a message of a journey, which has none of its own, the page of the journey."""
    key, _dot, node = policy_key.partition(".")
    return reverse("console:journey_going", args=[key]) if node else reverse("console:policy", args=[key])


_SOURCED = {"joined", "consent"}
_ONLY_FOR = {"ticket": "tickets.view"}  # what members complain of is not for everybody who sees members
_NEEDS = {
    "ticket": "tickets.view",
    "order": "orders.view", "refund": "orders.view", "touch": "policies.view", "followup": "followups.view",
    "journey": "journeys.view",
}  # fmt: skip
_SAID: dict[str, Callable[[dict[str, Any]], dict[str, str]]] = {
    "order": _order, "refund": _refund, "stage": _stage, "consent": _consent,
    "touch": _touch, "inbox": _inbox, "unmask": _unmask, "joined": _joined,
    "activity": behaviour.said,
    "state": _state, "merged": _merged, "unmerged": _unmerged,
    "tag": _tag, "untag": _untag, "account": _account, "followup": _followup, "journey": _journey,
    "points": _points, "coupon": _coupon, "ticket": _ticket, "booking": _booking,
}  # fmt: skip
