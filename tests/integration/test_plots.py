"""The two pictures of a training run, drawn with matplotlib from the sample's prices."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters import plots
from shadowbook.adapters.canvas import COLORS, DPI, date_ticks, days
from shadowbook.core.learning.evaluation import EvaluationPolicy, evaluate
from shadowbook.errors import PermanentError, SchemaError

HORIZON = 5


@pytest.fixture(scope="module")
def evaluated():
    """Momentum and its opposite over three years of real prices."""
    path = distribution("skfolio").locate_file("skfolio/datasets/data/sp500_dataset.csv.gz")
    closes = pd.read_csv(path, index_col=0, parse_dates=True).tail(900)
    prices = closes.to_numpy()
    scores = np.full_like(prices, np.nan)
    scores[126:] = prices[126:] / prices[:-126] - 1.0
    rng = np.random.default_rng(0)
    found = {
        name: evaluate(sign * scores, prices, HORIZON, EvaluationPolicy(), rng)
        for name, sign in (("momentum", 1.0), ("reversal", -1.0))
    }
    return closes.index.to_numpy("datetime64[D]"), found


def draw_coefficients(evaluated, path, **options):
    sessions, found = evaluated
    series = {name: result.information_coefficient for name, result in found.items()}
    options = {"fold_starts": sessions[[300, 600]], "overlap": HORIZON} | options
    plots.information_coefficient_plot(sessions, series, 126, path, "week_ahead: IC", **options)
    return path.read_bytes()


def draw_equity(evaluated, path):
    sessions, found = evaluated
    returns = {name: result.net for name, result in found.items()}
    index = np.full(len(sessions), 0.0004)
    plots.equity_plot(sessions, returns, path, "week_ahead: equity", ("S&P $500$", index))
    return path.read_bytes()


def pixels(content):
    from matplotlib.image import imread

    return imread(io.BytesIO(content), format="png")


def share_of(content, color):
    """Share of the pixels that have exactly this color."""
    wanted = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)])
    seen = np.rint(pixels(content)[:, :, :3] * 255).astype(int)
    return float((seen == wanted).all(axis=2).mean())


@pytest.mark.parametrize("draw", [draw_coefficients, draw_equity])
def test_picture_shows_every_candidate_at_a_size_for_phones(evaluated, tmp_path, draw):
    content = draw(evaluated, tmp_path / "new folder" / "plot.png")

    assert pixels(content).shape[1] == round(6.6 * DPI)
    assert share_of(content, COLORS[0]) > 0.002
    assert share_of(content, COLORS[1]) > 0.001
    assert share_of(content, COLORS[2]) == 0.0  # no third candidate
    assert [file.name for file in (tmp_path / "new folder").iterdir()] == ["plot.png"]


@pytest.mark.parametrize("draw", [draw_coefficients, draw_equity])
def test_same_input_gives_same_bytes_from_any_thread(evaluated, tmp_path, draw):
    alone = draw(evaluated, tmp_path / "alone.png")
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda n: draw(evaluated, tmp_path / f"{n}.png"), range(4)))

    assert all(content == alone for content in together)
    assert b"matplotlib" not in alone.lower()  # neither version nor time


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2022-03-01", "2022-03-03", ["01 Mar 2022", "02 Mar 2022", "03 Mar 2022"]),
        ("2022-01-20", "2022-04-20", ["Feb 2022", "Mar 2022", "Apr 2022"]),
        ("2019-11-20", "2022-02-01", ["Jan 2020", "Jul 2020", "Jan 2021", "Jul 2021", "Jan 2022"]),
        ("1990-01-02", "2022-12-28", ["1995", "2000", "2005", "2010", "2015", "2020"]),
    ],
)
def test_dates_are_round_and_few_enough_to_read(first, last, expected):
    ends = days(np.array([first, last], dtype="datetime64[D]"))

    assert date_ticks(*ends)[1] == expected


def test_pandas_own_date_converters_change_nothing(evaluated, tmp_path):
    before = draw_coefficients(evaluated, tmp_path / "before.png")
    pd.plotting.register_matplotlib_converters()
    try:
        after = draw_coefficients(evaluated, tmp_path / "after.png")
    finally:
        pd.plotting.deregister_matplotlib_converters()

    assert after == before


def test_equity_keeps_its_value_over_a_gap_and_a_total_loss_is_final():
    growth = plots._growth(np.array([np.nan, 0.5, np.nan, -0.5, -1.5, 0.5]))

    np.testing.assert_allclose(growth, [np.nan, 1.5, np.nan, 0.75, 0.0, 0.0])


def test_total_loss_can_be_drawn(evaluated, tmp_path):
    sessions, _ = evaluated
    returns = np.full(len(sessions), 0.001)
    returns[400] = -1.0
    plots.equity_plot(sessions, {"ruin": returns}, tmp_path / "ruin.png", "ruin")

    assert share_of((tmp_path / "ruin.png").read_bytes(), COLORS[0]) > 0.001


def test_nothing_to_draw_says_not_computable(evaluated, tmp_path):
    sessions, _ = evaluated
    nothing = {"ridge": np.full(len(sessions), np.nan)}
    plots.equity_plot(sessions, nothing, tmp_path / "equity.png", "nothing")
    plots.information_coefficient_plot(sessions, nothing, 63, tmp_path / "ic.png", "nothing")

    for name in ("equity.png", "ic.png"):
        content = (tmp_path / name).read_bytes()
        assert pixels(content).shape[0] < 250  # title and sentence
        assert share_of(content, COLORS[0]) == 0.0


def test_series_of_another_length_is_refused_and_the_old_file_stands(evaluated, tmp_path):
    sessions, _ = evaluated
    path = tmp_path / "equity.png"
    draw_equity(evaluated, path)
    before = path.read_bytes()

    with pytest.raises(SchemaError, match=r"ridge has shape \(3,\) and there are 900 sessions"):
        plots.equity_plot(sessions, {"ridge": np.zeros(3)}, path, "short")
    with pytest.raises(SchemaError, match="no candidate"):
        plots.information_coefficient_plot(sessions, {}, 63, path, "none")
    zeros = np.zeros(len(sessions))
    with pytest.raises(SchemaError, match="index names a candidate and the benchmark"):
        plots.equity_plot(sessions, {"index": zeros}, path, "twice", ("index", zeros))
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_sentence(evaluated, tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(PermanentError, match="cannot be written"):
        draw_equity(evaluated, tmp_path / "file" / "equity.png")


def test_importing_the_module_does_not_import_matplotlib():
    code = "import sys, shadowbook.adapters.plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
