"""Which schema a ledger has, and the way from an older one to ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect

from shadowbook.errors import PermanentError

VERSIONS = ("0001",)
"""Every version of the schema, oldest first; the last one is what this program reads."""

VERSION_TABLE = "ledger_version"
"""A name of our own: a PostgreSQL database may hold another program's ``alembic_version``."""


def is_current(connection: Connection, name: str) -> bool:
    """Say whether the schema is this program's; False: it is older, or there is none.

    Raises
    ------
    PermanentError
        The database is not a ledger, or a newer program's.
    """
    inspector = inspect(connection)
    if not inspector.has_table(VERSION_TABLE):
        if connection.dialect.name == "sqlite" and inspector.get_table_names():
            raise PermanentError(
                f"{name} is a database but not a ledger: name another file, or move this one away"
            )
        return False
    query = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - our name
    found = [row[0] for row in connection.exec_driver_sql(query)]
    unknown = [version for version in found if version not in VERSIONS]
    if unknown or len(found) > 1:
        raise PermanentError(
            f"the ledger {name} has schema {', '.join(found)}, this program reads {VERSIONS[-1]}: "
            "a newer shadowbook wrote it, so use that one"
        )
    return found == [VERSIONS[-1]]


def upgrade(connection: Connection) -> None:
    """Bring the schema to ours within the transaction that the connection is in."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("path_separator", "os")
    folder = str(Path(__file__).with_name("migrations")).replace("%", "%%")
    config.set_main_option("script_location", folder)
    script = ScriptDirectory.from_config(config)

    def steps(revision: Any, context: MigrationContext) -> Any:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE)
        environment.run_migrations()
