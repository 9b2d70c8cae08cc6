"""Drift pages, drawn with Evidently from features of the sample's real prices."""

import re
import subprocess
import sys
from importlib.metadata import distribution

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters.drift_reports import DriftReports
from shadowbook.errors import PermanentError, SchemaError

COLUMNS = ("momentum_21", "volatility_21", "rank_momentum_21")
CURRENT_SESSIONS = 63


@pytest.fixture(scope="module")
def samples():
    """Three features of 20 symbols: 1990 until September 2022, and the 63 sessions after."""
    path = distribution("skfolio").locate_file("skfolio/datasets/data/sp500_dataset.csv.gz")
    closes = pd.read_csv(path, index_col=0, parse_dates=True)
    momentum = closes.pct_change(21, fill_method=None)
    volatility = closes.pct_change(fill_method=None).rolling(21).std()
    tables = (momentum, volatility, momentum.rank(axis=1, pct=True))
    features = pd.DataFrame(
        {name: table.to_numpy().ravel() for name, table in zip(COLUMNS, tables, strict=True)}
    )
    sessions = np.repeat(closes.index.to_numpy("datetime64[us]"), closes.shape[1])
    features.insert(0, "session", sessions)
    cut = len(features) - CURRENT_SESSIONS * closes.shape[1]
    return features.iloc[:cut], features.iloc[cut:]


def draw(reference, current, path, columns=COLUMNS, title="week_ahead", max_rows=500, seed=7):
    rng = np.random.default_rng(seed)
    DriftReports().page(reference, current, columns, path, title, max_rows, rng)
    return path.read_text(encoding="utf-8")


