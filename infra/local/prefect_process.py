"""`prefect`, with a SQLite database that several runs may use at once.

Most of Prefect's transactions take SQLite's write lock at their first write. One that has read
before then fails at once when another has written meanwhile ("database is locked"), and two that
wait for each other stand still for a minute. Here each takes the lock as it begins, as Prefect
itself has those do that must not fail; so they wait in turn, for milliseconds.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any

from prefect.cli import app
from prefect.server.database.configurations import AioSqliteConfiguration

_begin_transaction = AioSqliteConfiguration.begin_transaction


def _begin_with_the_lock(
    self: AioSqliteConfiguration, session: Any, **_how: bool
) -> AbstractAsyncContextManager[Any]:
    return _begin_transaction(self, session, with_for_update=True)


if __name__ == "__main__":
    AioSqliteConfiguration.begin_transaction = _begin_with_the_lock  # type: ignore[assignment]
    app()
