"""What DVC's files have ever named: every version of them in a git repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from shadowbook.adapters.code import git
from shadowbook.errors import ConfigError, PermanentError

_FILES = (":(glob)**/dvc.lock", ":(glob)**/*.dvc")
_MD5 = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")
_NONE = "0" * 40


def named_by_dvc(top: Path) -> dict[str, str]:
    """Return MD5 -> where it stands, of every ``dvc.lock`` and ``*.dvc`` that git can reach.

    That is every commit of every branch, tag, stash and reflog, the index, and the working tree,
    ignored files too. Texts are searched and not parsed: what looks like an MD5 counts, so that a
    file of another version of DVC, or a damaged one, loses nothing.

    Raises
    ------
    ConfigError : the clone is shallow, so that most commits are unknown.
    PermanentError : git failed.
    """
    if git.line(top, "rev-parse", "--is-shallow-repository") == "true":
        raise ConfigError(
            f"the repository {top} is a shallow clone, so what older commits name is unknown: run "
            f"`git -C {top} fetch --unshallow` first"
        )
    found: dict[str, str] = {}
    for where, content in (*_working(top), *_recorded(top)):
        for match in _MD5.findall(content):
            found.setdefault(match.decode("ascii"), where)
    return found


def _working(top: Path) -> Iterator[tuple[str, bytes]]:
    # Without --exclude: files that git ignores are listed like others.
    for name in git.line(top, "ls-files", "-z", "--cached", "--others", "--", *_FILES).split("\0"):
        if name and (top / name).is_file():
            yield name, (top / name).read_bytes()


def _recorded(top: Path) -> Iterator[tuple[str, bytes]]:
    blobs: dict[str, str] = {}
    log = ("log", "--all", "--reflog", "--full-history", "-m", "--root", "--raw", "--no-abbrev")
    options = ("--no-renames", "--format=commit %h", "-z")
    commit = ""
    for part in git.line(top, *log, *options, "--", *_FILES).split("\0"):
        for line in part.split("\n"):
            if line.startswith("commit "):
                commit = line.removeprefix("commit ")
            elif line.startswith(":"):
                _, _, old, new, _ = line.split(" ")
                for blob in (old, new):
                    blobs.setdefault(blob, f"a dvc file of commit {commit}")
    for line in git.line(top, "ls-files", "-z", "--stage", "--", *_FILES).split("\0"):
        if line:
            blobs.setdefault(line.split(" ")[1], "a dvc file of the index")
    blobs.pop(_NONE, None)
    for blob, content in _contents(top, list(blobs)):
        yield blobs[blob], content


def _contents(top: Path, blobs: list[str]) -> Iterator[tuple[str, bytes]]:
    done = git.run(top, "cat-file", "--batch", given="".join(f"{b}\n" for b in blobs).encode())
    raw, at = done.stdout, 0
    for blob in blobs:
        end = raw.find(b"\n", at)
        header = raw[at:end].split(b" ")
        if len(header) != 3 or not header[2].isdigit():
            raise PermanentError(
                f"git cannot read {blob} in {top} ({git.said(done) or header[-1].decode()}), so "
                f"what it names is unknown: run `git -C {top} fsck`"
            )
        size = int(header[2])
        yield blob, raw[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
