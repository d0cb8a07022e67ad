"""Messages of the company's own app to its staff: who gets them, what is cut, and what nobody is told was dropped.

After the vendor's page (path 90236) and its limits (90454). Marked [M]: from memory, to be confirmed.
"""

from collections import Counter
from collections.abc import Callable

from apps.gateways.simulator.wecom_rules import AGENT, HOUR, MINUTE, Refused
from apps.gateways.simulator.wecom_store import WecomStore

MOST_USERS = 1_000
TEXT_BYTES = 2_048
PER_MEMBER = ((MINUTE, 30), (HOUR, 1_000))
LONGEST_CHECK = 4 * 3_600  # seconds


class Apps:
    def __init__(self, store: WecomStore) -> None:
        self.store = store
        self._got: Counter[tuple[str, int, int]] = Counter()
        self.calls: dict[str, Callable[[dict, dict, int], dict]] = {"message/send": self.send}
        self.controls: dict[str, Callable[[dict, int], dict]] = {
            "/wecom/told": lambda _b, _n: {"messages": [doc for _, doc in store.page("told")]}
        }

    def send(self, _query: dict, body: dict, now: int) -> dict:
        """Unknown receivers are named beside the answer; with no known one among them it is 81013. Userids know no upper case."""
        if type(body.get("agentid")) is not int or body["agentid"] != AGENT:
            raise Refused(40056)
        if body.get("msgtype") != "text":
            raise Refused(40008)
        content = (body.get("text") or {}).get("content")
        if not isinstance(content, str) or not content:
            raise Refused(44004)
        users = self._receivers(body)
        known = {name.lower(): name for name, doc in self.store.page("staff") if doc["works"]}
        unknown = [user.lower() for user in users if user.lower() not in known]
        if len(unknown) == len(users):
            raise Refused(81013)
        number = self.store.next_number("told")
        shown = content.encode()[:TEXT_BYTES].decode(errors="ignore")
        got = [known[user.lower()] for user in users if user.lower() in known and self._has_room(user.lower(), now)]
        self.store.put("told", f"{number:08d}", {"msgid": f"told{number:08d}", "users": got, "text": shown, "at": now})
        return {"invaliduser": "|".join(unknown), "msgid": f"told{number:08d}"}

    def _receivers(self, body: dict) -> list[str]:
        """By their userids alone: parties, tags and @all are played by nobody here."""
        if any(body.get(name) for name in ("toparty", "totag")) or body.get("touser") == "@all":
            raise Refused(40058)
        users = body.get("touser")
        if not isinstance(users, str) or not users:
            raise Refused(82001)
        listed = list(dict.fromkeys(users.split("|")))
        if len(listed) > MOST_USERS:
            raise Refused(40031)  # [M]
        check = body.get("duplicate_check_interval", 1_800)
        if type(check) is not int or not 0 < check <= LONGEST_CHECK:
            raise Refused(40058)
        return listed

    def _has_room(self, user: str, now: int) -> bool:
        """Over the limit of one member a message is dropped without a word."""
        for length, most in PER_MEMBER:
            self._got[user, length, now // length] += 1
            if self._got[user, length, now // length] > most:
                return False
        return True
