"""Programs hear by mail that a version of the API ends: when it is announced, and again in its last month."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from apps.api.frame import VERSIONS, Version
from apps.core import brand, clock
from apps.gateways import mail
from apps.gateways.mail import Mail
from apps.stores import credentials

LAST_MONTH = timedelta(days=30)
NUMBERS = 10_000  # notices that a program may ever hear: a mail's key is a number


def tell(*, moment: datetime) -> dict[str, int]:
    """`told`, `waiting`: how many mails. A program hears each notice once; one that did not go out waits for tomorrow.

    Call it with no transaction open.
    """
    told = waiting = 0
    for number, version, occasion in _due(moment):
        notice = f"{version.name} {occasion}"
        for client_id, name, contact in credentials.reachable() if mail.is_set_up() else []:
            if not credentials.claim_notice(client_id=client_id, notice=notice):
                continue
            key = f"version:{client_id * NUMBERS + number}"
            (outcome,) = mail.send_batch([_written(key, contact, name, version)])
            if outcome.state == "retry":
                credentials.unclaim_notice(client_id=client_id, notice=notice)
                waiting += 1
            else:
                told += 1
    return {"told": told, "waiting": waiting}


def announced(moment: datetime) -> list[Version]:
    """Versions that end, and have not ended yet."""
    return [one for one in VERSIONS if one.deprecated_at and one.deprecated_at <= moment < (one.ends_at or moment)]


def _due(moment: datetime) -> Iterator[tuple[int, Version, str]]:
    """(a number of its own, version, occasion)."""
    ending = announced(moment)
    for place, version in enumerate(VERSIONS):
        if version in ending and version.ends_at:
            yield 2 * place, version, "deprecated"
            if moment >= version.ends_at - LAST_MONTH:
                yield 2 * place + 1, version, "ending"


def _written(key: str, contact: str, name: str, version: Version) -> Mail:
    assert version.ends_at is not None  # noqa: S101 - of those that are announced
    day = clock.local(version.ends_at)
    address = f"{settings.PUBLIC_URL}/api/docs/status"
    subject = f"API {version.name}: {day:%Y-%m-%d}"
    text = (
        f"您的程序“{name}”所用的接口版本 {version.name} 将服务至 {day:%Y年%m月%d日 %H:%M}（北京时间），此后的请求会被拒绝。"
        f"请改用新版本：{address}\n\n"
        f"The version {version.name} of the API, which your program “{name}” may use, is served until {day:%Y-%m-%d %H:%M} "
        f"(Asia/Shanghai) and refused from then on. What changes and how to move: {address}\n"
    )
    return Mail(key, contact, subject, text, brand.name(), "", reply_to=settings.MAIL_FROM)
