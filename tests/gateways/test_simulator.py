"""The simulator as a process: what survives a kill, what never reaches the disk, where it may listen."""

import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from apps.gateways import sms, wechat
from apps.gateways.errors import WechatCodeInvalid
from apps.gateways.messages import Outgoing
from apps.gateways.simulator.client import Client, SimulatorRefused
from apps.gateways.simulator.wechat_rules import DEMO_APP
from tests.gateways.conftest import NOON, marketing
from tests.processes import ROOT, Simulator


def test_keys_limits_and_opt_outs_survive_kill_minus_nine(simulator: Simulator, platform: Client) -> None:
    first = sms.send_batch([marketing(1), marketing(2)])
    platform.reply("R", key="touch:2")
    platform.limits(repeat_seconds=5)
    simulator.kill()
    simulator.start()

    again = sms.send_batch([marketing(1), marketing(2), marketing(2, key="touch:3"), marketing(1, key="touch:4")])

    assert [o.provider_id for o in again[:2]] == [o.provider_id for o in first]
    assert [o.code for o in again[2:]] == ["BLACKLIST", "REPEATED"]
    assert platform.limits()["repeat_seconds"] == 5
    assert platform.stats()["deliveries"] == 2


def test_no_phone_number_reaches_the_disk(simulator: Simulator, platform: Client) -> None:
    canaries = [f"139{n:08d}" for n in range(71_234_567, 71_234_767)]
    messages = [
        Outgoing(
            f"c:{n}",
            f"+86{canary}",
            sms.compose(f"{canary}，好久不见，送您一张券", kind="marketing"),
            "marketing",
            "lapse",
        )
        for n, canary in enumerate(canaries)
    ]
    assert {o.state for o in sms.send_batch(messages)} == {"accepted"}
    sms.send_batch([Outgoing("bad", f"+86{canaries[0]}", "无签名" + canaries[0], "marketing", canaries[0])])
    platform.reply(f"请打{canaries[1]}", key="c:1")
    with pytest.raises(SimulatorRefused):
        platform.call("POST", "/sms/send", {"messages": [{"to": canaries[2]}]})
    simulator.stop()

    files = [simulator.log, *(path for path in simulator.folder.rglob("*") if path.is_file())]
    content = b"".join(path.read_bytes() for path in files)

    assert "touch" not in content.decode("latin-1")
    assert b"c:199" in content  # the scan reads the right files
    assert b"4767" not in content
    assert b"4766" in content  # the tail of the last canary
    for canary in canaries:
        raw = canary.encode()
        assert not any(form in content for form in (raw, raw.hex().encode(), canary.encode("utf-16-le")))


def test_wechats_codes_tokens_and_credits_survive_kill_minus_nine(simulator: Simulator, weixin: Client) -> None:
    app_id = DEMO_APP.app_id
    person = wechat.session_of(app_id=app_id, js_code="sim.lin.1").openid
    unused = weixin.js_code(app_id=app_id, person="lin", at=NOON.isoformat())
    weixin.grant(app_id=app_id, openid=person, template_id="sim-live-reminder", credits=2)
    values = {"thing1": "新品直播", "time2": "20:00", "thing3": "点此进入"}
    known = {"app_id": app_id, "openid": person, "template_id": "sim-live-reminder", "data": values}
    assert wechat.send_subscribe(key="k:1", **known).state == "accepted"
    simulator.kill()
    simulator.start()

    with pytest.raises(WechatCodeInvalid):
        wechat.session_of(app_id=app_id, js_code="sim.lin.1")
    assert wechat.session_of(app_id=app_id, js_code=unused).openid == person
    assert [wechat.send_subscribe(key=f"k:{n}", **known).code for n in (2, 3)] == ["OK", "43101"]
    assert weixin.wechat_calls()["stable_token"] == {"0": 1}


def test_no_phone_number_that_wechat_tells_reaches_the_disk(simulator: Simulator, weixin: Client) -> None:
    app_id, canaries = DEMO_APP.app_id, [f"1700000{n:04d}" for n in range(1234, 1264)]
    for n, canary in enumerate(canaries):
        code = weixin.phone_code(app_id=app_id, phone=canary, at=NOON.isoformat()) if n % 2 else f"sim.{canary}.x"
        assert wechat.phone_of(app_id=app_id, code=code) == f"+86{canary}"
    waiting = weixin.phone_code(app_id=app_id, phone="17000009999", at=NOON.isoformat())
    simulator.stop()

    files = [simulator.log, *(path for path in simulator.folder.rglob("*") if path.is_file())]
    content = b"".join(path.read_bytes() for path in files)

    assert app_id.encode() in content  # the scan reads the right files
    assert waiting.encode() not in content
    for canary in (*canaries, "17000009999"):
        assert canary.encode() not in content


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    started = subprocess.run(
        [sys.executable, "-m", "apps.gateways.simulator", "--host", "0.0.0.0", "--port", "0", "--state", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip

    assert started.returncode == 2
    assert "--host" in started.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_on_the_same_state_refuses_to_start(simulator: Simulator) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "apps.gateways.simulator", "--port", "0", "--state", str(simulator.folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip

    assert second.returncode == 1
    assert "another simulator" in second.stderr


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"GET /control/reset HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /sms/send HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST /sms/send HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /sms/send HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"400"),
        (b"POST /sms/query HTTP/1.1\r\nX-Sim-Now: yesterday\r\nContent-Length: 2\r\n\r\n{}", b"400"),
    ],
)
def test_odd_requests_get_an_answer_and_the_server_lives(simulator: Simulator, raw: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as peer:
        peer.sendall(raw)
        assert peer.recv(65536).split(b" ")[1] == status

    assert Client(simulator.url).call("GET", "/healthz") == {"status": "ok"}


def test_one_connection_carries_many_requests(simulator: Simulator) -> None:
    connection = HTTPConnection("127.0.0.1", simulator.port, timeout=5)
    ports = set()
    for _ in range(3):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status": "ok"}'
        ports.add(connection.sock.getsockname())
    connection.close()

    assert len(ports) == 1
