"""A commit that the repository does not hold, from its remotes: shallow clones, moved histories."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shadowbook.adapters.code import git
from shadowbook.errors import ConfigError

_PATIENT = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30")
_BRANCHES = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@contextmanager
def holding(top: Path, commit: str, near: Path) -> Iterator[Path]:
    """Give a repository that holds a commit while the block runs.

    It is the user's own where that has the commit and may be written. Otherwise the commit is
    fetched into a temporary repository with an object folder of its own: the user's branches,
    index, objects and list of shallow commits stay as they are.

    Parameters
    ----------
    top : the user's repository.
    near : the folder in which a temporary repository may be made.

    Raises
    ------
    ConfigError : the commit is neither here nor in any remote.
    PermanentError : git failed.
    """
    here = _holds(top, commit)
    if here and os.access(top / git.line(top, "rev-parse", "--git-common-dir"), os.W_OK):
        yield top
        return
    near.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=near, prefix=".fetched-") as folder:
        fetched = Path(folder)
        git.output(fetched, "init", "--quiet", "--bare")
        _fetch(top, commit, {"it": str(top)} if here else _remotes(top), fetched)
        yield fetched


def _remotes(top: Path) -> dict[str, str]:
    """Name -> address, origin first."""
    names = git.line(top, "remote").split()
    names.sort(key=lambda name: (name != "origin", name))
    return {name: git.line(top, "remote", "get-url", name) for name in names}


def _fetch(top: Path, commit: str, sources: Mapping[str, str], into: Path) -> None:
    """Ask each source for the commit alone, then for all that it shows."""
    complaints = []
    for name, url in sources.items():
        said = ""
        # Some servers give only what a branch or tag points at: then their branches are searched.
        for wanted in (("--depth=1", url, commit), ("--update-shallow", url, *_BRANCHES)):
            done = git.run(
                # In the user's folder, since a remote's path may be relative to it.
                *(top, *_PATIENT, f"--git-dir={into}", "fetch", "--quiet", "--no-tags", *wanted),
                env={"GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")},
            )
            if _holds(into, commit):
                return
            said = said or git.said(done)
        complaints.append(f"{name} ({url}) does not give it: {said or 'no branch holds it'}")
    told = "; ".join(complaints) or "it has no remote to fetch it from"
    raise ConfigError(
        f"commit {commit} is not in the repository {top}, and {told}; bring it from where the run "
        f"was made: `git -C {top} fetch PATH_OR_URL {commit}`"
    )


def _holds(repository: Path, commit: str) -> bool:
    return git.run(repository, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0
