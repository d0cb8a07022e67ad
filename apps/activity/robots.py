"""Who opens a link without being a person: previews, crawlers, scripts, prefetching browsers, and whoever opens too many.

They are led to the target like everybody else and counted apart. Nothing here keeps an address or a browser's name.
"""

import re
from dataclasses import dataclass

from apps.core import ratelimits
from apps.core.ratelimits import Limit

A_MINUTE = 60
MOST_A_MINUTE = 60  # per network address and code: a shop's own network has many people behind one address

_ROBOTS = re.compile(
    r"bot\b|bot[/;_-]|crawl|spider|slurp|preview|monitor|uptime|headless|phantomjs|selenium|puppeteer|playwright|lighthouse"
    r"|curl|wget|libwww|python|httpclient|http_client|go-http|java/|axios|node-fetch|undici|ruby|perl/|scrapy|postman"
    r"|facebookexternalhit|facebot|^whatsapp|skypeuri|embedly|vkshare|flipboardproxy|qwantify|mediapartners|feedfetcher"
    r"|google-read-aloud|mpcrawler|proofpoint|mimecast|barracuda|urlscan|virustotal|censys|zgrab|nmap|masscan",
    re.IGNORECASE,
)
_CUBOT = re.compile(r"\bcubot\b", re.IGNORECASE)  # a make of phones


@dataclass(frozen=True)
class Look:
    """What a request shows of who is asking. `address` is only ever counted under its digest."""

    method: str = "GET"
    agent: str = ""
    purpose: str = ""  # Purpose, Sec-Purpose, X-Purpose and X-Moz, joined
    mode: str = ""  # Sec-Fetch-Mode
    address: str = ""

    @property
    def is_in_wechat(self) -> bool:
        return "micromessenger" in self.agent.lower()


def is_robot(agent: str) -> bool:
    """Crawlers, previews, monitors and scripts, by what they call themselves."""
    return _ROBOTS.search(_CUBOT.sub("", agent)) is not None


def why_not_a_person(look: Look, *, slug: str) -> str:
    """`head`, `no_agent`, `robot`, `prefetch`, `no_page`, `too_many`; "" for what looks like a person."""
    if look.method != "GET":
        return "head"
    if not look.agent.strip():
        return "no_agent"
    if is_robot(look.agent):
        return "robot"
    if re.search(r"prefetch|prerender|preview", look.purpose, re.IGNORECASE):
        return "prefetch"
    if look.mode not in {"", "navigate"}:
        return "no_page"  # a picture or a script asked for it, not a tap
    subject = ratelimits.subject_of(f"{slug}:{look.address}")
    asked = ratelimits.ask([Limit(name="code", subject=subject, quota=MOST_A_MINUTE, window=A_MINUTE)])
    return "too_many" if asked.refusal else ""
