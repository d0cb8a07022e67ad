"""A journey in words: who comes in, what each step does, when it does it."""

from typing import Any

from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from apps.care.journeys import callees
from apps.care.models import Channel, Version
from apps.console import behaviour, policy_words, segment_words
from apps.console.segment_form import Words
from apps.coupons.models import Template

KINDS = {
    "send": pgettext_lazy("journey step", "Message"),
    "wait": pgettext_lazy("journey step", "Wait"),
    "await": pgettext_lazy("journey step", "Wait for something"),
    "branch": pgettext_lazy("journey step", "Branch"),
    "split": pgettext_lazy("journey step", "Split by chance"),
    "points": pgettext_lazy("journey step", "Points"),
    "coupon": pgettext_lazy("journey step", "Coupon"),
    "tag": pgettext_lazy("journey step", "Tags"),
    "attribute": pgettext_lazy("journey step", "Field of the member"),
    "followup": pgettext_lazy("journey step", "Task for staff"),
    "webhook": pgettext_lazy("journey step", "Call to a system"),
    "exit": pgettext_lazy("journey step", "End"),
}
ICONS = {
    "wait": "clock", "await": "clock", "branch": "flow", "split": "flow", "points": "coin", "coupon": "ticket", "tag": "tag",
    "attribute": "edit", "followup": "store", "webhook": "link", "exit": "check",
}  # fmt: skip
CHANNEL_ICONS = {"sms": "phone", "inbox": "inbox", "wechat": "chat", "email": "mail"}
QUIET = ("wait", "await", "branch", "split", "exit")  # steps that give nothing
ENTRIES = {
    "trigger": gettext_lazy("When something falls due for a member"),
    "fact": gettext_lazy("At once, when something happens"),
    "event": gettext_lazy("When a member does something"),
    "schedule": gettext_lazy("At a time, everybody of the audience"),
    "call": gettext_lazy("Put in by hand or by a program"),
}
FACTS = {
    "order.paid": gettext_lazy("an order is paid"),
    "order.received": gettext_lazy("an order comes in"),
    "order.refunded": gettext_lazy("an order is refunded"),
    "member.registered": gettext_lazy("somebody becomes a member"),
    "member.tier_changed": gettext_lazy("a tier changes"),
    "member.tier_falling": gettext_lazy("a tier is about to fall"),
    "booking.kept": gettext_lazy("a booking was kept"),
    "ticket.resolved": gettext_lazy("a ticket is resolved"),
}
EVERY = {
    "day": pgettext_lazy("journey", "every day"),
    "week": pgettext_lazy("journey", "every week"),
    "month": pgettext_lazy("journey", "every month"),
}
AGAIN = {
    "never": gettext_lazy("Never again"),
    "after": gettext_lazy("So many days after the walk has ended"),
    "each": gettext_lazy("Every time, several walks at once"),
}
AWAITED = {
    "order": pgettext_lazy("journey", "a purchase"),
    "event": pgettext_lazy("journey", "an event"),
    "rule": pgettext_lazy("journey", "a rule that comes true"),
}
WEEKDAYS = {
    1: gettext_lazy("Monday"), 2: gettext_lazy("Tuesday"), 3: gettext_lazy("Wednesday"), 4: gettext_lazy("Thursday"),
    5: gettext_lazy("Friday"), 6: gettext_lazy("Saturday"), 7: gettext_lazy("Sunday"),
}  # fmt: skip
_HAN = "〇一二三四五六七八九"


class Brand:
    """What words about this brand's journeys need, read once a page."""

    def __init__(self) -> None:
        self.words = Words()
        is_english = not (get_language() or "").startswith("zh")
        rows = Template.objects.filter(version__isnull=False, is_pool=False).values_list("key", "name", "name_en")
        self.coupons = {key: (is_english and name_en) or name for key, name, name_en in rows.order_by("-id")[:300]}

    def rule(self, rule: Any) -> str:
        """The rule as a sentence, "" for everybody."""
        try:
            return segment_words.sentence(rule, self.words.names, self.words.attributes)
        except (KeyError, TypeError, ValueError, AttributeError):
            return _("a rule that is not whole yet")


def number(count: int) -> str:
    """1, 2, 3 as a reader of Chinese counts steps: 一, 二, 三."""
    if not (get_language() or "").startswith("zh") or not 0 < count < 100:
        return str(count)
    tens, ones = divmod(count, 10)
    return f"{_HAN[tens] if tens > 1 else ''}{'十' if tens else ''}{_HAN[ones] if ones or not tens else ''}"


