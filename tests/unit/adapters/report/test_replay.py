"""The page of a replay: everything on it, nothing broken, the numbers those of the books."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

from shadowbook.adapters.report.replay import page_of_replay
from shadowbook.adapters.report.replay_words import grouped, with_interval
from shadowbook.core.books.construction import PortfolioPolicy
from shadowbook.core.books.execution import ExecutionPolicy
from shadowbook.core.books.running import BookPolicy, RunningBook
from shadowbook.core.books.summary import BookSeries, ReplayNote, metrics_of, summarize
from shadowbook.core.books.view import Scored, view_of
from shadowbook.core.values import Metric, Panel
from shadowbook.rendering_replay import show_replay

NASTY = "<b>&"
VOID = {"meta"}
FIELDS = ("net", "signal", "execution", "cost", "turnover", "equity")
HOURS = (datetime(2020, 1, 2, 14, 30, tzinfo=UTC), datetime(2020, 1, 2, 21, 0, tzinfo=UTC))
T = 260


def ran(panel, book, window, begin, band=0.0025, strategy="weekly"):
    """A book that really ran over the panel's last sessions by momentum."""
    policy = BookPolicy(
        100_000_000, 5, PortfolioPolicy(no_trade_band=band), ExecutionPolicy(impact_coefficient=0)
    )
    running, closes = RunningBook(strategy, book, policy), panel.fields["close"]
    columns = {name: np.full(T, np.nan) for name in (*FIELDS, "gross_exposure", "net_exposure")}
    versions, outcomes = np.zeros(T, dtype=np.int64), [""] * T
    for at in range(begin, T):
        row = len(closes) - T + at
        scores = closes[row] / closes[row - window] - 1.0
        day = running.step(view_of(panel, row, panel.symbols, 63, HOURS), Scored(1, scores), "x")
        for name in FIELDS:
            columns[name][at] = getattr(day, name)
        held = day.quantities * day.marks
        columns["gross_exposure"][at] = np.abs(held).sum() / day.equity
        columns["net_exposure"][at] = held.sum() / day.equity
        versions[at], outcomes[at] = 1, day.outcome.value
    sessions = panel.sessions[-T:]
    return BookSeries(
        strategy, book, sessions, model_versions=versions, outcomes=tuple(outcomes), **columns
    )


@pytest.fixture(scope="module")
def panel(sample):
    bars = sample.bars.pivot_table(index="session", columns="symbol", values="close").iloc[-400:]
    sessions = bars.index.to_numpy().astype("datetime64[D]")
    decided = sessions.astype("datetime64[us]") + np.timedelta64(21, "h")
    return Panel(sessions, tuple(bars.columns), {"close": bars.to_numpy()}, {}, decided)


@pytest.fixture(scope="module")
def books(panel):
    return (ran(panel, "champion", 63, 0), ran(panel, "shadow/2", 21, 100))


@pytest.fixture(scope="module")
def calmer(panel):
    return ran(panel, "champion", 63, 0, band=0.03)


def noted(series):
    days = [one.astype(date) for one in series.sessions]
    return [
        ReplayNote(days[0], "retraining", "version 1 was trained", strategy="weekly"),
        ReplayNote(days[90], "retraining", "version 2 was trained", strategy="weekly"),
        ReplayNote(days[170], "promotion", f"version 2 is champion {NASTY}", True, "weekly"),
        *(
            ReplayNote(
                days[at], "held", f"{at - 190} symbols are rated, 20 were", strategy="weekly"
            )
            for at in (200, 201, 205)
        ),
        ReplayNote(days[210], "held", "the market gate stopped", strategy="weekly"),
        ReplayNote(days[230], "delisting", "XX has had no price", strategy="weekly"),
    ]


def summary(name, *series, notes=()):
    return summarize(name, series, notes, "0123456789abcdef" * 4, 12.3)


