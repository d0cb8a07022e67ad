"""The pages of webhooks: made, shown once, tested, replayed, switched off; a receiver of its own listens."""

import re

import pytest

from apps.core.models import AuditEntry
from apps.stores.models import Role
from apps.webhooks import dispatch
from apps.webhooks.models import Delivery, Endpoint
from tests.webhooks.conftest import receiver

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db


def test_an_endpoint_is_made_tested_replayed_and_switched_off_on_its_pages(admin, house, receiver):
    receiver.now = house.moment.timestamp
    given = {"name": "金蝶", "key": "erp", "url": "https://10.0.0.7/in", "facts": ["order.paid"]}
    refused = admin.post("/console/webhooks/new/", given)
    assert (refused.status_code, Endpoint.objects.count()) == (422, 0)
    assert "该地址指向非公网的网络" in refused.content.decode()

    made = admin.post("/console/webhooks/new/", given | {"url": receiver.url})
    page = admin.get(made["Location"])
    receiver.secrets = re.findall(r"whsec_[\w+/=]{44}", page.content.decode())
    assert len(receiver.secrets) == 1
    assert "no-store" in page["Cache-Control"]
    assert admin.get(made["Location"])["Location"] == "/console/webhooks/erp/"  # loaded anew

    receiver.answer = lambda taken: (500, {}, "内部错误\0<b>".encode())
    asked = admin.post("/console/webhooks/erp/ping/")
    assert dispatch.send_due() == {"waiting": 1}
    page = admin.get(asked["Location"]).content.decode()
    assert "内部错误�&lt;b&gt;" in page
    assert "&quot;type&quot;:&quot;webhook.ping&quot;" in page
    assert "应答不是2xx" in page
    Delivery.objects.update(state="failed", settled_at=Delivery.objects.get().created_at)
    assert admin.post("/console/webhooks/erp/replay/", {"since": "soon"})["Location"] == "/console/webhooks/erp/"
    assert Delivery.objects.get().state == "failed"
    admin.post("/console/webhooks/erp/replay/", {"since": "2026-01-01T10:00"})
    receiver.answer = lambda taken: (200, {}, b"")
    assert dispatch.send_due() == {"delivered": 1}
    admin.post(asked["Location"] + "replay/")
    assert dispatch.send_due() == {"delivered": 1}
    assert len({taken.id for taken in receiver.taken}) == 1

    changed = admin.get(admin.post("/console/webhooks/erp/secret/")["Location"]).content.decode()
    assert receiver.secrets[0] not in changed
    (fresh,) = re.findall(r"whsec_[\w+/=]{44}", changed)
    listed = admin.get("/console/webhooks/").content.decode() + admin.get("/console/webhooks/erp/").content.decode()
    assert "whsec_" not in listed + repr(dict(admin.session)) + str(list(AuditEntry.objects.values_list("after")))
    assert fresh != receiver.secrets[0]

    edited = {"name": "金蝶云", "url": receiver.url, "facts": ["order.refunded"]}
    assert admin.post("/console/webhooks/erp/edit/", edited).status_code == 302
    assert admin.post("/console/webhooks/erp/edit/", edited | {"url": "ftp://a.cn"}).status_code == 422
    row = Endpoint.objects.get()
    assert (row.name, row.url, row.facts) == ("金蝶云", receiver.url, ["order.refunded"])
    assert row.created_by is not None

    admin.post("/console/webhooks/erp/switch/", {"on": "0"})
    page = admin.post("/console/webhooks/erp/ping/", follow=True).content.decode()
    assert "此端点已停用" in page
    assert Delivery.objects.count() == 1
    assert "没有符合条件的投递" in admin.get("/console/webhooks/erp/?state=dropped").content.decode()
    admin.post("/console/webhooks/erp/switch/", {"on": "1"})
    admin.post("/console/webhooks/erp/remove/")
    assert admin.get("/console/webhooks/erp/").status_code == 404
    assert "还没有端点" in admin.get("/console/webhooks/").content.decode()


def test_an_auditor_looks_and_changes_nothing(at, admin, receiver):
    admin.post("/console/webhooks/new/", {"name": "金蝶", "key": "erp", "url": receiver.url})
    client = at(Role.AUDITOR)

    page = client.get("/console/webhooks/erp/").content.decode()

    assert "csrfmiddlewaretoken" not in page.partition("<main")[2]
    for act in ("ping", "secret", "switch", "remove", "replay", "edit"):
        assert client.post(f"/console/webhooks/erp/{act}/").status_code == 403
    assert (Endpoint.objects.get().is_active, Delivery.objects.count()) == (True, 0)
