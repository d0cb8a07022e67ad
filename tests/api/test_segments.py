"""A program with the right scope learns which segments there are and whether a member is in one."""

import pytest

from apps.core import ids
from apps.segments import defining
from apps.stores import credentials
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db(transaction=True)


def test_segments_are_listed_and_a_member_is_in_one_or_not(new_member) -> None:
    inside, outside = (new_member(number=number).member for number in (1, 2))
    defining.create_list(key="vips", name="贵宾", member_ids=[inside.pk])
    gone = defining.create_list(key="gone", name="旧", member_ids=[inside.pk])
    defining.archive(segment_id=gone.pk)
    program = Caller(secret=credentials.issue_client(name="shop", scopes=["segments.read"]).secret)

    listed = program.get("segments").data["data"]
    answers = [
        program.get(f"segments/{key}/members/{ids.encode('mem', member.pk)}")
        for key, member in (("vips", inside), ("vips", outside), ("gone", inside), ("none", inside))
    ]

    assert [(one["key"], one["kind"], one["size"]) for one in listed] == [("vips", "list", 1)]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404]
    assert answers[0].data["is_member"] is True
    assert answers[0].data["since"].startswith("20")
    assert answers[1].data == {"is_member": False, "since": None}
    other = Caller(secret=credentials.issue_client(name="other", scopes=["members.read"]).secret)
    assert other.get("segments").status_code == 403
