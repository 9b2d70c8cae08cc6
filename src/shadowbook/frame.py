"""What every command has in common: options, errors as one sentence, exit codes."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from shadowbook import interruption
from shadowbook.errors import (
    ConfigError,
    DataError,
    InsufficientDataError,
    IntegrityError,
    PermanentError,
    ShadowbookError,
)

DONE, FAILURE, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, interruption.INTERRUPTED
"""Exit codes: done, broken, wrong usage or configuration, a check said no, Ctrl-C."""

MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""What the machine refuses to a vendor's own writes; a sentence says it better than a traceback."""

P = ParamSpec("P")


class Commands(TyperGroup):
    """The commands; a wrong argument is answered in JSON where JSON was asked for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words apart."""
        ctx.meta["json"] = "--json" in args
        with _usage_told(ctx.meta["json"]):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        with _usage_told(ctx.meta["json"]):
            return super().invoke(ctx)


@contextmanager
def _usage_told(as_json: bool) -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        if as_json:
            print_json(_error("UsageError", error.format_message()))
        raise


WorkspaceOption = Annotated[
    Path,
    typer.Option(
        "--workspace", help="Folder with a params.yaml; here by default.", show_default=False
    ),
]
ParamsOption = Annotated[
    Path | None, typer.Option("--params", help="Another params file than the workspace's.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="Session (2022-12-28) or ISO 8601 time with offset; what became known later does "
        "not exist. Default: market_data.as_of in params.yaml.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
]
StrategyOption = Annotated[
    list[str] | None, typer.Option("--strategy", "-s", help="Only this one; may be repeated.")
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait",
        metavar="MINUTES",
        min=0,
        help="Wait so long for a workspace that is in use, instead of saying who holds it.",
    ),
]
HERE = Path()


def reported(command: Callable[P, int]) -> Callable[P, None]:
    """Turn our errors into one sentence and the exit code that belongs to it."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        interruption.begin()
        try:
            code = command(*args, **kwargs)
        except ShadowbookError as error:
            complain(error, as_json)
            code = exit_code(error)
        except OSError as error:
            if error.errno not in MACHINE:
                raise
            complain(PermanentError(f"{error.strerror}: {error.filename or 'the disk'}"), as_json)
            code = FAILURE
        except BaseException as error:
            if not interruption.behind(error):
                raise
            interruption.tell(as_json)
            code = INTERRUPTED
        raise typer.Exit(code)

    return wrapped


def exit_code(error: ShadowbookError) -> int:
    """Exit code of an error: 2 for configuration, 3 where a check refused, else 1."""
    if isinstance(error, ConfigError):
        return USAGE
    if isinstance(error, DataError | InsufficientDataError | IntegrityError):
        return REFUSED
    return FAILURE


def complain(error: ShadowbookError, as_json: bool) -> None:
    """Say an error, in JSON on standard output as well where that was asked for."""
    if as_json:
        print_json(_error(type(error).__name__, str(error)))
    for line in str(error).splitlines():
        typer.echo(f"error: {line}", err=True)


def _error(kind: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"type": kind, "message": message}}


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    from shadowbook.serialization import to_json

    typer.echo(to_json(document))
