"""Real git in temporary folders: what was not committed travels as a patch, bit for bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shadowbook.adapters.code.code import Code
from shadowbook.errors import ConfigError, IntegrityError


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ("git", *arguments), cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def own_git_settings(tmp_path, monkeypatch):
    """No test reads the settings of whoever runs it."""
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[user]\nname = Test\nemail = test@example.org\n[init]\ndefaultBranch = main\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return settings


@pytest.fixture
def repository(tmp_path):
    top = tmp_path / "repository"
    top.mkdir()
    git(top, "init", "--quiet")
    (top / ".gitignore").write_text("/data/\n*.log\n", encoding="utf-8")
    (top / "model.py").write_text("alpha = 1\nbeta = 2\n", encoding="utf-8")
    (top / "gone.py").write_text("old = True\n", encoding="utf-8")
    (top / "moved.py").write_text("".join(f"line {i}\n" for i in range(50)), encoding="utf-8")
    (top / "logo.bin").write_bytes(bytes(range(256)))
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "first")
    return top


def content(folder: Path) -> dict[str, tuple[str, bytes, bool]]:
    """Path -> kind, bytes, executable of everything but git's own and what is ignored."""
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if relative.split("/")[0] in (".git", "data") or relative.endswith(".log"):
            continue
        if path.is_symlink():
            found[relative] = ("link", os.fsencode(path.readlink()), False)
        elif path.is_file():
            found[relative] = ("file", path.read_bytes(), os.access(path, os.X_OK))
    return found


def change_everything(top: Path) -> None:
    (top / "model.py").write_text("alpha = 1\nbeta = 3\n", encoding="utf-8")
    (top / "gone.py").unlink()
    (top / "moved.py").rename(top / "renamed.py")
    (top / "logo.bin").write_bytes(bytes(reversed(range(256))))
    (top / "new file.bin").write_bytes(b"\x00\x01\xff" * 100)
    (top / "größe\n.txt").write_text("naïve ✓\n", encoding="utf-8")
    (top / "windows.csv").write_bytes(b"a;b\r\n1;2  \r\n")
    (top / "unfinished.txt").write_bytes(b"no newline at the end")
    (top / "empty").touch()
    (top / "deep" / "er").mkdir(parents=True)
    (top / "deep" / "er" / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (top / "deep" / "er" / "run.sh").chmod(0o755)
    (top / "link").symlink_to("model.py")
    (top / "data").mkdir()
    (top / "data" / "ignored.csv").write_text("not code\n", encoding="utf-8")
    (top / "run.log").write_text("not code\n", encoding="utf-8")


def test_a_clean_repository_has_a_commit_and_no_patch(repository):
    code = Code(repository)
    state = code.state()
    assert state.commit == git(repository, "rev-parse", "HEAD") == code.commit()
    assert state.patch == code.patch() == ""
    assert state.patch_sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert state.branch == "main"
    assert state.remote_free
    assert not code.is_dirty()


def test_the_patch_brings_back_every_kind_of_change(repository, tmp_path):
    change_everything(repository)
    code = Code(repository)
    state = code.state()
    assert code.is_dirty()
    assert "not code" not in state.patch
    with code.worktree(state.commit, state.patch, tmp_path / "rebuilt") as rebuilt:
        assert content(rebuilt) == content(repository)
        assert git(rebuilt, "rev-parse", "HEAD") == state.commit
        assert Code(rebuilt).state().patch_sha256 == state.patch_sha256
        assert Code(rebuilt).state().branch is None
    assert not (tmp_path / "rebuilt").exists()
    assert git(repository, "worktree", "list").count("\n") == 0


def test_taking_a_patch_writes_nothing_to_the_repository(repository):
    (repository / "staged.py").write_text("staged = 1\n", encoding="utf-8")
    git(repository, "add", "staged.py")
    (repository / "staged.py").write_text("staged = 2\n", encoding="utf-8")
    (repository / "untracked.py").write_text("untracked = 1\n", encoding="utf-8")
    status = git(repository, "status", "--porcelain")
    before = {p: p.read_bytes() for p in (repository / ".git").rglob("*") if p.is_file()}
    patch = Code(repository).patch()
    after = {p: p.read_bytes() for p in (repository / ".git").rglob("*") if p.is_file()}
    assert after == before
    assert git(repository, "status", "--porcelain") == status
    assert "+staged = 2" in patch
    assert "staged = 1" not in patch
    assert "+untracked = 1" in patch


def test_text_in_another_encoding_survives(repository, tmp_path):
    (repository / "latin.txt").write_bytes("größe\n".encode("latin-1"))
    (repository / "model.py").write_text("alpha = 9\n", encoding="utf-8")
    code = Code(repository)
    patch = code.patch()
    patch.encode("utf-8")
    with code.worktree(code.commit(), patch, tmp_path / "rebuilt") as rebuilt:
        assert (rebuilt / "latin.txt").read_bytes() == "größe\n".encode("latin-1")
        assert (rebuilt / "model.py").read_text(encoding="utf-8") == "alpha = 9\n"


def test_a_users_taste_and_hooks_change_nothing(repository, tmp_path, own_git_settings):
    change_everything(repository)
    before = Code(repository).patch()
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text("#!/bin/sh\ntouch hooked\n", encoding="utf-8")
    (hooks / "post-checkout").chmod(0o755)
    with own_git_settings.open("a", encoding="utf-8") as settings:
        settings.write(
            "[diff]\nnoprefix = true\nmnemonicPrefix = true\nexternal = false\nrenames = copies\n"
            "algorithm = patience\ncontext = 1\n[color]\nui = always\n[core]\nquotepath = false\n"
            f"hooksPath = {hooks}\nsafecrlf = true\n[apply]\nwhitespace = fix\n"
            "[status]\nshowUntrackedFiles = no\n"
        )
    code = Code(repository)
    assert code.is_dirty()
    assert code.patch() == before
    with code.worktree(code.commit(), before, tmp_path / "rebuilt") as rebuilt:
        assert content(rebuilt) == content(repository)


def test_inside_a_hook_the_hooks_repository_is_not_taken_for_ours(
    repository, tmp_path, monkeypatch
):
    expected = Code(repository).commit()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert Code(repository).state().commit == expected


def test_a_workspace_below_the_top_of_its_repository(repository, tmp_path):
    workspace = repository / "books" / "equities"
    workspace.mkdir(parents=True)
    (workspace / "params.yaml").write_text("horizon: 5\n", encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "workspace")
    (workspace / "params.yaml").write_text("horizon: 21\n", encoding="utf-8")
    (repository / "model.py").write_text("alpha = 7\n", encoding="utf-8")
    code = Code(workspace)
    state = code.state()
    with code.worktree(state.commit, state.patch, tmp_path / "rebuilt") as rebuilt:
        assert rebuilt == tmp_path / "rebuilt" / "books" / "equities"
        assert (rebuilt / "params.yaml").read_text(encoding="utf-8") == "horizon: 21\n"
        model = tmp_path / "rebuilt" / "model.py"
        assert model.read_text(encoding="utf-8") == "alpha = 7\n"


def test_an_older_commit_and_a_shallow_clone(repository, tmp_path):
    first = Code(repository).commit()
    (repository / "model.py").write_text("alpha = 2\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    with Code(repository).worktree(first, "", tmp_path / "old") as old:
        assert (old / "model.py").read_text(encoding="utf-8") == "alpha = 1\nbeta = 2\n"
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", str(shallow))
    code = Code(shallow)
    (shallow / "extra.py").write_text("extra = 1\n", encoding="utf-8")
    state = code.state()
    assert not state.remote_free
    with code.worktree(state.commit, state.patch, tmp_path / "new") as new:
        assert content(new) == content(shallow)
    before = refs_and_index(shallow)
    with code.worktree(first, "", tmp_path / "fetched") as old:
        assert (old / "model.py").read_text(encoding="utf-8") == "alpha = 1\nbeta = 2\n"
    assert refs_and_index(shallow) == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".fetched")]
    git(shallow, "commit", "--quiet", "--all", "--allow-empty", "--message", "mine alone")
    assert code.state().remote_free


