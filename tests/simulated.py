"""`python -m tests.simulated --port N --state DIR`: the simulator, which takes a new memory when a test begins.

A fresh process per test would start Python some hundred times in a run. `POST /control/renew {"state": DIR}` closes the platform
and opens another in that folder: nothing of the old one is left, for all it knows is in that object.
"""

import argparse
import asyncio
import contextlib
import json
import signal
from pathlib import Path

from apps.gateways.simulator import smtp
from apps.gateways.simulator.platform import Platform
from apps.gateways.simulator.replies import Reply, as_json
from apps.gateways.simulator.server import Request, Server

RENEW = "/control/renew"


class Renewable(Server):
    def __init__(self, state: Path) -> None:
        super().__init__(Platform(folder=state, seed=0))

    def close(self) -> None:
        self._platform.store.close()
        self._platform.wechat.store.close()
        self._platform.wecom.store.close()
        self._platform.vendors.close()

    def _answer(self, request: Request) -> Reply:
        if request.target != RENEW:
            return super()._answer(request)
        self.close()
        port = self._platform.smtp_port
        self._platform = Platform(folder=Path(json.loads(request.body)["state"]), seed=0)
        self._platform.smtp_port = port
        return as_json(200, {})


async def run(server: Renewable, *, port: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    mail = await asyncio.start_server(smtp.Server(lambda: server._platform.mailboxes).serve, "127.0.0.1", 0)
    server._platform.smtp_port = mail.sockets[0].getsockname()[1]
    await asyncio.start_server(server.serve, "127.0.0.1", port, backlog=512)
    await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    with contextlib.closing(Renewable(options.state)) as renewable:
        asyncio.run(run(renewable, port=options.port))
