"""Where a reader of the house's months looks: the brand, a region, a store, or what belongs to no store."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.analytics.house import targets
from apps.analytics.house.targets import Place
from apps.core import brand
from apps.stores.access import Access
from apps.stores.models import Region, Store

NOWHERE = "none"


@dataclass(frozen=True, kw_only=True)
class Spot:
    """`key` stands in addresses; `store_ids` None: everything. `target`: whose targets count here."""

    key: str
    name: str
    store_ids: Sequence[int] | None
    target: Place | None = None
    level: str = ""

    @property
    def is_nowhere(self) -> bool:
        return self.key == NOWHERE


@dataclass(frozen=True, kw_only=True)
class Map:
    """`here`: where the reader looks; `parts`: what that is made of; `all`: everything they may look at, for the select."""

    here: Spot
    parts: tuple[Spot, ...]
    all: tuple[Spot, ...]

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        return [(spot.key, spot.name, spot.key == self.here.key) for spot in self.all]


def of(request: HttpRequest, *, permission: str) -> Map:
    """A place beyond the reach counts as not chosen."""
    access: Access = request.access  # type: ignore[attr-defined]
    reach = access.store_ids(permission)
    stores = list(targets.stores(reach))
    regions = list(Region.objects.order_by("name")) if reach is None else []
    by_region = {region.pk: [one for one in stores if one.region_id == region.pk] for region in regions}
    top = _top(access, permission, stores)
    areas = [
        Spot(key=f"region-{one.pk}", name=one.name, store_ids=[store.pk for store in by_region[one.pk]],
             target=Place(region_id=one.pk), level=pgettext("level", "Region"))
        for one in regions if by_region[one.pk]
    ]  # fmt: skip
    shops = {store.pk: _shop(store) for store in stores}
    nowhere = Spot(key=NOWHERE, name=_("Without a store"), store_ids=[])
    known = [top, *areas, *(shop for shop in shops.values() if shop.key != top.key)]
    asked = request.GET.get("place", "")
    here = nowhere if reach is None and asked == NOWHERE else next((one for one in known if one.key == asked), top)
    parts: list[Spot] = []
    if here is top and areas:
        parts = [*areas, *(shops[one.pk] for one in stores if one.region_id not in by_region), nowhere]
    elif here is top:
        parts = [
            *(shop for shop in shops.values() if len(shops) > 1 or reach is None),
            *([nowhere] if reach is None else []),
        ]
    elif here in areas:
        parts = [shops[key] for key in here.store_ids or ()]
    return Map(here=here, parts=tuple(parts), all=tuple(known))


def _top(access: Access, permission: str, stores: Sequence[Store]) -> Spot:
    match access.reach(permission):
        case "all":
            return Spot(
                key="", name=brand.name(), store_ids=None, target=targets.BRAND, level=pgettext("level", "Brand")
            )
        case "region":
            target = Place(region_id=access.region_id) if access.region_id else None
            name = stores[0].region.name if stores and stores[0].region else _("All of mine")
            return Spot(key="", name=name, store_ids=[one.pk for one in stores], target=target,
                        level=pgettext("level", "Region"))  # fmt: skip
    if len(stores) == 1:
        shop = _shop(stores[0])
        return Spot(key="", name=shop.name, store_ids=shop.store_ids, target=shop.target, level=shop.level)
    return Spot(key="", name=_("All of mine"), store_ids=[one.pk for one in stores])


def _shop(store: Store) -> Spot:
    return Spot(key=f"store-{store.pk}", name=store.name, store_ids=[store.pk], target=Place(store_id=store.pk),
                level=pgettext("level", "Store"))  # fmt: skip
