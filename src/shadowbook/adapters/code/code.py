"""The one door to git: the code a run was made from, and that code again in a clean worktree."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shadowbook.adapters.code import git, worktrees
from shadowbook.adapters.code.fetched import holding
from shadowbook.adapters.code.history import named_by_dvc
from shadowbook.errors import ConfigError, IntegrityError, PermanentError

_PATCH_LIMIT_BYTES = 20_000_000
_DIFF = (
    *("diff-index", "--cached", "--patch", "--binary", "--full-index", "--unified=3"),
    *("--no-color", "--no-renames", "--no-ext-diff", "--no-textconv", "--diff-algorithm=myers"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--submodule=short"),
)


@dataclass(frozen=True)
class CodeState:
    """The code a run was made from.

    Attributes
    ----------
    commit : full hash of HEAD.
    patch : what was not committed, as ``git apply --binary`` takes it; empty when clean.
    patch_sha256 : SHA-256 of the patch's UTF-8 bytes.
    branch : None when HEAD is detached.
    remote_free : True when no remote-tracking branch contains the commit: who has only the remote
        cannot rebuild the run until the commit is pushed.
    """

    commit: str
    patch: str
    patch_sha256: str
    branch: str | None
    remote_free: bool


class Code:
    """The git repository that a workspace lies in; the workspace may be a sub-folder of it.

    Parameters
    ----------
    root : the workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def commit(self) -> str:
        """Return the full hash of HEAD.

        Raises
        ------
        ConfigError : git is missing, there is no repository, or it has no commit.
        """
        return git.head(git.top(self._root))

    def is_dirty(self) -> bool:
        """Tell whether anything in the repository is not committed, ignored files apart.

        Raises
        ------
        ConfigError : git is missing or there is no repository.
        """
        status = ("status", "--porcelain", "-z", "--untracked-files=normal")
        return bool(git.output(git.top(self._root), *status, "--ignore-submodules=dirty"))

    def patch(self) -> str:
        """Return everything that is not committed, new files included, as one binary-safe patch.

        It covers the whole repository, paths relative to its top. The repository is not written:
        a temporary index and a temporary object folder take what is added.

        Raises
        ------
        ConfigError
            Git is missing, there is no repository or commit, or the patch is larger than 20 MB
            (the sentence names the largest file), or it would leave out a nested repository.
        PermanentError
            Git failed, or there is no room for the temporary files.
        """
        top = git.top(self._root)
        git.head(top)
        if not self.is_dirty():
            return ""
        untracked = _names(top, "ls-files", "--others", "--exclude-standard", "-z")
        nested = next((name for name in untracked if name.endswith("/")), None)
        if nested:
            raise ConfigError(
                f"{top / nested} is a git repository of its own, which no patch can hold: "
                "add it to .gitignore or move it elsewhere"
            )
        # Before git reads them: adding gigabytes to refuse them takes minutes.
        _refuse_large(top, untracked, sum(_sizes(top, untracked).values()))
        raw = _diff(top)
        changed = _names(top, "diff-index", "--name-only", "-z", "HEAD")
        _refuse_large(top, [*untracked, *changed], len(raw))
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"what is not committed in {top} holds text that is not UTF-8, which a manifest "
                "cannot keep: commit it, convert it, or mark it binary in .gitattributes"
            ) from error

    def state(self) -> CodeState:
        """Return commit, branch and patch together.

        Raises
        ------
        ConfigError, PermanentError : as ``patch``.
        """
        top = git.top(self._root)
        commit, patch = git.head(top), self.patch()
        branch = git.run(top, "symbolic-ref", "--quiet", "--short", "HEAD").stdout
        containing = ("for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes")
        return CodeState(
            commit=commit,
            patch=patch,
            patch_sha256=hashlib.sha256(patch.encode("utf-8")).hexdigest(),
            branch=os.fsdecode(branch).strip() or None,
            remote_free=not git.output(top, *containing),
        )

    def named_by_dvc(self) -> dict[str, str]:
        """Return what DVC's files of every commit name; see ``history.named_by_dvc``.

        Raises
        ------
        ConfigError : git is missing or there is no repository.
        PermanentError : git failed.
        """
        return named_by_dvc(git.top(self._root))

    @contextmanager
    def worktree(self, commit: str, patch: str, destination: Path) -> Iterator[Path]:
        """Lay out a commit and a patch in a clean folder while the block runs.

        The folder and git's note of it are removed afterwards; those that a killed process left
        are removed on the next call. Hooks do not run.

        Parameters
        ----------
        commit : in this repository or in one of its remotes, from where it is fetched into a
            temporary one: a shallow clone is enough, and nothing of the user's changes.
        patch : as ``patch()`` returned it.
        destination : must not exist or be an empty folder.

        Yields
        ------
        The workspace inside the worktree: ``destination``, or the same sub-folder of it.

        Raises
        ------
        ConfigError
            Git or repository missing, ``destination`` is taken, or the commit is neither here nor
            in a remote.
        IntegrityError
            The patch does not apply to the commit.
        PermanentError
            Git failed, disk full, or not writable.
        """
        top = git.top(self._root)
        prefix = git.line(self._root, "rev-parse", "--show-prefix")
        target = destination.absolute()
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ConfigError(
                f"cannot make a worktree at {target}: something is there already; name a new folder"
            )
        with holding(top, commit, target.parent) as repository:
            common = git.line(repository, "rev-parse", "--git-common-dir")
            leases = repository / common / worktrees.LEASES
            worktrees.clear_abandoned(repository, leases)
            handle = worktrees.lease(leases, target)
            try:
                add = ("worktree", "add", "--quiet", "--detach", str(target), commit)
                git.output(repository, *add)
                _apply(target, commit, patch)
                yield target / prefix
            finally:
                worktrees.drop(repository, target)
                # The note goes last: until then a killed process leaves what names the rest.
                Path(handle.name).unlink(missing_ok=True)
                handle.close()


