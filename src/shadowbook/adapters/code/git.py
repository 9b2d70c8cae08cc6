"""Runs git so that neither a hook, nor the language, nor a taste changes the answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from shadowbook.errors import ConfigError, PermanentError

_KEPT = ("GIT_CONFIG", "GIT_CEILING_DIRECTORIES", "GIT_EXEC_PATH")
_STABLE = (
    *("-c", "core.quotepath=true"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.safecrlf=false"),
)


def run(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    given: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder and return what came out, whatever it says.

    Variables that git sets for hooks (``GIT_DIR``, ``GIT_INDEX_FILE``, ...) are dropped; hooks and
    prompts are off; the user's ignore rules and ``safe.directory`` stay.

    Raises
    ------
    ConfigError : git is not installed.
    """
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_") or key.startswith(_KEPT)
    }
    stable = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(
            ("git", *_STABLE, *arguments),
            cwd=folder,
            env={**kept, **stable, **(env or {})},
            input=given,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise ConfigError("git is not installed: install it (`apt-get install git`)") from error


def output(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> bytes:
    """Run git and return its output.

    Raises
    ------
    ConfigError : git is not installed.
    PermanentError : git failed; the sentence holds what it said.
    """
    done = run(folder, *arguments, env=env)
    if done.returncode:
        command = " ".join(argument for argument in arguments if not argument.startswith("-"))
        raise PermanentError(f"`git {command}` failed in {folder}: {said(done)}")
    return done.stdout


def line(folder: Path, *arguments: str) -> str:
    """Run git and return its one line of output, a path or a name."""
    return os.fsdecode(output(folder, *arguments)).removesuffix("\n")


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return git's complaint as one line."""
    return done.stderr.decode("utf-8", "replace").strip().replace("\n", "; ")


def top(folder: Path) -> Path:
    """Return the top of the repository that a folder lies in.

    Raises
    ------
    ConfigError : git is not installed, or the folder is in no repository, or not in this user's.
    """
    if not folder.is_dir():
        raise ConfigError(f"no folder {folder}: name an existing workspace")
    done = run(folder, "rev-parse", "--show-toplevel")
    if done.returncode == 0:
        return Path(os.fsdecode(done.stdout).removesuffix("\n"))
    complaint = said(done)
    if "dubious ownership" in complaint:
        raise ConfigError(
            f"git refuses the repository at {folder} because another user owns it: run "
            f"`git config --global --add safe.directory {folder}`"
        )
    if "not a git repository" in complaint or "work tree" in complaint:
        raise ConfigError(f"no git repository at {folder}: run `git init` and commit once")
    raise PermanentError(f"git failed at {folder}: {complaint}")


def head(folder: Path) -> str:
    """Return the full hash of HEAD.

    Raises
    ------
    ConfigError : there is no commit yet.
    """
    done = run(folder, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    if done.returncode:
        raise ConfigError(f"the git repository at {folder} has no commit: commit once")
    return done.stdout.decode("ascii").strip()