def refs_and_index(top: Path) -> dict[str, bytes | str]:
    """What a fetch for an audit may not change."""
    found = {name: (top / ".git" / name).read_bytes() for name in ("index", "shallow", "HEAD")}
    own = {"refs": git(top, "for-each-ref"), "worktrees": git(top, "worktree", "list")}
    return {**found, **own, "objects": git(top, "count-objects", "-v")}


@pytest.mark.parametrize("asked", ["by name", "by its branches"])
def test_a_commit_comes_from_a_remote(repository, tmp_path, own_git_settings, asked):
    """A server of git's first protocol refuses commits that no branch points at."""
    first = Code(repository).commit()
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "second")
    (tmp_path / "below").mkdir()
    shallow = tmp_path / "below" / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", str(shallow))
    # Relative to the clone, wherever the process stands.
    git(shallow, "remote", "set-url", "origin", "../../repository")
    if asked == "by its branches":
        git(tmp_path, "config", "--global", "protocol.version", "0")
    with Code(shallow).worktree(first, "", tmp_path / "fetched") as old:
        assert (old / "moved.py").exists()
    gone = git(repository, "commit-tree", "HEAD^{tree}", "-m", "nobody has it").replace("0", "f")
    with (
        pytest.raises(
            ConfigError, match=rf"commit {gone} is not in the repository .*fetch PATH_OR_URL {gone}"
        ),
        Code(shallow).worktree(gone, "", tmp_path / "missing"),
    ):
        pytest.fail("a commit that is not there was laid out")
    assert not list((tmp_path / "below").glob(".fetched*"))


def test_a_repository_that_may_not_be_written_is_enough(repository, tmp_path, monkeypatch):
    """Root may write everywhere: what a read-only disk answers is said for it."""
    commit = Code(repository).commit()
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = sorted(path for path in (repository / ".git").rglob("*"))
    with Code(repository).worktree(commit, "", tmp_path / "old") as old:
        assert (old / "model.py").read_text(encoding="utf-8") == "alpha = 1\nbeta = 2\n"
        assert sorted(path for path in (repository / ".git").rglob("*")) == before


