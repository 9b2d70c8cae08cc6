"""Drift on real prices: what the default policy calls by year, in crises and in calm years.

    python -m benchmarks.drift_real

Twenty US stocks, 1990 to 2022: every feature of the catalog and the label over five sessions.
A profile is made anew every 126 sessions on the 1,260 before, as if a version had been trained
then; incidents begin anew with it, as they do live, so that what was open with the old profile may
be paged again, which is told apart. Others' rules judge the same windows every 21st session.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
import time
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from benchmarks.drift_peers import RULES, Peers, prepare
from benchmarks.drift_rates import header
from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.market_data.market import schedule_of
from shadowbook.adapters.market_data.sample import SampleSource
from shadowbook.core.bitemporal import as_known
from shadowbook.core.drift.calibration import Sample, calibrate
from shadowbook.core.drift.false_alarms import measure_false_alarms
from shadowbook.core.drift.incidents import Incident, advance
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import scan_path
from shadowbook.core.learning.features import build_features
from shadowbook.steps.drift_samples import PREDICTION, outcomes_of, samples_of
from shadowbook.steps.history import aware

HORIZON, REFIT, LOOKBACK = 5, 126, 252
PEER_STEP = 21
CRISES = {"2008": date(2008, 9, 15), "2020": date(2020, 2, 20)}
CALM_YEARS = 6


@dataclass(frozen=True, eq=False)
class World:
    """Columns of the sample, (T, N) each, and its index, (T,)."""

    sessions: np.ndarray
    samples: tuple[Sample, ...]
    index: np.ndarray


def world() -> World:
    """Read the sample and build its features."""
    calendar = TradingCalendar("XNYS", timedelta(minutes=15))
    delivery = SampleSource().read(calendar.schedule)
    last = delivery.bars["session"].max().to_pydatetime()
    as_of = aware(calendar.schedule(last.date(), last.date()).decided_at[0])
    schedule = schedule_of(delivery, calendar, as_of)
    panel = as_known(delivery.bars, delivery.references, schedule, as_of)
    cube = build_features(panel)
    scores = np.full(panel.prices.shape, np.nan)
    columns = samples_of(
        cube.names, cube.values, scores, outcomes_of(panel.prices, HORIZON), HORIZON
    )
    kept = tuple(one for one in columns if one.name != PREDICTION)
    return World(panel.sessions, kept, panel.references["index"])


def cut(samples: tuple[Sample, ...], rows: slice) -> list[Sample]:
    return [Sample(one.name, one.kind, one.values[rows], one.present[rows]) for one in samples]


@dataclass(frozen=True, eq=False)
class Version:
    """One profile's scans: arrays (T,), and others' rules at some of its sessions.

    Attributes
    ----------
    rows : of the world.
    alarm, is_open, opened : scan in alarm, incident open, incident opened in this session.
    drifted : (T, K).
    peers : row -> (windows, columns, rules).
    """

    rows: np.ndarray
    alarm: np.ndarray
    is_open: np.ndarray
    opened: np.ndarray
    drifted: np.ndarray
    peers: dict[int, np.ndarray]
    expected: float
    incident: Incident


def version(there: World, at: int, policy: DriftPolicy, seed: int, incident: Incident) -> Version:
    """Make a profile on the sessions before a row, and scan the ones from it on.

    The incident that is open before the first of them goes on, as in the monitor.
    """
    rng = np.random.default_rng([seed, at])
    before = slice(at - policy.reference_sessions, at)
    end, longest = min(at + REFIT, len(there.sessions)), policy.windows[-1]
    reference = cut(there.samples, before)
    calibration = calibrate(reference, there.sessions[before], policy, rng)
    expected = measure_false_alarms(reference, policy, rng).expected_a_year
    around = slice(at - longest + 1, end)
    live = cut(there.samples, around)
    path = scan_path(calibration, live, there.sessions[around], longest - 1)
    states, opened = [], []
    for session, alarm in zip(path.sessions, path.alarm, strict=True):
        was = incident.opened
        said = None if alarm < 0 else bool(alarm)
        incident = advance(
            incident, session.astype(date), said, policy.persistence, policy.clear_sessions
        )
        states.append(incident.opened is not None)
        opened.append(incident.opened is not None and was is None)
    rows = np.arange(at, end)
    alarms = path.alarm == 1
    rules = [Peers(one.values, policy.windows) for one in reference]
    peers = {
        int(row): np.array(
            [
                [
                    rule.alarms(one.values[row - window + 1 : row + 1])
                    for rule, one in zip(rules, there.samples, strict=True)
                ]
                for window in policy.windows
            ]
        )
        for row in rows[rows % PEER_STEP == 0]
    }
    marks = np.array(states), np.array(opened)
    return Version(rows, alarms, *marks, path.drifted, peers, expected, incident)


def years_table(there: World, versions: list[Version], policy: DriftPolicy) -> None:
    """Print incidents by year, beside the share of columns that others' rules have in alarm."""
    rows, alarm, is_open, opened, drifted = (
        np.concatenate([getattr(one, name) for one in versions])
        for name in ("rows", "alarm", "is_open", "opened", "drifted")
    )
    peers = {row: said for one in versions for row, said in one.peers.items()}
    years = there.sessions[rows].astype("datetime64[Y]").astype(int) + 1970
    moves = np.diff(np.log(there.index), prepend=np.nan)[rows]
    spread = {year: np.nanstd(moves[years == year]) for year in np.unique(years)}
    whole = [year for year in spread if (years == year).sum() > LOOKBACK - 10]
    calm = sorted(whole, key=spread.__getitem__)[:CALM_YEARS]
    shortest = policy.windows[0]
    print(f"\n### by year; the {CALM_YEARS} years with the least volatile index are marked calm")
    header(
        "year",
        "volatility a year",
        "pages",
        "sessions in alarm",
        "columns called",
        *(f"{rule}, columns ({shortest} sessions)" for rule in RULES),
        "Evidently: data set drifted",
    )
    for year, deviation in spread.items():
        here = years == year
        said = np.array([peers[row] for row in rows[here] if row in peers])
        columns = [f"{share:.0%}" for share in said[:, 0].mean(axis=(0, 1))]
        evidently = (said[:, 0, :, RULES.index("Evidently")].mean(axis=1) >= 0.5).mean()
        cells = (
            f"{year}{' calm' if year in calm else ''}",
            f"{deviation * math.sqrt(252):.0%}",
            int(opened[here].sum()),
            f"{alarm[here].mean():.0%}",
            f"{drifted[here].mean():.1%}",
            *columns,
            f"{evidently:.0%}",
        )
        print(f"| {' | '.join(map(str, cells))} |")
    pages = ", ".join(f"{year}: {opened[years == year].sum()}" for year in sorted(calm))
    print(f"\npages in calm years: {pages}; target fewer than two each. What they called:\n")
    names = np.array([one.name for one in there.samples])
    for at in np.flatnonzero(opened & np.isin(years, calm)):
        called = ", ".join(names[drifted[at]])
        print(f"- {there.sessions[rows[at]]}: {called}")
    print()
    print(f"incident open in {is_open.mean():.0%} of all sessions")
    expected = [one.expected for one in versions]
    print(
        f"false alarms a year that the profiles state: mean {np.mean(expected):.2f}, "
        f"{min(expected):.2f} to {max(expected):.2f} over {len(expected)} profiles"
    )


