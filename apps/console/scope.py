"""The reader's stores on a page: what they may see, and the one they chose to look at."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.console import asked
from apps.stores.models import Store


@dataclass(frozen=True)
class Scope:
    """`ids` limits every row of the page: None is all. `options` fill the store select."""

    ids: list[int] | None
    chosen: int | None
    options: tuple[tuple[str, str, bool], ...]

    @property
    def names(self) -> dict[int, str]:
        return {int(value): text for value, text, _chosen in self.options if value}


def of(request: HttpRequest, *, permission: str) -> Scope:
    """A store outside the reach counts as not chosen."""
    reach = request.access.store_ids(permission)  # type: ignore[attr-defined]
    stores = Store.objects.order_by("code")
    if reach is not None:
        stores = stores.filter(pk__in=reach)
    found = list(stores.values_list("pk", "name"))
    chosen = asked.a_key(request, name="store")
    if chosen not in {key for key, _name in found}:
        chosen = None
    every = ngettext("All, %(count)s store", "All, %(count)s stores", len(found)) % {"count": len(found)}
    options = [("", every if reach is None else _("All of mine"), chosen is None)]
    options += [(str(key), name, key == chosen) for key, name in found]
    return Scope(ids=reach if chosen is None else [chosen], chosen=chosen, options=tuple(options))