def entry(draft: dict[str, Any], brand: Brand) -> str:
    """Who comes in."""
    given = draft["entry"]
    what = {"trigger": _trigger, "fact": _fact, "event": _event, "schedule": _schedule}.get(
        given["kind"], lambda _given: _("By hand or by a program")
    )
    text = what(given)
    rule = brand.rule(draft.get("audience") or {})
    return _("%(entry)s, for %(rule)s") % {"entry": text, "rule": rule} if rule else text


def _trigger(given: dict[str, Any]) -> str:
    known = policy_words.trigger(given)
    if known != _("No trigger chosen yet"):
        return known
    return str(dict(Version.Trigger.choices).get(str(given.get("trigger")), known))


def _fact(given: dict[str, Any]) -> str:
    fact = given.get("fact", "")
    return _("When %(fact)s") % {"fact": FACTS.get(fact, fact)}


def _event(given: dict[str, Any]) -> str:
    """What is done, with which thing, and whether once per thing."""
    only, name = given.get("only") or {}, behaviour.title(str(given.get("event", "")))
    text = _("When a member does this: %(event)s") % {"event": name}
    if only.get("property"):
        text = f"{text} ({only['property']}: {', '.join(only.get('values', []))})"
    return _("%(event)s, once per %(property)s") % {"event": text, "property": given["by"]} if given.get("by") else text


def _schedule(given: dict[str, Any]) -> str:
    at = str(given.get("at", "")).replace("T", " ")
    text = _("At %(time)s") % {"time": at} if at else _("At a time")
    return (
        _("%(time)s, %(every)s") % {"time": text, "every": EVERY[given["every"]]}
        if given.get("every") in EVERY
        else text
    )


def again(given: Any) -> str:
    kind = given.get("kind") if isinstance(given, dict) else "never"
    if kind == "after":
        return ngettext(
            "not again within %(days)s day", "not again within %(days)s days", _whole(given.get("days"))
        ) % {"days": given.get("days", "…")}
    return _("again every time") if kind == "each" else _("never again")


def end(when: dict[str, Any], brand: Brand) -> str:
    if when.get("kind") == "order":
        return _("Leaves on a purchase")
    return _("Leaves when: %(rule)s") % {"rule": brand.rule(when.get("rule") or {}) or "…"}


def title(raw: dict[str, Any]) -> str:
    """The staff's own name for a step, or what kind it is."""
    return str(raw.get("name") or KINDS.get(raw["kind"], raw["kind"]))


def icon(raw: dict[str, Any]) -> str:
    return (
        CHANNEL_ICONS.get(str(raw.get("channel")), "send") if raw["kind"] == "send" else ICONS.get(raw["kind"], "gear")
    )


def badges(raw: dict[str, Any], brand: Brand) -> list[tuple[str, str]]:
    """(words, tone) beside the title."""
    kind = raw["kind"]
    if kind == "send":
        labels = dict(Channel.choices)
        chain = [
            raw.get("channel"),
            *(one.get("channel") for one in raw.get("fallback") or [] if isinstance(one, dict)),
        ]
        found = [(_(" → ").join(str(labels.get(one, one)) for one in chain if one), "")]
        return [*found, (_("part of the service"), "")] if raw.get("is_transactional") else found
    if kind == "coupon":
        return [(brand.coupons.get(raw.get("template", ""), raw.get("template") or _("no coupon chosen")), "brand")]
    if kind == "points":
        return [(_("%(count)s points") % {"count": f"{_whole(raw.get('amount')):,}"}, "brand")]
    return []


def says(raw: dict[str, Any], brand: Brand) -> Any:
    """What the step does, in a line; the text of a message with its variables tinted."""
    said = _SAYS.get(raw["kind"])
    return said(raw, brand) if said else ""


def _wait(raw: dict[str, Any], brand: Brand) -> str:
    given: Any = raw.get("for") if isinstance(raw.get("for"), dict) else {}
    kind = given.get("kind")
    if kind == "weekday":
        days = _(", ").join(str(WEEKDAYS.get(day, day)) for day in given.get("weekdays", []))
        return _("Until %(days)s, %(hour)s:00") % {"days": days or "…", "hour": given.get("hour", "…")}
    if kind == "date":
        return _("Until %(day)s, %(hour)s:00") % {"day": date_of(given, brand), "hour": given.get("hour", "…")}
    parts = [
        words % {"count": given[name]}
        for name, words in (
            ("days", ngettext("%(count)s day", "%(count)s days", _whole(given.get("days")))),
            ("hours", ngettext("%(count)s hour", "%(count)s hours", _whole(given.get("hours")))),
            ("minutes", ngettext("%(count)s minute", "%(count)s minutes", _whole(given.get("minutes")))),
        )
        if given.get(name)
    ]
    span = " ".join(parts)
    if "hour" in given:
        words = _("Wait %(span)s, then until %(hour)s:00") if span else _("Until %(hour)s:00")
        return words % {"span": span, "hour": given["hour"]}
    return _("Wait %(span)s") % {"span": span or "…"}