def crises_table(there: World, versions: list[Version], policy: DriftPolicy) -> None:
    """Print how soon the crises are seen."""
    print("\n### sessions from the first day of a crisis; target 21")
    header("crisis", "from", "the day before", "to an alarm", "to an open incident", "columns")
    rows, alarm, is_open, drifted = (
        np.concatenate([getattr(one, name) for one in versions])
        for name in ("rows", "alarm", "is_open", "drifted")
    )
    for name, day in CRISES.items():
        first = int(np.searchsorted(there.sessions[rows], np.datetime64(day)))
        waits = [np.flatnonzero(series[first : first + 252]) for series in (alarm, is_open)]
        told = [str(one[0]) if len(one) else "over 252" for one in waits]
        before = "in alarm" if alarm[first - 1] else "no alarm"
        before += ", incident open" if is_open[first - 1] else ""
        count = f"{drifted[first - 1].sum()} before, {drifted[first + 21].sum()} after 21"
        print(f"| {name} | {day} | {before} | {' | '.join(told)} | {count} |")
    at = {row: said for one in versions for row, said in one.peers.items()}
    print("\n### others' rules at their last look before a crisis and 21 sessions into it")
    header("crisis", "window", "when", *(f"{rule}, columns" for rule in RULES))
    for name, day in CRISES.items():
        first = int(np.searchsorted(there.sessions, np.datetime64(day)))
        looks = sorted(at)
        before = max(row for row in looks if row < first)
        after = max(row for row in looks if row <= first + 21)
        for w, window in enumerate(policy.windows):
            for when, row in (("before", before), ("after", after)):
                shares = " | ".join(f"{share:.0%}" for share in at[row][w].mean(axis=0))
                print(f"| {name} | {window} | {when}, {there.sessions[row]} | {shares} |")


def main(seed: int = 0) -> None:
    """Print every table."""
    prepare()
    began = time.perf_counter()
    there, policy = world(), DriftPolicy()
    first = LOOKBACK + policy.reference_sessions
    versions, incident = [], Incident()
    for at in range(first, len(there.sessions), REFIT):
        versions.append(version(there, at, policy, seed, incident))
        incident = versions[-1].incident
    print(
        f"\n## Drift on real prices: {len(there.samples)} columns, {len(versions)} profiles, "
        f"seed {seed}, windows {policy.windows}, rate {policy.false_discovery_rate:.0%}"
    )
    crises_table(there, versions, policy)
    years_table(there, versions, policy)
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
