"""A user's mistakes at the command line: one sentence, the right exit code, nothing lost."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from shadowbook.adapters.lease import lease
from shadowbook.adapters.market_data.files import FilesSource
from shadowbook.cli import app
from shadowbook.workspace import Workspace

DATA = ("data/market", "data/features")
STATE = (*DATA, "mlruns")
SMALL_FILES = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from shadowbook.cli import main
import shadowbook.workspace
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
main()
"""


@pytest.fixture(scope="module")
def place(own_files, tmp_path_factory):
    """A copy of a workspace with a finished run, for mistakes."""
    return Path(shutil.copytree(own_files, tmp_path_factory.mktemp("mistakes") / "ws"))


@pytest.fixture(scope="module")
def prices(place):
    return pd.read_csv(place / "prices.csv")


@pytest.fixture
def mended(place):
    """Undo the mistake when the test is over; what was accepted must not need it."""
    kept = {name: (place / name).read_bytes() for name in ("params.yaml", "prices.csv")}
    yield place
    for name, content in kept.items():
        if (place / name).is_dir():
            (place / name).rmdir()
        (place / name).write_bytes(content)


def state(root, parts=STATE):
    files = [path for part in parts for path in sorted((root / part).rglob("*")) if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def call(root, *words):
    return CliRunner().invoke(app, [*words, "--workspace", str(root)])


def refused(root, code, *words):
    """Call a command that must fail; return its sentence."""
    before = state(root)
    assert before
    done = call(root, *words)
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == code, (done.stdout, done.stderr)
    assert state(root) == before
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert "Traceback" not in done.stdout + done.stderr
    return lines[0]


def set_params(root, **sections):
    content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    for path, value in sections.items():
        at = content
        *parents, last = path.split("__")
        for part in parents:
            at = at[part]
        at[last] = value
    (root / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def rows(change):
    """Make a mistake in the table of prices."""

    def make(root, prices):
        changed = prices.copy()
        result = change(changed)
        (changed if result is None else result).to_csv(root / "prices.csv", index=False)

    return make


def text(content):
    """Make a mistake in the file itself."""

    def make(root, _prices):
        (root / "prices.csv").write_bytes(content)

    return make


def cell(column, value):
    def change(prices):
        prices[column] = prices[column].astype(object)
        prices.loc[4, column] = value

    return rows(change)


def known(*moments):
    """Give an available_at column."""

    def make(root, prices):
        values = [*moments, *[moments[-1]] * (len(prices) - len(moments))]
        prices.assign(Known=values).to_csv(root / "prices.csv", index=False)
        set_params(root, market_data__files__columns__available_at="Known")

    return make


def setting(**sections):
    def make(root, _prices):
        set_params(root, **sections)

    return make


DATA_MISTAKES = {
    "missing column": (
        rows(lambda p: p.rename(columns={"Close": "Schluss"})),
        3, r"no column 'Close' for close, it has Date, Ticker, .*market_data\.files\.columns\.clos",
    ),
    "empty file": (text(b""), 3, r"prices\.csv is empty: bring at least one session of prices"),
    "no rows": (rows(lambda p: p.head(0)), 3, r"prices\.csv holds no rows"),
    "no text": (text(b"\xff\xfe\x00\x01"), 3, r"prices\.csv is no UTF-8 text"),
    "duplicate key": (
        rows(lambda p: pd.concat([p, p.head(2)])), 3, r"2 rows repeat a key .* AAPL 20\d\d-\d\d-\d",
    ),
    "all missing": (
        rows(lambda p: p.assign(High=float("nan"))), 3, r"column 'High' \(high\) holds no value",
    ),
    "text in a price": (cell("Open", "halted"), 3, r"Open of row 5 is 'halted', which is no numbe"),
    "truth in a price": (rows(lambda p: p.assign(Low=True)), 3, r"Low of row 1 is 'True', which"),
    "no symbol": (cell("Ticker", None), 3, r"row 5 has no symbol: fill it or remove the row"),
    "a time in session": (cell("Date", "2019-06-10 16:00"), 3, r"holds a time of day"),
    "another way of writing days": (cell("Date", "10.06.2019"), 3, r"'10\.06\.2019', is no day"),
    "future session": (
        cell("Date", "2099-01-05"), 3,
        r"1 bars of the source are of sessions in the future, the first AAPL 2099-01-05: correct",
    ),
    "naive timestamp": (
        known("2019-06-10T16:00"), 3, r"no time zone .*set market_data\.files\.time_zone in params",
    ),
    "some naive timestamps": (
        known("2019-06-10T16:00Z", "2019-06-10T16:00"), 3, r"row 2, .* has no time zone as others",
    ),
    "all known later": (known("2090-01-05T16:00Z"), 3, r"no bar that was known at 2022-12-28"),
    "no file": (
        setting(market_data__files__path="price.csv"), 2, r"no market data file at .*price\.csv: c",
    ),
    "no such exchange": (
        setting(market_data__calendar="NYSX"), 2, r"market_data\.calendar = 'NYSX': no such exchan",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DATA_MISTAKES)
def test_data_that_cannot_be_read(mended, prices, name):
    mistake, code, sentence = DATA_MISTAKES[name]
    mistake(mended, prices)
    said = refused(mended, code, "ingest", "--as-of", "2022-12-28")
    assert pd.Series([said]).str.contains(sentence)[0], said


def test_a_session_on_a_holiday_is_named_by_the_gate(mended, prices):
    cell("Date", "2019-07-04")(mended, prices)
    assert call(mended, "ingest", "--as-of", "2022-12-28").exit_code == 0
    before = state(mended, DATA)
    done = call(mended, "gate", "--as-of", "2022-12-28")
    assert done.exit_code == 3, done.stdout
    assert "2019-07-04" in done.stdout
    assert "refused: the accepted prices stay as they were" in done.stdout
    assert state(mended, DATA) == before


def test_a_rewritten_price_is_named_by_the_gate(mended, prices):
    cell("Close", 1.0)(mended, prices)
    assert call(mended, "ingest", "--as-of", "2022-12-28").exit_code == 0
    said = refused(mended, 3, "gate", "--as-of", "2022-12-28")
    day = prices.loc[4, "Date"]
    assert "tells 1 accepted rows differently than before, without a new available_at" in said
    assert f"(AAPL {day})" in said


def test_a_ticker_called_na_is_a_ticker(mended, prices):
    renamed = prices.replace({"Ticker": {"AAPL": "NA"}})
    renamed.to_csv(mended / "prices.csv", index=False)
    done = call(mended, "ingest", "--as-of", "2022-12-28", "--json")
    assert json.loads(done.stdout)["symbols"] == 12


PARAMS_MISTAKES = {
    "unknown key": ({"sed": 1}, r"params\.yaml: sed = 1: unknown key; did you mean seed\?"),
    "bad value": (
        {"strategies__weekly__horizon": 0},
        r"strategies\.weekly\.horizon = 0: must be greater than or equal to 1",
    ),
    "unknown feature": (
        {"strategies__weekly__features": ["momentun_21"]},
        r"weekly\.features = 'momentun_21': no such feature; did you mean momentum_21\?",
    ),
    "unknown kind": (
        {"learning__candidates__ridge__kind": "rigde"},
        r"candidates\.ridge\.kind = 'rigde': must be .*; did you mean ridge\?",
    ),
}


@pytest.mark.parametrize("command", ["run", "ingest", "retrain", "runs"])
@pytest.mark.parametrize("name", PARAMS_MISTAKES)
def test_params_that_are_wrong(mended, name, command):
    sections, sentence = PARAMS_MISTAKES[name]
    set_params(mended, **sections)
    said = refused(mended, 2, command)
    assert pd.Series([said]).str.contains(sentence)[0], said


def test_too_short_a_history_for_one_fold(mended):
    set_params(mended, learning__splits__min_train=5000)
    said = refused(mended, 3, "retrain", "--as-of", "2022-12-28")
    assert "there are 900 sessions and" in said
    assert "bring more history or ask for fewer or shorter folds" in said


@pytest.mark.parametrize("command", ["run", "retrain"])
def test_no_git_repository(place, command, tmp_path):
    moved = shutil.move(place / ".git", tmp_path / "git")
    try:
        said = refused(place, 2, command)
    finally:
        shutil.move(moved, place / ".git")
    assert f"no git repository at {place}: run `git init` and commit once" in said


def test_no_commit_yet(own_files, tmp_path):
    fresh = Path(shutil.copytree(own_files, tmp_path / "ws", ignore=shutil.ignore_patterns(".git")))
    subprocess.run(("git", "init", "--quiet"), cwd=fresh, check=True)
    for command in ("run", "retrain"):
        assert "has no commit: commit once" in refused(fresh, 2, command)


@pytest.mark.parametrize("command", ["run", "retrain"])
def test_no_dvc_repository(place, command, tmp_path):
    moved = shutil.move(place / ".dvc", tmp_path / "dvc")
    try:
        said = refused(place, 2, command)
    finally:
        shutil.move(moved, place / ".dvc")
    assert "dvc init" in said


@pytest.mark.parametrize("command", ["run", "ingest", "gate", "features", "retrain", "train"])
@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("2022-12-26", 2, "--as-of 2022-12-26 is no session of XNYS: use the one before, 2022-"),
        ("2022-12-28T10:00", 2, "has no time zone: add an offset, 2022-12-28T10:00:00+00:00"),
        ("yesterday", 2, "--as-of 'yesterday' is neither a session"),
        ("2099-01-02", 2, "--as-of 2099-01-02 lies in the future"),
    ],
)  # fmt: skip
def test_moments_that_are_wrong(place, command, text, code, sentence):
    assert sentence in refused(place, code, command, "--as-of", text)


def test_a_moment_before_the_first_bar(place):
    said = refused(place, 3, "ingest", "--as-of", "2001-01-03")
    assert (
        "holds no bar that was known at 2001-01-03 21:15 UTC: its first became known at 2019-"
        in (said)
    )


@pytest.mark.parametrize("command", ["run", "retrain", "train"])
def test_an_unknown_strategy(place, command):
    said = refused(place, 2, command, "--strategy", "wekly")
    assert "no strategy 'wekly' in params.yaml: there are weekly" in said


@pytest.mark.parametrize("command", ["ingest", "runs", "doctor", "run"])
def test_a_workspace_that_is_not_there(tmp_path, command):
    done = call(tmp_path / "none", command)
    assert done.exit_code == (1 if command == "doctor" else 2)
    said = done.stdout + done.stderr
    assert "none/params.yaml does not exist: run in a Shadowbook workspace, or name one" in said


def test_a_folder_that_is_a_file(tmp_path, own_files):
    root = Path(shutil.copytree(own_files, tmp_path / "ws"))
    shutil.rmtree(root / "data" / "incoming")
    (root / "data" / "incoming").write_text("in the way", encoding="utf-8")
    assert "cannot be written" in refused(root, 1, "ingest", "--as-of", "2022-12-28")
    shutil.rmtree(root / ".shadowbook")
    (root / ".shadowbook").write_text("in the way", encoding="utf-8")
    for command in ("ingest", "run"):
        assert "the workspace must be writable" in refused(root, 1, command)


def test_a_workspace_in_use(place):
    with lease(place / ".shadowbook" / "lease", "run"):
        for command in ("ingest", "gate", "features", "retrain", "train", "measure"):
            said = refused(place, 1, command)
            assert f"is held by process {os.getpid()} (shadowbook run, since 20" in said
        for command in ("runs", "show"):
            assert call(place, command, *(["latest"] * (command == "show"))).exit_code == 0


@pytest.mark.parametrize("run", ["abc", "ffffffff", "latest'--"])
def test_a_run_that_is_not_there(place, run):
    for command in ("show", "reproduce"):
        assert run in refused(place, 2, command, run)


def test_ctrl_c(place, monkeypatch):
    def pressed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(FilesSource, "read", pressed)
    before = state(place)
    done = call(place, "ingest")
    assert done.exit_code == 130
    assert "interrupted" in done.stderr
    done = call(place, "ingest", "--json")
    assert (done.exit_code, json.loads(done.stdout)["error"]["type"]) == (130, "KeyboardInterrupt")
    assert state(place) == before


def test_what_the_machine_refuses_a_vendor_is_one_sentence(place, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere")

    monkeypatch.setattr(FilesSource, "read", full)
    assert refused(place, 1, "ingest") == "error: No space left on device: /somewhere"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["ingest", "gate", "features", "retrain"])
def test_a_full_disk_loses_nothing(own_files, tmp_path, command):
    """No file may grow beyond 2,000 bytes, as if the disk were full."""
    root = Path(shutil.copytree(own_files, tmp_path / "ws"))
    prices = pd.read_csv(root / "prices.csv")
    prices[prices["Ticker"] != "AAPL"].to_csv(root / "prices.csv", index=False)
    before = state(root)
    command_line = [sys.executable, "-c", SMALL_FILES, command, "--workspace", str(root)]
    if command == "retrain":
        set_params(root, seed=8)
    done = subprocess.run(command_line, capture_output=True, text=True, check=False)
    kept = {path: digest for path, digest in before.items() if "mlruns" not in path.parts}
    assert {path: digest for path, digest in state(root).items() if path in kept} == kept
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert len(Workspace.open(root).models.runs()) == 1


WITH_JSON = [
    (["ingest", "--as-of", "2022-12-28"], 0),
    (["gate", "--as-of", "2022-12-28"], 0),
    (["features", "--as-of", "2022-12-28"], 0),
    (["train", "--as-of", "2022-12-28"], 0),
    (["measure"], 0),
    (["retrain", "--as-of", "2022-12-28"], 0),
    (["runs"], 0),
    (["show", "latest"], 0),
    (["doctor"], 0),
    (["run", "--as-of", "x"], 2),
    (["ingest", "--as-of", "x"], 2),
    (["gate", "--as-of", "x"], 2),
    (["features", "--as-of", "x"], 2),
    (["train", "--as-of", "x"], 2),
    (["retrain", "--strategy", "x"], 2),
    (["measure", "--strategy", "x"], 2),
    (["runs", "--params", "none.yaml"], 2),
    (["show", "ffffffff"], 2),
    (["reproduce", "ffffffff"], 2),
    (["ingest", "--bogus"], 2),
    (["show"], 2),
    (["nonsense"], 2),
]


@pytest.mark.parametrize(("words", "code"), WITH_JSON, ids=str)
def test_json_is_one_document_and_nothing_else(place, words, code):
    done = call(place, *words, "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == code, done.stderr
    if code:
        assert set(document["error"]) == {"type", "message"}
        assert document["error"]["message"]


def test_runs_as_json_are_what_interfaces_promise(place):
    (run,) = json.loads(call(place, "runs", "--json").stdout)
    assert {"run_id", "strategy", "as_of", "model_version"} <= set(run)
    assert run["as_of"] == "2022-12-28T21:15:00+00:00"


def test_the_command_line_imports_nothing_heavy():
    script = (
        "import sys, shadowbook.cli;"
        "print([m for m in ('pandas', 'numpy', 'prefect', 'sklearn', 'pydantic', 'mlflow', "
        "'scipy', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
