"""The program: ``shadowbook`` and ``python -m shadowbook``."""

from shadowbook import interruption


def main() -> None:
    """Take Ctrl-C over before anything slow is imported, then do what the words say."""
    interruption.prepare()
    try:
        from shadowbook.cli import app

        app()
    except KeyboardInterrupt:
        # Outside of a command: as modules are imported, or as words are taken apart.
        interruption.leave()
    except SystemExit as ended:
        if ended.code == interruption.INTERRUPTED:
            # Typer takes some for itself; and where an ``exec`` was interrupted, as dataclasses
            # use it, Python would in the end send itself the signal instead of the exit code.
            interruption.leave()
        raise
    finally:
        interruption.over()


if __name__ == "__main__":
    main()
