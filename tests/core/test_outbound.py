"""Calls to addresses that staff enter: what is refused, what is connected to, and how long it may take. Watched at the socket."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.core import outbound
from apps.core.outbound import NoAnswer, Refused

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSED = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "169.254.0.23", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.7", "192.88.99.1", "192.168.1.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.251", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1",
    "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip
OPEN = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "168.63.129.17", "192.167.1.1",
        "223.5.5.5", "2400:3200::1", "2606:4700::1111", "2001:200::1", "2001:4860:4860::8888"]  # fmt: skip


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that a socket of this process sets out for; only those of this machine are let through."""
    seen: list[str] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: tuple) -> None:
        seen.append(address[0])
        if not address[0].startswith("127."):
            raise ConnectionRefusedError
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return seen


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """The world's name servers: each look-up of a name takes the next of its answers."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: object, **more: object) -> list:
        if host not in known:
            return real(host, port, *args, **more)  # type: ignore[arg-type]
        answers = known[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


class Server:
    """Takes one connection after another at a loopback address and hands each to `serve`."""

    def __init__(
        self, serve: Callable[[socket.socket, "Server"], None], host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.door = socket.create_server((host, port))
        self.port, self.serve, self.requests = self.door.getsockname()[1], serve, []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            try:
                line, _ = self.door.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                self.serve(line, self)

    def take(self, line: socket.socket) -> None:
        taken = b""
        while b"\r\n\r\n" not in taken or len(taken.partition(b"\r\n\r\n")[2]) < 2:
            part = line.recv(65536)
            if not part:
                return
            taken += part
        self.requests.append(taken)

    def close(self) -> None:
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        self.thread.join(5)


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(answer: bytes | Callable[[socket.socket, Server], None] = OK, **more: object) -> Server:
        def say(line: socket.socket, server: Server) -> None:
            server.take(line)
            line.sendall(answer)  # type: ignore[arg-type]

        made.append(Server(answer if callable(answer) else say, **more))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for server in made:
        server.close()


def call(url: str, seconds: float = 5.0) -> outbound.Answer:
    return outbound.post(url, body=b"{}", headers={"Content-Type": "application/json"}, seconds=seconds)


@pytest.mark.parametrize("address", CLOSED)
def test_nothing_connects_to_an_address_that_is_not_public(address: str, names, connects):
    names["hooks.partner.cn"] = [[address]]
    literal = f"[{address}]" if ":" in address else address

    with pytest.raises(Refused, match="not_public"):
        call("https://hooks.partner.cn/in")
    with pytest.raises(Refused, match="not_public"):
        call(f"https://{literal}/in")
    with pytest.raises(Refused, match="not_public"):
        outbound.check(f"https://{literal}/in")
    assert connects == []


def test_public_addresses_are_called_and_one_closed_one_among_them_refuses_them_all(names, connects):
    for address in OPEN:
        names["hooks.partner.cn"] = [[address]]
        with pytest.raises(NoAnswer, match="connect"):
            call("https://hooks.partner.cn/in")
    assert connects == OPEN

    names["hooks.partner.cn"] = [["8.8.8.8", "10.0.0.7"]]
    with pytest.raises(Refused, match="not_public"):
        call("https://hooks.partner.cn/in")
    assert connects == OPEN


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.partner.cn/", "not_https"),
        ("ftp://hooks.partner.cn/", "not_https"),
        ("file:///etc/passwd", "not_https"),
        ("gopher://hooks.partner.cn/", "not_https"),
        ("http://127.0.0.1/", "not_https"),
        ("https://", "bad_host"),
        ("https://localhost/", "bad_host"),
        ("https://intranet/", "bad_host"),
        ("https://2130706433/", "bad_host"),
        ("https://0x7f000001/", "bad_host"),
        ("https://0177.0.0.1/", "bad_host"),
        ("https://127.1/", "bad_host"),
        ("https://0x7f.0.0.1/", "bad_host"),
        ("https://partner.cn.0x7f/", "bad_host"),
        ("https://[::1/", "bad_host"),
        ("https://-a.cn/", "bad_host"),
        ("https://a..cn/", "bad_host"),
        ("https://a_b.partner.cn/", "bad_host"),
        ("https://hooks.partner.cn:22/", "bad_port"),
        ("https://hooks.partner.cn:80/", "bad_port"),
        ("https://hooks.partner.cn:0/", "bad_port"),
        ("https://hooks.partner.cn:99999/", "bad_host"),
        ("https://user:word@hooks.partner.cn/", "log_in"),
        ("https://hooks.partner.cn@10.0.0.1/", "log_in"),
        ("https://hooks.partner.cn/#x", "log_in"),
        ("https://hooks.partner.cn/a b", "not_plain"),
        ("https://hooks.partner.cn/a\r\nX: y", "not_plain"),
        ("https://hooks.partner.cn\\@10.0.0.1/", "not_plain"),
        ("https://①②⑦.0.0.1/", "not_plain"),
        ("https://hooks.partner.cn/" + "a" * 500, "too_long"),
    ],
)
def test_an_address_is_refused_by_its_text_alone(url: str, code: str, connects):
    with pytest.raises(Refused, match=code):
        outbound.check(url)
    with pytest.raises(Refused, match=code):
        call(url)
    assert connects == []
    assert code in outbound.TEXTS


def test_the_connection_goes_where_the_first_look_up_led_and_a_second_answer_changes_nothing(
    settings, names, connects, serving
):
    settings.OUTBOUND_LOOPBACK = True
    right = serving()
    wrong = serving(host="127.0.0.2", port=right.port)
    names["localhost"] = [["127.0.0.1"], ["127.0.0.2"]]

    assert call(f"http://localhost:{right.port}/in?a=1").status == 200

    assert connects == ["127.0.0.1"]
    assert wrong.requests == []
    assert names["localhost"] == [["127.0.0.2"]]  # asked once
    head, _, body = right.requests[0].partition(b"\r\n\r\n")
    assert head.decode().split("\r\n") == [
        "POST /in?a=1 HTTP/1.1", f"Host: localhost:{right.port}", "Content-Length: 2", "Connection: close",
        "Accept-Encoding: identity", "Content-Type: application/json",
    ]  # fmt: skip
    assert body == b"{}"


def test_where_this_machine_may_be_called_its_network_may_not(settings, names, connects):
    settings.OUTBOUND_LOOPBACK = True
    for host, address in (
        ("localhost", "10.0.0.1"),
        ("rebound.partner.cn", "127.0.0.1"),
        ("localhost", "169.254.169.254"),
    ):
        names[host] = [[address]]
        with pytest.raises(Refused, match="not_public"):
            call(f"https://{host}/")
    with pytest.raises(Refused, match="not_https"):
        call("http://hooks.partner.cn/")
    assert connects == []


def test_a_redirect_is_an_answer_like_any_other(settings, serving):
    settings.OUTBOUND_LOOPBACK = True
    inner = serving()
    outer = serving(
        f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner.port}/\r\nContent-Length: 0\r\n\r\n".encode()
    )

    answer = call(f"http://127.0.0.1:{outer.port}/")

    assert (answer.status, answer.headers["location"]) == (302, f"http://127.0.0.1:{inner.port}/")
    assert inner.requests == []


def _drip_head(line: socket.socket, server: Server) -> None:
    server.take(line)
    for letter in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500:
        line.sendall(bytes([letter]))
        time.sleep(0.02)


def _silent(line: socket.socket, server: Server) -> None:
    server.take(line)
    line.recv(1)


@pytest.mark.parametrize("serve", [_drip_head, _silent])
def test_the_whole_call_has_one_deadline_however_the_other_side_drips(serve, settings, serving):
    settings.OUTBOUND_LOOPBACK = True
    server, began = serving(serve), time.monotonic()

    with pytest.raises(NoAnswer, match="timeout"):
        call(f"http://127.0.0.1:{server.port}/", seconds=0.2)

    assert time.monotonic() - began < 1.0


def test_a_resolver_that_hangs_holds_nobody_longer_than_the_deadline(monkeypatch):
    hold = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: hold.wait(30))
    began = time.monotonic()

    with pytest.raises(NoAnswer, match="timeout"):
        call("https://hooks.partner.cn/", seconds=0.1)

    hold.set()
    assert time.monotonic() - began < 1.0


def test_of_a_long_answer_the_beginning_is_read_and_nonsense_is_no_answer(settings, serving):
    settings.OUTBOUND_LOOPBACK = True

    def flood(line: socket.socket, server: Server) -> None:
        server.take(line)
        line.sendall(b"HTTP/1.1 201 Made\r\n\r\n")
        while True:
            line.sendall(b"a" * 65536)

    answer = call(f"http://127.0.0.1:{serving(flood).port}/")
    assert (answer.status, len(answer.body)) == (201, outbound.MOST_ANSWER)
    for nonsense in (b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 abc\r\n\r\n"):
        with pytest.raises(NoAnswer, match="broken"):
            call(f"http://127.0.0.1:{serving(nonsense).port}/")


def test_tls_shows_and_checks_the_name_of_the_address(settings, serving, tmp_path: Path, monkeypatch):
    settings.OUTBOUND_LOOPBACK = True
    context, asked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(_certificate(tmp_path, "localhost"))
    context.sni_callback = lambda line, name, own: asked.append(name)  # type: ignore[assignment]

    def serve(line: socket.socket, server: Server) -> None:
        with context.wrap_socket(line, server_side=True) as sealed:
            server.take(sealed)
            sealed.sendall(OK)

    server = serving(serve)
    with pytest.raises(NoAnswer, match="tls"):  # nobody vouches for it
        call(f"https://localhost:{server.port}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
    assert call(f"https://localhost:{server.port}/").body == b"ok"
    with pytest.raises(NoAnswer, match="tls"):  # vouched for, but by another name
        call(f"https://127.0.0.1:{server.port}/")
    assert asked == ["localhost", "localhost", None]
    assert len(server.requests) == 1


def _certificate(folder: Path, name: str) -> Path:
    """Key and certificate of a name, signed by itself."""
    key, moment = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(7)
        .not_valid_before(moment - timedelta(days=1)).not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    words = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / f"{name}.pem"
    path.write_bytes(words + made.public_bytes(serialization.Encoding.PEM))
    return path
