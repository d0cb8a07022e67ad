"""The invented retailer: regions, shops, the people who work there, and one log-in per role."""

from dataclasses import dataclass

import numpy as np
from django.db import transaction

from apps.core.models import User
from apps.flows.demo import words
from apps.flows.demo.log_ins import password, username
from apps.stores.models import Region, Role, Staff, Store
from apps.stores.places import StorePlace

GUIDES_PER_SHOP = 4
_SEED = 52


@dataclass(frozen=True)
class Shops:
    """Ids by place number (0–13 the shops, 14 online)."""

    store_ids: list[int]
    guide_ids: list[list[int]]  # per shop; the online shop has none


@transaction.atomic
def open_shops() -> Shops:
    """Make them all; what is there already stays."""
    regions = [Region.objects.get_or_create(name=name)[0] for name in words.REGIONS]
    stores = [
        Store.objects.get_or_create(code=code, defaults={"name": name, "region": regions[region]})[0]
        for code, name, region in words.SHOPS
    ]
    online, _ = Store.objects.get_or_create(code=words.ONLINE_SHOP[0], defaults={"name": words.ONLINE_SHOP[1]})
    for number, (store, (_code, name, region)) in enumerate(zip(stores, words.SHOPS, strict=True)):
        _stand(store, number, town=words.REGIONS[region], street=name.split()[-1].removesuffix("店"))
    guides = [[_guide(store, number) for number in range(1, GUIDES_PER_SHOP + 1)] for store in stores]
    for role in Role:
        _employ(role, store=stores[0], region=regions[0])
    return Shops(
        store_ids=[store.pk for store in [*stores, online]],
        guide_ids=[[guide.pk for guide in team] for team in guides],
    )


def invented_name(seed: int, *, gender: str) -> str:
    rng = np.random.default_rng([_SEED, seed])
    given = words.FEMALE_NAMES if gender == "f" else words.MALE_NAMES
    return words.SURNAMES[rng.integers(len(words.SURNAMES))] + given[rng.integers(len(given))]


def _stand(store: Store, number: int, *, town: str, street: str) -> None:
    """An invented address, a place on the map that is nobody's, open from ten to ten."""
    place = {
        "address": f"{town} {street} {number * 7 + 12}号",
        "latitude": round(30.24 + number % 4 * 0.021 + number * 0.003, 4),
        "longitude": round(120.08 + number // 4 * 0.034 + number % 3 * 0.011, 4),
        "hours": [[["10:00", "22:00"]]] * 7,
    }
    StorePlace.objects.get_or_create(store=store, defaults=place)


def _guide(store: Store, number: int) -> Staff:
    code = f"{store.code}-{number:02d}"
    name = invented_name(store.pk * 100 + number, gender="f" if number % 2 else "m")
    return Staff.objects.get_or_create(code=code, defaults={"name": name, "role": Role.CLERK, "store": store})[0]


def _employ(role: Role, *, store: Store, region: Region) -> None:
    """A card with a log-in. A password that somebody changed stays changed."""
    user, is_new = User.objects.get_or_create(username=username(role), defaults={"is_staff": role == Role.ADMIN})
    if is_new:
        user.set_password(password(role))
        user.save(update_fields=["password"])
    Staff.objects.get_or_create(
        code=f"DEMO-{role.value}",
        defaults={
            "user": user,
            "name": invented_name(list(Role).index(role), gender="f"),
            "role": role,
            "store": store if role in {Role.MANAGER, Role.CLERK} else None,
            "region": region if role == Role.REGION_MANAGER else None,
        },
    )
