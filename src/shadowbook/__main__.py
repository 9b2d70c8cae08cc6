"""The program: ``shadowbook`` and ``python -m shadowbook``."""

from shadowbook import interruption


def main() -> None:
    """Take Ctrl-C over before anything slow is imported, then do what the words say."""
    interruption.prepare()
    try:
        try:
            from shadowbook.cli import app

            app()
        finally:
            interruption.over()
    except SystemExit:
        # Typer takes some for itself, a vendor swallows others; and where an ``exec`` was
        # interrupted, as dataclasses use it, Python would in the end send itself the signal.
        if interruption.came():
            interruption.leave()
        raise
    except BaseException as error:
        # Outside of a command: as modules are imported, or as words are taken apart.
        if interruption.behind(error):
            interruption.leave()
        raise


if __name__ == "__main__":
    main()
