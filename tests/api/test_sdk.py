"""The SDKs, against a live server: one renewal for all who wait, one key over all tries, ten requests at once, typed refusals."""

import gzip
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright._impl._driver import compute_driver_executable

from apps.api import sdk
from apps.core import clock, ids
from apps.core.models import TokenPair
from apps.members.models import Consent, Member
from apps.orders.models import Order
from apps.stores import credentials
from tests.api.test_auth import APP
from tests.api.test_document import made
from tests.pictures_made import drawn

ROOT = Path(settings.BASE_DIR)
sys.path.append(str(ROOT / "sdk" / "python"))
import siyu_client  # noqa: E402 - it lies beside the house, as it would beside a program
from siyu_client import client  # noqa: E402

MOST_BYTES = 15_000  # a mini-program's first package holds 2 MB


def test_what_is_made_of_the_sdks_is_that_of_this_code():
    found = {path: (ROOT / path).read_text() for path in sdk.files(made())}

    assert found == sdk.files(made()), "run: bin/manage api_document --write"
    scripts = b"".join((ROOT / "sdk" / "js" / name).read_bytes() for name in ("siyu.js", "operations.js"))
    assert len(gzip.compress(scripts)) <= MOST_BYTES


def expire() -> None:
    TokenPair.objects.filter(rotated_at=None).update(access_expires_at=clock.now() - timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_python_renews_once_repeats_with_its_key_and_tells_refusals_apart(live_server, simulator):
    lost: list[str] = []
    running, most, guard = [0], [0], threading.Lock()

    def weak_line(request: Any) -> tuple[int, dict[str, str], bytes]:
        """Loses the answer to the first try of every write that may be repeated."""
        with guard:
            running[0] += 1
            most[0] = max(most[0], running[0])
        answer = client._over_http(request)
        with guard:
            running[0] -= 1
        key = request.get_header("Idempotency-key")
        if key and key not in lost:
            lost.append(key)
            return 0, {}, b""
        return answer

    siyu = siyu_client.Siyu(
        live_server.url, headers={"Accept-Language": "en"}, transport=weak_line, sleep=lambda _: None
    )
    siyu.auth_wechat_post({"app_id": APP, "js_code": "sim.sdkpy.1"})
    me = siyu.me_get()
    assert siyu.me_put({"nickname": "小满"}, if_match=me.etag).data["nickname"] == "小满"
    with pytest.raises(siyu_client.SiyuError, match="changed") as refused:
        siyu.me_put({"nickname": "二"}, if_match=me.etag)
    assert (refused.value.code, refused.value.status) == ("precondition_failed", 412)
    assert siyu.files_post(siyu_client.Upload(drawn())).data["purpose"] == "avatar"
    with pytest.raises(TypeError, match="colour"):
        siyu.me_get(colour="red")

    expire()
    with ThreadPoolExecutor(14) as pool:
        names = list(pool.map(lambda _: siyu.home_get().data["member"]["nickname"], range(14)))
    assert names == ["小满"] * 14
    assert TokenPair.objects.count() == 2
    assert most[0] <= client.MOST_AT_ONCE

    siyu.consent_put({"is_granted": True, "text_version": "2026-11"}, purpose="care", channel="inbox")
    assert Consent.objects.count() == 1
    key = credentials.issue_client(name="order system", scopes=["orders.write"]).secret
    shop = siyu_client.Siyu(live_server.url, key=key, transport=weak_line, sleep=lambda _: None)
    order = {"order_no": "PY-1", "member": me.data["id"], "total_cents": 12_800, "paid_at": "2026-11-20T10:32:05+08:00"}
    assert shop.orders_post({"items": [order]}).data["data"][0]["status"] == "stored"
    assert Order.objects.count() == 1
    assert len(lost) == 5  # each write was tried twice with one key, the refused one and the renewal too

    siyu.auth_logout_post()
    assert siyu.tokens is None


@pytest.mark.django_db(transaction=True)
def test_javascript_does_the_same_over_wx_request(live_server, simulator, tmp_path: Path):
    key = credentials.issue_client(name="order system", scopes=["orders.write"]).secret
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(drawn())
    node = str(compute_driver_executable()[0])
    script = str(ROOT / "tests" / "api" / "sdk_walk.js")
    with subprocess.Popen(
        [node, script, live_server.url, key, str(picture)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as walk:  # fmt: skip
        assert walk.stdout is not None
        assert walk.stderr is not None
        assert walk.stdout.readline() == "expire\n", walk.stderr.read()
        expire()
        out, errors = walk.communicate("done\n", timeout=60)

    assert walk.returncode == 0, errors
    member = Member.objects.get()
    told = json.loads(out)
    assert told.pop("refused")[:3] == [True, "precondition_failed", 412]
    assert told == {
        "nickname": "小满", "file": ["file_", 100], "parallel": [True, 1, 10], "repeated": [2, 1], "lost": ["network", 0],
        "resumed": [1, "true", 0], "order": "stored", "loggedOut": ["unauthenticated", True],
    }  # fmt: skip
    assert TokenPair.objects.count() == 2
    assert Consent.objects.filter(member=member).count() == 2
    assert Order.objects.get().member_id == member.pk
    assert ids.encode("mem", member.pk)
