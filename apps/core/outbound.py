"""Calls to addresses that people typed in: only to the public internet, to the very address that was looked at, and no further.

Refused are every address that is not on the public internet (loopback, private, shared, link-local, multicast, reserved, those
that carry an IPv4 address inside, clouds' own services), ports and schemes other than the agreed ones, names that are no names
(`2130706433`, `0177.1`), log-ins in the address. A name is looked up once and the connection goes to what was found then, so a
second answer of its server changes nothing; TLS and `Host` keep the name. No redirect is followed, no proxy is asked.
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_URL = 500
SECONDS = 15.0  # for everything: look-up, connection, handshake, request, answer
MOST_ANSWER = 16 * 1024  # bytes read of an answer
_TRIED = 3  # of the addresses of a name
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_PLAIN = re.compile(r"[\x21-\x7e]+")

# The registries' special blocks, and services of clouds that stand at addresses of the public range.
_CLOSED_4 = [
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
_OPEN_6 = ipaddress.IPv6Network("2000::/3")  # the rest of the space is not given out, or carries another address
_CLOSED_6 = [
    ipaddress.IPv6Network(block)
    for block in (
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )  # Teredo and others, documents, 6to4, documents
]

TEXTS: dict[str, Promise] = {
    "too_long": _("The address has more than 500 characters."),
    "not_plain": _("The address holds spaces or characters outside ASCII; write them percent-encoded."),
    "not_https": _("The address has to begin with https://."),
    "log_in": _("The address may hold no log-in and no #."),
    "bad_host": _("The address needs the full name of a host, or a public IP address."),
    "bad_port": _("The house calls ports 443 and 8443 only."),
    "not_public": _("The address leads into a network that is not public. Nothing was sent."),
    "unknown_host": _("Nobody knows this host."),
}


class Refused(Exception):
    """The house does not call there. `code` is a key of TEXTS. Nothing was sent, and nothing connected to."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoAnswer(Exception):
    """No whole answer: nobody there, TLS refused, too slow. The request may have arrived. `code`: timeout, tls, connect, broken."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What came back, redirects included. `body`: its first bytes."""

    status: int
    headers: dict[str, str]  # names in small letters
    body: bytes


@dataclass(frozen=True)
class _Target:
    is_tls: bool
    is_ours: bool  # this machine, where a setting allows it
    host: str
    port: int
    path: str
    shown: str  # for `Host`


def check(url: str) -> None:
    """Whether the house would call there as far as the text alone says: no name is looked up. Raises Refused."""
    target = _target(url)
    if literal := _literal(target.host):
        _admit(literal, target)


def post(url: str, *, body: bytes, headers: dict[str, str], seconds: float = SECONDS) -> Answer:
    """One POST, over after `seconds` in all. Raises Refused, NoAnswer."""
    deadline = time.monotonic() + seconds
    target = _target(url)
    found = _looked_up(target, deadline)
    line = _connected(target, found, deadline)
    try:
        return _asked(line, target, body=body, headers=headers, deadline=deadline)
    except TimeoutError:
        raise NoAnswer("timeout") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise NoAnswer("broken") from None
    finally:
        line.close()


