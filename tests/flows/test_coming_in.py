"""From the first code to the last revocation over HTTP, with real commits: what the faces make of tokens, sessions and keys."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.core import tokens
from apps.core.models import TokenFamily
from apps.gateways.simulator.client import Client as Simulated
from apps.members import selectors, services, states
from apps.members.models import CodeRequest
from tests.portal.doors import browser_of, family_of
from tests.processes import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER, TAIL = "17000000042", "0042"
JSON = "application/json"


@pytest.fixture
def code(simulator: Simulator) -> Callable[[], str]:
    """The newest code on the member's phone."""

    def read() -> str:
        found = re.search(r"：(\d{6})", Simulated(simulator.url).messages(tail=TAIL)[-1]["text"])
        assert found
        return found[1]

    return read


def post(path: str, body: dict[str, object], *, secret: str = "") -> tuple[int, dict[str, str]]:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    answer = Client(raise_request_exception=False).post(f"/api/v1/{path}", body, content_type=JSON, headers=headers)
    return answer.status_code, answer.json() if answer.content else {}


def me(secret: str) -> tuple[int, str]:
    answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code, answer.json().get("code", "")


def log_in(code: Callable[[], str]) -> dict[str, str]:
    status, sent = post("auth/codes", {"phone": NUMBER})
    assert status == 200
    status, held = post("auth/code", {"request_id": sent["request_id"], "code": code()})
    assert status == 200
    return held


def test_a_member_comes_in_renews_and_is_thrown_out_when_a_thief_uses_the_old_token(code):
    first = log_in(code)
    assert me(first["access_token"])[0] == 200

    status, second = post("auth/refresh", {"refresh_token": first["refresh_token"]})
    assert status == 200
    status, third = post("auth/refresh", {"refresh_token": second["refresh_token"]})
    assert status == 200
    assert me(third["access_token"])[0] == 200
    assert post("auth/refresh", {"refresh_token": first["refresh_token"]})[0] == 401
    assert TokenFamily.objects.get().revoked_because == "reuse"
    assert [me(held["access_token"]) for held in (first, second, third)] == [(401, "unauthenticated")] * 3
    assert post("auth/refresh", {"refresh_token": third["refresh_token"]})[0] == 401


def test_wrong_codes_stay_counted_over_http(code):
    _, sent = post("auth/codes", {"phone": NUMBER})
    right = code()
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    answers = [post("auth/code", {"request_id": sent["request_id"], "code": wrong}) for _ in range(5)]

    assert [status for status, _ in answers] == [422] * 4 + [409]
    assert CodeRequest.objects.get().tries == 5
    assert post("auth/code", {"request_id": sent["request_id"], "code": right})[1]["code"] == "code_expired"


def test_ten_sessions_and_tokens_end_with_the_next_request_after_a_freeze_or_a_revocation(code):
    """T-S5 through the faces."""
    log_in(code)
    member_id = selectors.find_by_phone(NUMBER)
    assert member_id is not None
    user_id = TokenFamily.objects.get().user_id
    pairs = [tokens.open_family(user_id=user_id, client="mini:wx1") for _ in range(10)]
    browsers = [browser_of(member_id) for _ in range(10)]

    def alive() -> tuple[int, int]:
        return (
            sum(me(pair.access)[0] == 200 for pair in pairs),
            sum(browser.get("/my/me/").status_code == 200 for browser in browsers),
        )

    assert alive() == (10, 10)
    states.freeze(member_id=member_id, cause="risk", reason="phone was stolen")
    assert alive() == (0, 0)
    states.release(member_id=member_id, cause="settled", reason="phone came back")
    assert alive() == (10, 10)
    assert tokens.revoke_user(user_id=user_id) == 21
    assert alive() == (0, 0)


@pytest.mark.parametrize("purpose", ["login", "change_phone"])
def test_a_stranger_and_a_member_get_the_same_answers_over_http(code, purpose):
    services.register(source="import", phone=NUMBER)
    answers = []
    for number in (NUMBER, "17000000043"):
        status, sent = post("auth/codes", {"phone": number, "purpose": purpose})
        wrong = post("auth/code", {"request_id": sent.pop("request_id"), "code": "x"})
        wrong[1].pop("request_id", None)
        answers.append((status, sent, wrong))
    assert answers[0] == answers[1]


def test_a_stranger_and_a_member_read_the_same_pages(code):
    """Log-in, a wrong code, a wrong code for a new number: word by word, but for the number itself."""
    services.register(source="import", phone=NUMBER)
    visitor = services.register(source="portal", phone="17000000044")
    pages = []
    for number in (NUMBER, "17000000043"):
        outside, inside = Client(), browser_of(visitor)
        tokens.step_up(family_id=family_of(inside))
        asked = outside.post("/my/login/", {"phone": number, "agree": "1"})
        guess = {"request_id": asked.context["request_id"], "phone": number, "code": "x"}
        guessed = outside.post("/my/login/code/", guess)
        CodeRequest.objects.all().delete()  # a minute later
        moved = inside.post("/my/me/phone/", {"phone": number})
        guess = {"request_id": moved.context["request_id"], "phone": number, "code": "x"}
        answers = [asked, guessed, moved, inside.post("/my/me/phone/code/", guess)]
        pages.append([(answer.status_code, plain(answer.content.decode(), number)) for answer in answers])
        CodeRequest.objects.all().delete()  # a minute later
    for ours, theirs in zip(*pages, strict=True):
        assert ours[0] == theirs[0]
        assert ours[1].splitlines() == theirs[1].splitlines()
    assert [status for status, _page in pages[0]] == [200, 422, 200, 422]


def plain(page: str, number: str) -> str:
    """Without the number and what is drawn by lot for each answer."""
    return re.sub(
        r'otp_[\w-]+|(nonce|value|data-token)="[\w+/=-]{16,}"|"X-CSRFToken": "\w+"|req_[\w-]+',
        "",
        page.replace(number, "N"),
    )