def header(html):
    """Our part of the page, without tags."""
    part = html.split('<div class="shadowbook">')[1].split("</div>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def without_identifiers(html):
    """The page without the random identifiers that Evidently makes up for every page."""
    return re.sub(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", "", html)


def test_page_says_what_it_compares_and_that_nothing_decides_on_it(samples, tmp_path):
    html = draw(*samples, tmp_path / "new" / "drift.html", title="week_ahead <1>")

    said = header(html)
    assert said.startswith("week_ahead &lt;1&gt; For looking only: no decision is based on this")
    assert "1990-01-02 to 2022-09-28 165,000 500" in said
    assert "2022-09-29 to 2022-12-28 1,260 500" in said
    assert "momentum_21 0.3% 0.0%" in said  # missing values: 21 of 8,250 sessions
    assert "<title>week_ahead &lt;1&gt;</title>" in html
    assert all(html.count(f"{name}") > 2 for name in COLUMNS)
    assert "Wasserstein distance (normed)" in html
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["drift.html"]


def test_the_samples_can_be_named(samples, tmp_path):
    names = ("Reference (version 7 & <b>)", "Current (trailing 63 sessions)")
    path = tmp_path / "drift.html"
    few = samples[1].head(12)
    rng = np.random.default_rng(7)
    DriftReports().page(samples[0], few, COLUMNS, path, "weekly", 500, rng, names)

    said = header(path.read_text(encoding="utf-8"))
    assert "Reference (version 7 &amp; &lt;b&gt;) 1990-01-02 to 2022-09-28 165,000 500" in said
    assert "Current (trailing 63 sessions) 2022-09-29 to 2022-09-29 12 12" in said
    assert "NOT_COMPUTABLE : Current (trailing 63 sessions) has 12 rows and 30 are needed." in said


def test_a_column_without_any_value_is_left_out_of_the_monitors_windows(samples, tmp_path):
    windows = [frame.tail(2000).assign(volume=np.nan) for frame in samples]
    html = draw(*windows, tmp_path / "drift.html", columns=(*COLUMNS, "volume"))

    said = header(html)
    assert "Left out, NOT_COMPUTABLE: volume (0 finite values in the reference, 0 now)" in said
    assert "No values are missing in the columns drawn." in said
    assert "Wasserstein distance (normed)" in html


def test_page_is_self_contained(samples, tmp_path):
    html = draw(*samples, tmp_path / "drift.html")

    assert "default-src 'none'" in html  # the browser may load nothing from anywhere
    tags = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", html)
    assert not [tag for tag in tags if re.search(r"(?:src|href)\s*=", tag)]
    assert len(re.findall(r"<script>", html)) >= 3  # what it needs is in it


def test_score_is_the_distance_in_deviations_of_the_reference(samples, tmp_path):
    from scipy.stats import wasserstein_distance

    reference, current = (sample.dropna().tail(400) for sample in samples)
    html = draw(reference, current, tmp_path / "drift.html", max_rows=1000)

    for name in COLUMNS:
        distance = wasserstein_distance(reference[name], current[name]) / np.std(reference[name])
        assert f"{round(distance, 6)}" in html


def test_same_generator_draws_the_same_rows(samples, tmp_path):
    first = draw(*samples, tmp_path / "first.html")
    again = draw(*samples, tmp_path / "again.html")
    other = draw(*samples, tmp_path / "other.html", seed=8)

    same = without_identifiers(first) == without_identifiers(again)
    different = without_identifiers(first) != without_identifiers(other)
    assert (same, different) == (True, True)  # not the pages: five megabytes of explanation


def test_a_column_without_values_is_left_out_and_named(samples, tmp_path):
    reference, current = samples
    silent = current.assign(volatility_21=np.nan, momentum_21=np.inf)
    html = draw(reference, silent, tmp_path / "drift.html")

    said = header(html)
    assert "Left out, NOT_COMPUTABLE: momentum_21 (" in said
    assert re.search(r"volatility_21 \(\d+ finite values in the reference, 0 now\)", said)
    assert "rank_momentum_21" in html


def test_a_constant_reference_is_named(samples, tmp_path):
    reference, current = samples
    html = draw(reference.assign(momentum_21=0.01), current, tmp_path / "drift.html")

    assert "divides by 0.001 instead: momentum_21." in header(html)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (0, "Current has 0 rows and 30 are needed"),
        (29, "Current has 29 rows and 30 are needed"),
    ],
)
def test_too_few_rows_are_not_computable(samples, tmp_path, rows, reason):
    reference, current = samples
    html = draw(reference, current.head(rows), tmp_path / "drift.html")

    assert f"NOT_COMPUTABLE : {reason}." in header(html)
    assert len(html) < 10_000  # no picture of chance


def test_no_column_left_is_not_computable(samples, tmp_path):
    reference, current = samples
    html = draw(reference, current.assign(momentum_21=np.nan), tmp_path / "d.html", COLUMNS[:1])

    assert "NOT_COMPUTABLE : no column has 30 finite values in both samples." in header(html)


def test_thirty_rows_of_one_session_are_drawn(samples, tmp_path):
    reference, current = samples
    html = draw(reference, pd.concat([current.tail(20)] * 2), tmp_path / "drift.html")

    assert "2022-12-28 to 2022-12-28 40 40" in header(html)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns=["session", "momentum_21"]), "session, momentum_21"),
        (lambda frame: frame.assign(momentum_21="high"), "momentum_21 must hold numbers"),
        (lambda frame: frame.assign(session="2022-12-28"), "session must hold naive dates"),
    ],
)
def test_frames_of_another_shape_are_refused(samples, tmp_path, change, message):
    reference, current = samples
    with pytest.raises(SchemaError, match=message):
        draw(reference, change(current), tmp_path / "drift.html")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_one_sentence(samples, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PermanentError, match="cannot be written"):
        draw(samples[0], samples[1].head(3), tmp_path / "file" / "drift.html")


def test_importing_the_module_imports_no_vendor():
    code = (
        "import sys, shadowbook.adapters.drift_reports; "
        "print({'evidently', 'pandas'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