def is_public(address: Address) -> bool:
    """On the public internet, by our own list: that of the language's library has changed with its versions."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in _CLOSED_4)
    return address.scope_id is None and address in _OPEN_6 and not any(address in block for block in _CLOSED_6)


def _target(url: str) -> _Target:
    if len(url) > LONGEST_URL:
        raise Refused("too_long")
    if not _PLAIN.fullmatch(url) or "\\" in url:
        raise Refused("not_plain")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("bad_host") from None
    if "@" in parts.netloc or "#" in url:
        raise Refused("log_in")
    host = (parts.hostname or "").removesuffix(".")
    literal = _literal(host)
    is_here = literal.is_loopback if literal else host == "localhost"
    is_ours = settings.OUTBOUND_LOOPBACK and is_here
    if parts.scheme != "https" and not (parts.scheme == "http" and is_ours):
        raise Refused("not_https")
    _check_host(host, is_ours=is_ours)
    is_tls = parts.scheme == "https"
    if port is None:
        port = 443 if is_tls else 80
    if port not in (443, 8443) and not is_ours:
        raise Refused("bad_port")
    return _Target(is_tls, is_ours, host, port, _path(parts), _shown(host, port, is_tls=is_tls))


def _check_host(host: str, *, is_ours: bool) -> None:
    """A name with a dot, or an address in its usual form: the resolver would take odd numbers for addresses."""
    if is_ours or _literal(host):
        return
    last = host.rpartition(".")[2]
    if len(host) > 253 or "." not in host or not _HOST.fullmatch(host) or _NUMBER.fullmatch(last):
        raise Refused("bad_host")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _shown(host: str, port: int, *, is_tls: bool) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == (443 if is_tls else 80) else f"{name}:{port}"


def _looked_up(target: _Target, deadline: float) -> list[Address]:
    """The addresses of the host; one closed address among them refuses them all. Raises Refused, NoAnswer."""
    if literal := _literal(target.host):
        _admit(literal, target)
        return [literal]
    found = _resolved(target, deadline)
    for address in found:
        _admit(address, target)
    return found[:_TRIED]


def _admit(address: Address, target: _Target) -> None:
    is_allowed = address.is_loopback if target.is_ours else is_public(address)
    if not is_allowed:
        raise Refused("not_public")


def _resolved(target: _Target, deadline: float) -> list[Address]:
    """Asked in a thread of its own: the system's resolver knows no deadline."""
    told: list[Any] = []

    def ask() -> None:
        try:
            told.append(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as failure:
            told.append(failure)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if not told:
        raise NoAnswer("timeout")
    if isinstance(told[0], Exception) or not told[0]:
        raise Refused("unknown_host")
    return list(dict.fromkeys(ipaddress.ip_address(row[4][0]) for row in told[0]))


def _connected(target: _Target, addresses: list[Address], deadline: float) -> socket.socket:
    """To the first of these addresses that takes us. Raises NoAnswer."""
    for address in addresses:
        try:
            line = socket.create_connection((str(address), target.port), timeout=_left(deadline))
        except TimeoutError:
            raise NoAnswer("timeout") from None
        except OSError:
            continue
        return _wrapped(line, target, deadline) if target.is_tls else line
    raise NoAnswer("connect")


def _wrapped(line: socket.socket, target: _Target, deadline: float) -> socket.socket:
    try:
        line.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(line, server_hostname=target.host)
    except TimeoutError:
        line.close()
        raise NoAnswer("timeout") from None
    except OSError:  # every complaint of TLS is one
        line.close()
        raise NoAnswer("tls") from None


def _asked(line: socket.socket, target: _Target, *, body: bytes, headers: dict[str, str], deadline: float) -> Answer:
    own = {"Host": target.shown, "Content-Length": str(len(body)), "Connection": "close", "Accept-Encoding": "identity"}
    head = "".join(f"{name}: {value}\r\n" for name, value in (own | headers).items())
    line.settimeout(_left(deadline))
    line.sendall(f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body)
    response = http.client.HTTPResponse(_Line(line, deadline), method="POST")  # type: ignore[arg-type]
    response.begin()
    told = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, told, _beginning(response))


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """The status has told what counts: a body that is cut or slow is only shorter."""
    read = bytearray()
    try:
        while len(read) < MOST_ANSWER and (part := response.read1(MOST_ANSWER - len(read))):
            read += part
    except (OSError, http.client.HTTPException, ValueError):
        pass
    return bytes(read)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Line:
    """What `http.client` asks of a socket. A reader that gives every wait only what is left of the whole time."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        self.line, self.deadline = line, deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.line, self.deadline))


class _Reader(io.RawIOBase):
    def __init__(self, line: socket.socket, deadline: float) -> None:
        self.line, self.deadline = line, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.line.settimeout(_left(self.deadline))
        return self.line.recv_into(buffer)