def date_of(given: dict[str, Any], brand: Brand) -> str:
    """“3 days before the birthday”."""
    field = given.get("field", "")
    name = _("birthday") if field == "birthday" else brand.words.attributes.get(field, field or "…")
    days = _whole(given.get("offset_days"))
    if days < 0:
        return ngettext("%(days)s day before: %(date)s", "%(days)s days before: %(date)s", -days) % {
            "days": -days,
            "date": name,
        }
    if days:
        return ngettext("%(days)s day after: %(date)s", "%(days)s days after: %(date)s", days) % {
            "days": days,
            "date": name,
        }
    return str(name)


def _await(raw: dict[str, Any], brand: Brand) -> str:
    what: Any = raw.get("what") if isinstance(raw.get("what"), dict) else {}
    word = AWAITED.get(what.get("kind", ""), "…")
    if what.get("kind") == "event":
        word = _("event “%(name)s”") % {"name": what.get("event") or "…"}
    if what.get("kind") == "rule":
        word = brand.rule(what.get("rule") or {}) or "…"
    days = _whole(raw.get("days"))
    return ngettext("Wait for %(what)s, %(days)s day at most", "Wait for %(what)s, %(days)s days at most", days) % {
        "what": word, "days": raw.get("days", "…"),
    }  # fmt: skip


def _coupon(raw: dict[str, Any], brand: Brand) -> str:
    said = [_("One live coupon of this kind each")] if raw.get("is_only_live") else []
    return _("; ").join([*said, *_most(raw)])


def _points(raw: dict[str, Any], brand: Brand) -> str:
    return _("; ").join(_most(raw))


def _most(raw: dict[str, Any]) -> list[str]:
    return [_("to %(count)s members at most") % {"count": f"{_whole(raw['most']):,}"}] if raw.get("most") else []


def _tag(raw: dict[str, Any], brand: Brand) -> str:
    said = []
    if raw.get("add"):
        said.append(_("gives %(tags)s") % {"tags": _(", ").join(map(str, raw["add"]))})
    if raw.get("remove"):
        said.append(_("takes away %(tags)s") % {"tags": _(", ").join(map(str, raw["remove"]))})
    return _("; ").join(said)


def _attribute(raw: dict[str, Any], brand: Brand) -> str:
    field = raw.get("field", "")
    return _("%(field)s becomes “%(value)s”") % {
        "field": brand.words.attributes.get(field, field or "…"), "value": raw.get("value", "…"),
    }  # fmt: skip


def _followup(raw: dict[str, Any], brand: Brand) -> str:
    said = [str(raw[name]) for name in ("title", "text") if raw.get(name)]
    if raw.get("due_hours"):
        said.append(_("within %(hours)s hours") % {"hours": raw["due_hours"]})
    return _("; ").join(said)


def _webhook(raw: dict[str, Any], brand: Brand) -> str:
    key = str(raw.get("endpoint") or "")
    return _("calls “%(name)s”") % {"name": callees.names().get(key, key) or "…"}


_SAYS: dict[str, Any] = {
    "send": lambda raw, brand: policy_words.text(str(raw.get("template", ""))) or _("no text yet"),
    "wait": _wait, "await": _await, "coupon": _coupon, "points": _points, "tag": _tag, "attribute": _attribute, "followup": _followup,
    "webhook": _webhook,
    "branch": lambda raw, brand: _("The first way whose rule is true"),
    "split": lambda raw, brand: _("By chance, always the same way for the same member"),
    "exit": lambda raw, brand: _("The walk ends here"),
}  # fmt: skip


def way(raw: dict[str, Any], name: str, brand: Brand) -> str:
    """What a way is called."""
    if name.isdigit():
        part = (raw.get("ways") or raw.get("arms") or [])[int(name) - 1]
        if raw["kind"] == "split":
            own = part.get("name") or chr(64 + int(name))
            return _("%(name)s, %(percent)s%%") % {"name": own, "percent": part.get("percent", "…")}
        return str(part.get("name") or brand.rule(part.get("rule") or {}) or _("a rule is missing"))
    if name == "otherwise" and raw["kind"] in ("points", "coupon"):
        return _("Who got none")
    if name == "otherwise" and raw["kind"] == "wait":
        return _("For whom the date never comes")
    if name == "next" and raw["kind"] == "wait":
        return _("When the date has come")
    return {
        "met": _("It happened"), "timeout": _("It did not happen in time"), "otherwise": _("Everybody else"),
        "next": pgettext("journey", "Who got it"),
    }.get(name, name)  # fmt: skip


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