def test_a_commit_that_is_nowhere_is_named(repository, tmp_path):
    gone = "0123456789abcdef" * 2 + "01234567"
    with (
        pytest.raises(ConfigError, match=r"it has no remote to fetch it from; bring it from"),
        Code(repository).worktree(gone, "", tmp_path / "missing"),
    ):
        pytest.fail("a commit that is not there was laid out")


def test_each_missing_thing_is_named(tmp_path, repository, monkeypatch):
    bare = tmp_path / "plain"
    bare.mkdir()
    with pytest.raises(
        ConfigError, match=f"no git repository at {bare}: run `git init` and commit"
    ):
        Code(bare).state()
    with pytest.raises(ConfigError, match=r"no folder .*nowhere"):
        Code(tmp_path / "nowhere").state()
    git(bare, "init", "--quiet")
    for question in (Code(bare).commit, Code(bare).patch, Code(bare).state):
        with pytest.raises(ConfigError, match="has no commit: commit once"):
            question()
    monkeypatch.setenv("PATH", str(bare))
    with pytest.raises(ConfigError, match="git is not installed"):
        Code(repository).state()


def test_what_a_manifest_cannot_carry_is_refused_by_name(repository):
    (repository / "small.txt").write_text("small\n", encoding="utf-8")
    with (repository / "prices.parquet").open("wb") as file:
        file.truncate(30_000_000)
    with pytest.raises(
        ConfigError, match=r"30 MB.*prices.parquet \(30 MB\).*\.gitignore or commit"
    ):
        Code(repository).patch()
    (repository / "prices.parquet").unlink()
    # A tracked file has no size limit of its own: what counts is the patch.
    (repository / "logo.bin").write_bytes(os.urandom(21_000_000))
    with pytest.raises(ConfigError, match=r"largest file is logo\.bin"):
        Code(repository).patch()
    git(repository, "checkout", "--quiet", "logo.bin")
    nested = repository / "vendor"
    nested.mkdir()
    git(nested, "init", "--quiet")
    with pytest.raises(ConfigError, match="vendor is a git repository of its own"):
        Code(repository).patch()


def test_a_patch_that_contradicts_its_commit_leaves_no_worktree(repository, tmp_path):
    code = Code(repository)
    (repository / "model.py").write_text("alpha = 1\nbeta = 3\n", encoding="utf-8")
    patch = code.patch()
    git(repository, "commit", "--quiet", "--all", "--message", "done")
    with (
        pytest.raises(IntegrityError, match="does not apply to commit"),
        code.worktree(code.commit(), patch, tmp_path / "rebuilt"),
    ):
        pytest.fail("a contradiction was laid out")
    assert not (tmp_path / "rebuilt").exists()
    assert git(repository, "worktree", "list").count("\n") == 0


def test_a_worktree_goes_when_its_block_fails_and_spares_what_is_there(repository, tmp_path):
    code = Code(repository)
    with (  # noqa: PT012
        pytest.raises(ZeroDivisionError),
        code.worktree(code.commit(), "", tmp_path / "rebuilt") as rebuilt,
    ):
        (rebuilt / "data").mkdir()
        (rebuilt / "data" / "left").write_text("over", encoding="utf-8")
        (rebuilt / "data" / "left").chmod(0o444)
        raise ZeroDivisionError
    assert not (tmp_path / "rebuilt").exists()
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "precious").touch()
    with (
        pytest.raises(ConfigError, match="something is there already"),
        code.worktree(code.commit(), "", taken),
    ):
        pytest.fail("a taken folder was used")
    assert (taken / "precious").exists()


def test_what_a_killed_process_left_is_cleared_and_the_living_are_spared(repository, tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from shadowbook.adapters.code.code import Code\n"
        "code = Code(Path(sys.argv[1]))\n"
        "with code.worktree(code.commit(), '', Path(sys.argv[2])):\n"
        "    print('open', flush=True); time.sleep(60)\n"
    )
    started = {}
    for name in ("killed", "moved", "living"):
        arguments = (sys.executable, "-c", program, str(repository), str(tmp_path / name))
        started[name] = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert started[name].stdout.readline() == "open\n"
    for name in ("killed", "moved"):
        started[name].send_signal(signal.SIGKILL)
        started[name].wait()
    # Someone put something of his own where a dead worktree was.
    subprocess.run(("rm", "-r", str(tmp_path / "moved")), check=True)
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "precious").touch()
    code = Code(repository)
    with code.worktree(code.commit(), "", tmp_path / "next"):
        assert not (tmp_path / "killed").exists()
        assert (tmp_path / "moved" / "precious").exists()
        assert (tmp_path / "living" / "model.py").exists()
    started["living"].terminate()
    started["living"].wait()
    for process in started.values():
        process.stdout.close()
    with code.worktree(code.commit(), "", tmp_path / "next"):
        assert not (tmp_path / "living").exists()
    assert git(repository, "status", "--porcelain") == ""
