"""A member, a store and a product, as the tests of orders need them."""

import pytest

from apps.catalog.models import Category, Product
from apps.members.models import Member
from apps.stores.models import Staff, Store


@pytest.fixture
def member(db: None) -> Member:
    return Member.objects.create(member_no="M1", nickname="林溪")


@pytest.fixture
def store(db: None) -> Store:
    return Store.objects.create(code="S1", name="静安店")


@pytest.fixture
def guide(store: Store) -> Staff:
    return Staff.objects.create(code="G1", name="周琳", store=store)


@pytest.fixture
def tea(db: None) -> Product:
    return Product.objects.create(sku="T1", name="春茶", category=Category.objects.create(name="茶"))
