"""Posts WeCom's events to the house: within five seconds or again, three tries in all, then the event is lost, as with the vendor."""

import asyncio
import contextlib
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urlsplit

from apps.gateways.simulator.replies import moment
from apps.gateways.simulator.wecom_people import People
from apps.gateways.simulator.wecom_store import WecomStore

PAUSE = 0.5  # seconds between looks
PATIENCE = 5.0
TRIES = 3


async def post_on(store: WecomStore) -> None:
    """Until cancelled. Nothing goes out before `/control/wecom/callbacks` names a loopback `url`."""
    people, last = People(store), _newest(store)
    while True:
        await asyncio.sleep(PAUSE)
        aim = store.get("settings", "callbacks") or {}
        if not aim.get("url"):
            continue
        asked = {
            "after": last,
            **{name: aim.get(name, 0) for name in ("is_shuffled", "forged")},
            "copies": aim.get("copies", 1),
        }
        for request in people.callbacks(asked, moment(""))["requests"]:
            last = max(last, request["number"])
            for _try in range(TRIES):
                if await asyncio.to_thread(posted, aim["url"], request["query"], request["body"]):
                    break


def posted(url: str, query: dict[str, str], body: str) -> bool:
    """Whether it was answered with 200 in time. Only loopback is ever called."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        return False
    connection = HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException):
        connection.request("POST", f"{parts.path}?{urlencode(query)}", body.encode(), {"Content-Type": "text/xml"})
        return connection.getresponse().status == 200
    return False


def _newest(store: WecomStore) -> int:
    """Events of before this process are not told again."""
    return (store.get("number", "event") or {"value": 0})["value"]
