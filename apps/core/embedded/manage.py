"""`bin/manage`: manage.py in the environment, with the servers up; they are left as they were found."""

import sys

from apps.core.embedded import environment, places, processes, record, say
from apps.core.embedded.servers import Servers

# These change tables or empty them, which the application's role may not do.
OWNER_COMMANDS = {"migrate", "makemigrations", "flush"}


def main(arguments: list[str]) -> int:
    say.prepare_streams()
    processes.leave_on_sigterm()
    voice = say.Voice(sys.stderr)
    try:
        home = places.locate()
        home.create()
        environment.ensure(clone=home.clone, voice=voice)
        servers = Servers(home=home)
        with servers.running(say.Voice(sys.stderr, quiet=not sys.stderr.isatty())):
            return run(arguments, servers=servers)
    except say.Refusal as refusal:
        say.stop_with(str(refusal))


def run(arguments: list[str], *, servers: Servers) -> int:
    """Run manage.py with our own input and output; its exit code."""
    home = servers.home
    surroundings = servers.environment()
    surroundings.setdefault("SIMULATOR_URL", record.simulator_url(home))
    surroundings.setdefault("PORT", str(record.read(home).get("port", 8000)))
    if arguments and arguments[0] in OWNER_COMMANDS:
        surroundings["DATABASE_URL"] = surroundings["DATABASE_OWNER_URL"]
    command = [str(environment.python(home.clone)), str(home.clone / "manage.py"), *arguments]
    return processes.run_in_front(command, environment=surroundings)
