#!/usr/bin/env python3
"""Django's command line. Use `bin/manage`, which brings the environment and the servers up first."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor

MISSING = {"42P01", "42703"}  # SQLSTATE: a table, a column that the database does not have


def main() -> None:
    try:
        execute_from_command_line(sys.argv)
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") in MISSING and _is_behind():
            sys.exit("The database lacks tables of this version. Run `bin/manage migrate`, or `bin/start`, which does.")
        raise


def _is_behind() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    main()
