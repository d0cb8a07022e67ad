"""`python -m apps.gateways.simulator --port N --state DIR`: run until a signal; port 0 takes a free one."""

import argparse
import asyncio
import contextlib
import ipaddress
import signal
import sqlite3
import sys
from pathlib import Path

from apps.gateways.simulator import smtp, wecom_sender
from apps.gateways.simulator.platform import Platform
from apps.gateways.simulator.server import Server


def loopback(host: str) -> str:
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError("the simulator listens on loopback only")
    return host


async def run(platform: Platform, *, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_server(Server(platform).serve, host, port, backlog=512)
    mail = await asyncio.start_server(smtp.Server(lambda: platform.mailboxes).serve, host, 0)
    platform.smtp_port = mail.sockets[0].getsockname()[1]
    print(f"simulator listening on http://{host}:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201
    posting = asyncio.create_task(wecom_sender.post_on(platform.wecom.store))
    await stop.wait()
    posting.cancel()
    mail.close()
    server.close()  # without waiting for it: since Python 3.12 that means waiting for idle keep-alive clients


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="simulator", description="A strict stand-in for the SMS, WeChat and WeCom platforms."
    )
    parser.add_argument("--host", type=loopback, default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        platform = Platform(folder=options.state, seed=options.seed)
    except sqlite3.OperationalError as locked:
        sys.stderr.write(f"simulator: {options.state}: {locked} (is another simulator using it?)\n")
        return 1
    with (
        contextlib.closing(platform.store),
        contextlib.closing(platform.wechat.store),
        contextlib.closing(platform.wecom.store),
        contextlib.closing(platform.vendors),
    ):
        asyncio.run(run(platform, host=options.host, port=options.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
