"""Members without an account yet."""

import pytest

from apps.members.models import Member


@pytest.fixture
def member(db: None) -> Member:
    return Member.objects.create(member_no="P-1", nickname="Lin")


@pytest.fixture
def friend(db: None) -> Member:
    return Member.objects.create(member_no="P-2", nickname="Mei")


@pytest.fixture
def third(db: None) -> Member:
    return Member.objects.create(member_no="P-3", nickname="Jun")
