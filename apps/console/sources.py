"""Where members registered, in words: `Member.source` names a door ("portal"), or a door and what stood there ("code:7hKq2mA")."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.activity.models import Code
from apps.flows.source_words import ALSO, DOORS
from apps.stores.models import ApiClient, Store


@dataclass(frozen=True)
class Origin:
    """`text` in words, `details` what stands there, `url` the page of it for those who may open it."""

    text: str
    details: tuple[str, ...] = ()
    url: str = ""


def of(request: HttpRequest, source: str) -> Origin:
    """What to show of one member."""
    door, _colon, place = source.partition(":")
    if door == "code":
        return _code(request, place) or Origin(text=source)
    label = str(DOORS.get(door, source))
    if door == "store" and place.isdigit():
        return Origin(text=label, details=_name(Store, int(place)))
    if door == "api" and place.isdigit():
        return Origin(text=label, details=_name(ApiClient, int(place)))
    return Origin(text=label, details=(place,) if place and door in DOORS else ())


def line(request: HttpRequest, source: str) -> str:
    """The same in one line, of a consent too."""
    found = of(request, source)
    if found.text == source:
        door, _colon, place = source.partition(":")
        found = Origin(text=str(ALSO.get(door, door)), details=(place,) if place else ())
    return " · ".join((found.text, *(str(ALSO.get(part, part)) for part in found.details)))


def options(chosen: str) -> list[tuple[str, str, bool]]:
    """The filter of the list; a source that is none of the doors is offered while it is asked for."""
    rows = [("", _("All"), not chosen)]
    rows += [(door, str(label), door == chosen) for door, label in DOORS.items()]
    if chosen and chosen not in DOORS:
        rows.append((chosen, _said(chosen), True))
    return rows


def _said(source: str) -> str:
    door, _colon, place = source.partition(":")
    if door == "code":
        name = Code.objects.filter(slug=place).values_list("name", flat=True).first()
        return name or source
    return source


def _code(request: HttpRequest, slug: str) -> Origin | None:
    row = Code.objects.select_related("store", "staff").filter(slug=slug).first()
    if row is None:
        return None
    details = [row.get_channel_display(), row.campaign, row.poster]
    details += [row.store.name if row.store else "", row.staff.name if row.staff else ""]
    url = reverse("console:code", args=[slug]) if _may_open(request, row) else ""
    return Origin(text=row.name, details=tuple(filter(None, details)), url=url)


def _may_open(request: HttpRequest, row: Code) -> bool:
    access = request.access  # type: ignore[attr-defined]
    if not access.can("codes.view"):
        return False
    stores = access.store_ids("codes.view")
    return stores is None or row.store_id in stores


def _name(model: type[Store] | type[ApiClient], key: int) -> tuple[str, ...]:
    name = model._default_manager.filter(pk=key).values_list("name", flat=True).first()
    return (str(name),) if name else ()
