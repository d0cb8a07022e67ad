"""The form of a live stream: when, where, who, what is shown, which coupons."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.catalog.models import Product as CatalogProduct
from apps.core import clock
from apps.coupons.models import Template
from apps.livestream import planning
from apps.livestream.models import Host, Product, Room, Stream, Window

MOST_LINES = 60


class LiveForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("Title"), max_length=60)
    room = forms.ChoiceField(label=pgettext_lazy("live stream", "Room"))
    host = forms.ChoiceField(label=pgettext_lazy("live stream", "Host"))
    starts = forms.DateTimeField(
        label=gettext_lazy("Begins"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    minutes = forms.IntegerField(label=gettext_lazy("Length in minutes"), min_value=10, max_value=1440)
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )
    products = forms.CharField(
        label=gettext_lazy("Products shown"),
        help_text=gettext_lazy(
            "One article number per line, in order. “A100 = 5”: five pieces may be put aside to be tried on in stores."
        ),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    coupons = forms.CharField(
        label=gettext_lazy("Coupons only in the stream"),
        help_text=gettext_lazy(
            "One key per line. “live30 + 10”: to be claimed for ten more minutes after the end. "
            "When they can be claimed follows the stream from then on."
        ),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rooms = Room.objects.filter(is_active=True).select_related("platform").order_by("platform__place", "name")
        self.fields["room"].choices = [(str(row.pk), f"{row.platform} · {row.name}") for row in rooms]  # type: ignore[attr-defined]
        hosts = Host.objects.filter(is_active=True).order_by("name")
        self.fields["host"].choices = [(str(row.pk), row.name) for row in hosts]  # type: ignore[attr-defined]

    def clean_products(self) -> list[tuple[int, int | None]]:
        found: list[tuple[int, int | None]] = []
        lines = _lines(self.cleaned_data["products"], mark="=")
        known = dict(CatalogProduct.objects.filter(sku__in=[sku for sku, _n in lines]).values_list("sku", "pk"))
        for sku, number in lines:
            if sku not in known:
                raise forms.ValidationError(_("There is no product with the article number %(sku)s.") % {"sku": sku})
            found.append((known[sku], number))
        return found

    def clean_coupons(self) -> list[tuple[str, int]]:
        lines = _lines(self.cleaned_data["coupons"], mark="+")
        known = set(Template.objects.filter(key__in=[key for key, _n in lines]).values_list("key", flat=True))
        for key, _number in lines:
            if key not in known:
                raise forms.ValidationError(_("There is no coupon with the key %(key)s.") % {"key": key})
        return [(key, min(number or 0, 1440)) for key, number in lines]

    def wanted(self) -> planning.Wanted:
        given = self.cleaned_data
        return planning.Wanted(
            title=given["title"], note=given["note"], room_id=int(given["room"]), host_id=int(given["host"]),
            starts_at=given["starts"], ends_at=given["starts"] + timedelta(minutes=given["minutes"]),
            products=given["products"], coupons=given["coupons"],
        )  # fmt: skip


def _lines(text: str, *, mark: str) -> list[tuple[str, int | None]]:
    found: dict[str, int | None] = {}
    for line in [line.strip() for line in text.splitlines() if line.strip()][:MOST_LINES]:
        name, _sign, number = (part.strip() for part in line.partition(mark))
        if number and not (number.isascii() and number.isdigit() and len(number) <= 5):
            raise forms.ValidationError(_("A whole number is expected here: %(line)s") % {"line": line[:40]})
        found[name] = int(number) if number else None
    return list(found.items())


def initial(row: Stream) -> dict[str, Any]:
    products = Product.objects.filter(stream=row).select_related("product").order_by("place", "id")
    windows = Window.objects.filter(stream=row).order_by("id")
    return {
        "title": row.title, "room": str(row.room_id), "host": str(row.host_id), "note": row.note,
        "starts": clock.local(row.starts_at), "minutes": int((row.ends_at - row.starts_at).total_seconds() // 60),
        "products": "\n".join(_line(one.product.sku, "=", one.quantity) for one in products),
        "coupons": "\n".join(_line(one.coupon, "+", one.minutes_after or None) for one in windows),
        "revision": row.revision,
    }  # fmt: skip


def _line(name: str, mark: str, number: int | None) -> str:
    return name if number is None else f"{name} {mark} {number}"


def in_words(there: Sequence[Stream], *, room_id: int | None) -> list[dict[str, Any]]:
    """What is in the way, and whether it is the room or the host."""
    return [
        {
            "title": row.title, "from": row.starts_at, "until": row.ends_at, "is_room": row.room_id == room_id,
            "room": row.room.name, "host": row.host.name,
        }
        for row in there
    ]  # fmt: skip


def moment_of(text: str) -> datetime | None:
    """A moment from a field of a page, shop time; None for what is none."""
    try:
        return clock.start_of(text) if len(text) > 10 else None
    except ValueError:
        return None
