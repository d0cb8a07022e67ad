"""Migrating in a quarter of the time: Django draws nearly all models again after each operation; one operation needs few of them.

Of 18.6 s of CPU that all migrations of an empty database took, 2 were the database's. Django reloads whatever is connected
with a changed model, and here everything is connected with the member. An operation on a table looks at that table's model, at
what points to it, and at the names and keys of what it points to. Code in a migration (`RunPython`) may follow any relation:
Django draws everything anew for it as soon as a state says that its models are behind (`is_delayed`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.migrations.state import ProjectState

_everything_connected = ProjectState._find_reload_model  # type: ignore[attr-defined]


@contextmanager
def drawing_little() -> Iterator[None]:
    """Within it the migrations of this process reload only what an operation on a table looks at."""
    ProjectState._find_reload_model = _what_an_operation_sees  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ProjectState._find_reload_model = _everything_connected  # type: ignore[attr-defined]


def _what_an_operation_sees(
    state: ProjectState, app_label: str, model_name: str, delay: bool = False
) -> set[tuple[str, str]]:
    """The model and those that point to it; with inheritance, where classes hang on each other, what Django would take."""
    key = app_label, model_name.lower()
    try:
        drawn = state.apps.get_model(*key)
    except LookupError:
        inherited = False
    else:
        inherited = bool(drawn.__subclasses__())
    if inherited or any(isinstance(base, str) for base in state.models[key].bases):
        return set(_everything_connected(state, *key, delay))
    state.is_delayed = True
    return {key, *state.relations[key]}