def _names(top: Path, *arguments: str) -> list[str]:
    return [name for name in git.line(top, *arguments).split("\0") if name]


def _sizes(top: Path, names: Iterable[str]) -> dict[str, int]:
    return {name: (top / name).lstat().st_size for name in names if (top / name).is_file()}


def _refuse_large(top: Path, names: Iterable[str], size: int) -> None:
    """Refuse a patch that no manifest should carry, and name the file to do something about."""
    if size <= _PATCH_LIMIT_BYTES:
        return
    sizes = _sizes(top, names)
    largest = max(sizes, key=lambda name: sizes[name], default="a deleted one")
    raise ConfigError(
        f"what is not committed in {top} is too large for a manifest ({size / 1e6:.0f} MB, "
        f"{_PATCH_LIMIT_BYTES / 1e6:.0f} MB are allowed); the largest file is {largest} "
        f"({sizes.get(largest, 0) / 1e6:.0f} MB): add it to .gitignore or commit it"
    )


def _diff(top: Path) -> bytes:
    """Return HEAD against everything that lies there, without writing to the repository."""
    index = Path(git.line(top, "rev-parse", "--absolute-git-dir"), "index")
    stored = top / git.line(top, "rev-parse", "--git-path", "objects")
    try:
        with tempfile.TemporaryDirectory(prefix="shadowbook-patch-") as scratch:
            aside = {
                "GIT_INDEX_FILE": f"{scratch}/index",
                "GIT_OBJECT_DIRECTORY": f"{scratch}/objects",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(stored),
            }
            Path(scratch, "objects").mkdir()
            if index.exists():
                # With its times: git reads files that are as young as their index again.
                shutil.copy2(index, f"{scratch}/index")
            git.output(top, "add", "--all", env=aside)
            raw = git.output(top, *_DIFF, "HEAD", env=aside)
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError:
                # Text in another encoding: let git treat it, and all else, as binary.
                binary = Path(scratch, "attributes")
                binary.write_text("* -diff\n", encoding="utf-8")
                option = ("-c", f"core.attributesFile={binary}")
                raw = git.output(top, *option, *_DIFF, "HEAD", env=aside)
            return raw
    except OSError as error:
        raise PermanentError(
            f"cannot tell what is not committed in {top} ({error}): "
            f"make room in {tempfile.gettempdir()}"
        ) from error


def _apply(worktree: Path, commit: str, patch: str) -> None:
    if not patch:
        return
    options = ("apply", "--binary", "--whitespace=nowarn", "-p1", "-")
    done = git.run(worktree, *options, given=patch.encode("utf-8"))
    if done.returncode:
        raise IntegrityError(
            f"the recorded patch does not apply to commit {commit} ({git.said(done)}): "
            "the manifest and the repository contradict each other"
        )