class Reader(HTMLParser):
    """Checks that elements close in order and that every reference has its target."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.rows = [], [], [], []
        self.loaded = []

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"][1:]] if "href" in told else []
        self.links += told.get("aria-labelledby", "").split()
        self.loaded += [told[name] for name in ("src", "xlink:href") if name in told]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.links) <= set(reader.ids)
    assert reader.loaded == []
    assert "<script" not in page
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page).lower().replace("financ", "")
    return reader


def test_one_replay_tells_the_books_numbers(books):
    one = summary("params.yaml", *books, notes=noted(books[0]))
    page = page_of_replay([one])
    reader = read(page)
    metrics = one.books[0].metrics
    row = next(row for row in reader.rows if row[:1] == ["weekly"])
    assert row[1:] == [
        with_interval(metrics["sharpe_annualized"], "z.2f"),
        with_interval(metrics["net_return_annual"], "z.1%"),
        with_interval(metrics["max_drawdown"], "z.1%"),
        with_interval(metrics["turnover"], "z.1%"),
        *("1", "0", "0", "4"),
    ]
    assert one.first.isoformat() in page
    assert one.digest in page
    assert f"version 2 is champion {NASTY}" not in page
    assert "version 2 is champion &lt;b&gt;&amp; (simulated operator)" in page
    assert "promotion by the simulated operator" in page
    assert page.count('class="mark promotion simulated"') == 2  # the mark and its legend
    assert 'class="mark promotion"' not in page
    assert page.count('class="mark retraining"') == 3
    assert "1 act of a person was simulated" in page
    assert "weekly: 3 sessions from" in page


def test_years_add_up_to_the_whole(books):
    one = summary("params.yaml", *books)
    rows = [row for row in read(page_of_replay([one])).rows if row and row[0] in ("2021", "2022")]
    brief, full = rows[:2], rows[2:]
    assert [row[:2] for row in brief] == [row[:2] for row in full]
    net = books[0].net
    of_2022 = (books[0].sessions >= np.datetime64("2022-01-01")) & np.isfinite(net)
    expected = np.prod(1.0 + net[of_2022]) - 1.0
    assert brief[1][1] == f"{expected:.1%}".replace("-", "\N{MINUS SIGN}")
    parts = [float(cell.replace("\N{MINUS SIGN}", "-").rstrip("%")) for cell in full[1][2:5]]
    assert sum(parts) == pytest.approx(100.0 * net[of_2022].sum(), abs=0.16)


def test_two_policies_stand_side_by_side_with_their_difference(books, calmer):
    two = [summary("params.yaml", *books, notes=noted(books[0])), summary("calm.yaml", calmer)]
    page = page_of_replay(two)
    reader = read(page)
    ours, theirs = (one.books[0].metrics["sharpe_annualized"] for one in two)
    row = next(row for row in reader.rows if row[0] == "net Sharpe")
    assert row[1:3] == [with_interval(ours, "z.2f"), with_interval(theirs, "z.2f")]
    assert float(row[3].split()[0].replace("\N{MINUS SIGN}", "-")) == pytest.approx(
        theirs.value - ours.value, abs=0.006
    )
    promotions = next(row for row in reader.rows if row[0] == "promotions")
    assert promotions == ["promotions", "1", "0", "\N{MINUS SIGN}1"]
    assert "weekly: one policy beside the other" in page
    assert "weekly under calm.yaml: how far it fell" in page


def test_a_strategy_that_one_policy_lacks(books, calmer):
    other = replace(calmer, strategy=NASTY)
    page = page_of_replay([summary("a", *books), summary("b", calmer, other)])
    assert next(
        row[:2] for row in read(page).rows if row[0] == "net Sharpe" and row[1] == "no book"
    ) == ["net Sharpe", "no book"]
    assert NASTY not in page


def test_a_shadow_book_begins_at_the_champions_height(books):
    champion, shadow = books
    doubled = replace(champion, net=np.where(np.arange(T) == 50, 1.0, champion.net))
    drawn = re.findall(
        r'<path d="(M[^"]*)" class="line c1"', page_of_replay([summary("p", *books)])
    )
    lifted = re.findall(
        r'<path d="(M[^"]*)" class="line c1"', page_of_replay([summary("p", doubled, shadow)])
    )
    heights = [float(path[0].split("L")[0].split()[1]) for path in (drawn, lifted)]
    assert heights[1] < heights[0]  # higher up: the champion had doubled by then


def test_many_shadow_books_and_retrainings_stay_readable(books):
    shadows = [replace(books[1], book=f"shadow/{version}") for version in range(2, 14)]
    days = [one.astype(date) for one in books[0].sessions]
    notes = [ReplayNote(day, "retraining", f"on {day}", strategy="weekly") for day in days]
    page = page_of_replay([summary("p", books[0], *shadows, notes=notes)])
    read(page)
    assert "7 older shadow books" in page
    assert page.count('class="line older"') == 7 + 1  # and the legend's
    assert "<summary>Retrainings: 260</summary>" in page


@pytest.mark.parametrize("length", [1, 2, 40])
def test_a_short_replay_says_that_it_is_short(books, length):
    cut = {
        name: getattr(books[0], name)[:length]
        for name in ("sessions", *FIELDS, "gross_exposure", "net_exposure")
    }
    brief = replace(
        books[0],
        **cut,
        model_versions=books[0].model_versions[:length],
        outcomes=books[0].outcomes[:length],
    )
    page = page_of_replay([summary("p", brief)])
    read(page)
    assert f"sharpe_annualized has {length - 1} sessions with a return and needs 63" in page
    assert "not computable" in page


def test_a_book_that_lost_everything_is_drawn(books):
    lost = replace(books[0], net=np.where(np.arange(T) == 100, -1.0, books[0].net))
    page = page_of_replay([summary("p", lost)])
    read(page)
    assert "\N{MINUS SIGN}100.0%" in page
    assert metrics_of(lost)["max_drawdown"].value == -1.0


def test_the_same_replay_makes_the_same_bytes_and_long_ones_are_thinned(books):
    times = 40
    long = replace(
        books[0],
        sessions=np.datetime64("1980-01-01") + np.arange(times * T),
        **{
            name: np.tile(getattr(books[0], name), times)
            for name in (*FIELDS, "gross_exposure", "net_exposure", "model_versions")
        },
        outcomes=books[0].outcomes * times,
    )
    page = page_of_replay([summary("p", long)])
    assert page == page_of_replay([summary("p", long)])
    lines = re.findall(r'<path d="([^"]*)" class="line', page)
    assert len(lines) > 5
    assert max(line.count("L") for line in lines) <= 1_500


def test_one_or_two(books):
    one = summary("p", books[0])
    for wrong in ([], [one] * 3):
        with pytest.raises(ValueError, match="one replay or two"):
            page_of_replay(wrong)


def test_held_sessions_are_grouped_by_reason():
    notes = [
        ReplayNote(date(2020, 3, day), "held", f"{day} symbols are rated, 20 were", strategy="w")
        for day in (2, 3, 9)
    ]
    notes.append(ReplayNote(date(2020, 3, 4), "held", "the gate stopped"))
    assert grouped(notes) == [
        "w: 3 sessions from 2020-03-02 to 2020-03-09: first 2 symbols are rated, 20 were",
        "2020-03-04: the gate stopped",
    ]


def test_a_number_without_an_error_stands_alone():
    assert with_interval(Metric("x", -0.25, float("nan"), 9), ".1%") == "\N{MINUS SIGN}25.0%"
    assert with_interval(Metric("x", np.nan, np.nan, 9, "NOT_COMPUTABLE", "few"), ".1%") == (
        "not computable"
    )


def test_the_terminal_shows_the_same_figures(books, calmer, capsys):
    two = [summary("params.yaml", *books, notes=noted(books[0])), summary("calm.yaml", calmer)]
    show_replay(two)
    printed = capsys.readouterr().out
    metric = two[0].books[0].metrics["sharpe_annualized"]
    value, _, interval = with_interval(metric, "z.2f").partition(" ")
    assert f" {value} " in printed
    assert interval in printed
    assert "promotions: 1" in printed
    assert f"version 2 is champion {NASTY} (simulated operator)" in printed
    assert "sessions held: 4" in printed
    assert "calm.yaml less params.yaml" in printed
    assert max(len(line) for line in printed.splitlines() if "│" in line) <= 110
