"""Which contacts went before orders, and what five models give them of it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from apps.activity.models import Code
from apps.analytics.day import words as figure_words
from apps.analytics.study import attribution as counted
from apps.analytics.study import counting, credits, windows
from apps.analytics.study.credits import Given, Wanted
from apps.care.models import Channel
from apps.console import asked, words
from apps.console.charts import Box, Matrix
from apps.console.studies.asking import Study, View
from apps.core import money
from apps.core.errors import NotFound
from apps.coupons.models import Coupon

EDIT = "analysis.edit"
MOST = 15
MODELS: dict[str, Any] = {
    "last": pgettext_lazy("attribution", "Last"),
    "first": pgettext_lazy("attribution", "First"),
    "linear": pgettext_lazy("attribution", "Equal parts"),
    "decay": pgettext_lazy("attribution", "Fading"),
    "position": pgettext_lazy("attribution", "First and last"),
}
_MEANING = gettext_lazy(
    "Last, first: all to that contact. Equal parts: the same to each. Fading: half as much for every %(days)s days earlier. First and "
    "last: 40%% each, the rest shared out."
)
KINDS: dict[str, Any] = {
    "message": pgettext_lazy("contact", "Message"),
    "coupon": pgettext_lazy("contact", "Coupon"),
    "stream": pgettext_lazy("contact", "Live stream"),
    "group": pgettext_lazy("contact", "WeCom group"),
    "code": pgettext_lazy("contact", "Code"),
    "": gettext_lazy("Nothing before"),
}
_CHANNELS: dict[str, Any] = {"message": Channel, "coupon": Coupon.Channel, "code": Code.Channel}


def way(kind: str, channel: str) -> str:
    """What a contact was, and by which way it came."""
    by = _CHANNELS.get(kind)
    if by is None or channel not in by.values:
        return str(KINDS[kind])
    return pgettext("contact", "%(kind)s: %(channel)s") % {"kind": KINDS[kind], "channel": by(channel).label}


def ways(view: View, *, csv_url: str = "") -> Matrix:
    found = credits.by_way(_wanted(view))
    found.sort(key=lambda one: (one.key[0] == "", -one.cents["last"], one.key))
    lines = [(way(*one.key), one, {"kind": one.key[0], "channel": one.key[1]}) for one in found]
    whole, alone = sum(one.cents["last"] for one in found), sum(one.cents["last"] for one in found if not one.key[0])
    title = _("Which contacts go before orders?")
    if found and found[0].key[0]:
        facts = {
            "share": figure_words.percent((whole - alone) / whole), "way": lines[0][0],
            "cents": money.show(found[0].cents["last"]),
        }  # fmt: skip
        title = _("A contact went before %(share)s of sales; as the last one, most often: %(way)s, %(cents)s") % facts
    return _matrix(view, lines, key="ways", title=title, corner=_("Contact"), csv_url=csv_url, has_sum=True)


def walks(view: View, *, csv_url: str = "") -> Matrix:
    found = sorted(credits.by_journey(_wanted(view)), key=lambda one: (-one.cents["last"], one.key))[:MOST]
    named = credits.journey_names([one.key[0] for one in found])
    lines = [(named.get(one.key[0], "?"), one, {"journey": one.key[0]}) for one in found]
    title = _("Which campaigns and journeys go before orders?")
    if lines:
        facts = {"name": lines[0][0], **_ends(found[0])}
        title = (
            _("%(name)s leads the campaigns and journeys: %(last)s as the last contact, %(first)s as the first") % facts
        )
    return _matrix(view, lines, key="walks", title=title, corner=_("Campaign or journey"), csv_url=csv_url)


def things(view: View, *, csv_url: str = "") -> Matrix:
    found = sorted(credits.by_thing(_wanted(view)), key=lambda one: (-one.cents["last"], one.key))[:MOST]
    named = credits.names([one.key for one in found], store_ids=view.where.ids)
    lines = [(_thing(one.key, named), one, {"kind": one.key[0], "thing": one.key[1]}) for one in found]
    title = _("Which messages, coupons, streams, groups and codes go before orders?")
    if lines:
        one = max(found, key=lambda each: (abs(each.cents["last"] - each.cents["first"]), each.key))
        facts = {"name": _thing(one.key, named), **_ends(one)}
        title = _("The models differ most about %(name)s: %(last)s as the last contact, %(first)s as the first") % facts
    return _matrix(view, lines, key="things", title=title, corner=_("Contact"), csv_url=csv_url)


def _ends(one: Given) -> dict[str, str]:
    return {model: money.show(one.cents[model]) for model in ("last", "first")}


def _matrix(
    view: View, lines: Sequence[tuple[str, Given, dict[str, object]]], *, key: str, title: str, corner: str, csv_url: str,
    has_sum: bool = False,
) -> Matrix:  # fmt: skip
    most = max((max(one.cents.values()) for _name, one, asks in lines if asks.get("kind") != ""), default=0)
    rows = []
    for name, one, asks in lines:
        href = view.rows_url("credits", **asks)
        weigh = 0 if asks.get("kind") == "" or not most else 1 / most
        boxes = tuple(Box(text=money.show(cents), weight=cents * weigh, href=href) for cents in one.cents.values())
        rows.append((name, (figure_words.number(one.contacts),), boxes))
    if has_sum and lines:
        sums = (sum(one.cents[model] for _name, one, _asks in lines) for model in counted.MODELS)
        rows.append((_("All orders"), ("",), tuple(Box(text=money.show(cents)) for cents in sums)))
    first, last = view.period
    setting = windows.current()
    return Matrix(
        key=key, title=title, size="l", corner=corner, more=(pgettext("attribution", "Contacts"),), csv_url=csv_url,
        columns=tuple(str(label) for label in MODELS.values()), rows=tuple(rows), colour="brand",
        subtitle=_("Orders paid %(span)s, less refunds.") % {"span": words.span(first, last)},
        note=str(_MEANING) % {"days": setting[windows.HALF_LIFE]}, as_of=counting.as_of(counted.NAME),
        empty_title=_("No contact went before an order in these days"), empty_text=_("Choose more days, or another store."),
    )  # fmt: skip


def _thing(key: tuple[str, int], named: dict[tuple[str, int], str]) -> str:
    kind, _ref = key
    name = named.get(key) or (_("of another store") if kind == "code" else "?")
    return pgettext("contact", "%(kind)s: %(channel)s") % {"kind": KINDS[kind], "channel": name}


def _wanted(view: View, **more: Any) -> Wanted:
    first, last = view.period
    return Wanted(first=first, last=last, store_ids=view.where.ids, **more)


def _credit_rows(request: HttpRequest, view: View) -> dict[str, Any]:
    """`kind` with `channel` or `thing`, or `journey`."""
    kind, channel = request.GET.get("kind"), request.GET.get("channel")
    thing, journey = asked.a_key(request, name="thing"), asked.a_key(request, name="journey")
    as_of = counting.as_of(counted.NAME)
    if as_of is None or (kind is None) == (journey is None) or (kind is not None and kind not in KINDS):
        raise NotFound
    wanted = _wanted(view, kind=kind, channel=channel, ref_id=thing, journey_id=journey)
    found = credits.rows(wanted, as_of=as_of, cursor=request.GET.get("at", ""))
    named = credits.names([(row["kind"], row["ref_id"]) for row in found.rows if row["kind"]], store_ids=view.where.ids)
    for row in found.rows:
        row["way"] = way(row["kind"], row["channel"])
        row["name"] = named.get((row["kind"], row["ref_id"]), "")
        row["shares"] = [(label, row[f"{model}_cents"]) for model, label in MODELS.items()]
    first, last = view.period
    facts = {"what": _asked_for(wanted), "span": words.span(first, last)}
    return {
        "title": _("%(what)s before orders, %(span)s") % facts if kind != "" else _("Orders with nothing before, %(span)s") % facts,
        "count": _count(wanted), "rows": found.rows, "models": list(MODELS.values()),
        "alone": kind == "", "template": "console/analysis_credits.html",
        **asked.pager(request, found),
    }  # fmt: skip


def _asked_for(wanted: Wanted) -> str:
    if wanted.kind is None:
        return credits.journey_names([wanted.journey_id or 0]).get(wanted.journey_id or 0, "?")
    if wanted.ref_id is not None:
        key = (wanted.kind, wanted.ref_id)
        return _thing(key, credits.names([key], store_ids=wanted.store_ids))
    return way(wanted.kind, wanted.channel or "")


def _count(wanted: Wanted) -> int:
    """As the chart has it."""
    found: list[Given]
    key: tuple[Any, ...]
    if wanted.kind is None:
        found, key = credits.by_journey(wanted), (wanted.journey_id,)
    elif wanted.ref_id is not None:
        found, key = credits.by_thing(wanted), (wanted.kind, wanted.ref_id)
    else:
        found, key = credits.by_way(wanted), (wanted.kind, wanted.channel or "")
    return next((one.contacts for one in found if one.key == key), 0)


class WindowsForm(forms.Form):
    """Days before the payment within which a contact counts."""

    message = forms.IntegerField(label=gettext_lazy("Messages, days"), min_value=windows.LEAST, max_value=windows.MOST)
    stream = forms.IntegerField(
        label=gettext_lazy("Live streams, days"), min_value=windows.LEAST, max_value=windows.MOST
    )
    group = forms.IntegerField(
        label=gettext_lazy("WeCom groups, days"), min_value=windows.LEAST, max_value=windows.MOST
    )
    code = forms.IntegerField(label=gettext_lazy("Codes, days"), min_value=windows.LEAST, max_value=windows.MOST)
    half_life = forms.IntegerField(
        label=gettext_lazy("Fading: half after, days"), min_value=windows.LEAST, max_value=windows.MOST
    )


def _more(request: HttpRequest) -> dict[str, Any]:
    form = WindowsForm(initial=windows.current())
    return {
        "form": form if request.access.can(EDIT) else None,  # type: ignore[attr-defined]
        "windows": [(form.fields[name].label, days) for name, days in windows.current().items()],
    }


STUDY = Study(
    url_name="console:analysis_attribution",
    label=gettext_lazy("What brought orders"),
    heading=gettext_lazy("What went before orders, and how much of it is whose"),
    lede=gettext_lazy("Counted every hour. Each figure leads to its orders and the contact before them."),
    draws={"ways": ways, "walks": walks, "things": things},
    rows={"credits": _credit_rows},
    days_label=gettext_lazy("Orders of"),
    more=_more,
)
