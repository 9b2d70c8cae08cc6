"""The page of a run: everything on it, nothing broken, the numbers those of the manifest."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

from shadowbook.adapters.report.page import step_page, training_page
from shadowbook.adapters.report.provenance import EMPTY
from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.dataset import Dataset
from shadowbook.core.learning.fit import fit_fold, join_folds, plan_tasks
from shadowbook.core.learning.importance import Importance
from shadowbook.core.learning.labels import LabelPolicy, make_labels
from shadowbook.core.values import Finding, Outcome, Quarantine, Verdict
from shadowbook.serialization import plain
from shadowbook.settings import Settings
from shadowbook.steps import measure, report
from shadowbook.steps.record import _candidates
from shadowbook.steps.report import Importances, figures_of, measure_importances
from shadowbook.steps.train import Trained, describe_folds, fit_policy, split
from shadowbook.workspace import Workspace

NASTY = "<b>&"
SECTIONS = (
    *("doubts", "candidates", "equity", "drawdown", "skill", "importances", "folds", "coverage"),
    *("gates", "manifest"),
)
AS_OF = datetime(2016, 12, 1, 21, 15, tzinfo=UTC)
BROKEN = Finding(
    "range_broken",
    Outcome.FAILED,
    "critical",
    "quarantine",
    "1 of 4,000 rows",
    "at most 0.01",
    (f"{NASTY} 2015-03-02", "S1 2015-03-03"),
    f"{NASTY} 2015-03-02: the high lies below the close; mend the bar.",
)
GOOD = Finding("has_rows", Outcome.PASSED, "critical", "halt", "4000", "at least 1")


def settings_for(candidates, **learning):
    return Settings.model_validate(
        {
            "seed": 7,
            "learning": {
                "splits": {"n_splits": 2, "min_train": 150, "embargo": 3},
                "candidates": candidates,
                "selection": "sharpe",
                **learning,
            },
            "strategies": {"weekly": {"horizon": 5}},
        }
    )


TWO = {
    "ridge": {"kind": "ridge"},
    "momentum_rule": {"kind": "momentum", "parameters": {"feature": "momentum_21"}},
}


class World:
    """A retraining of made-up prices, without any vendor."""

    def __init__(self, root, settings, symbols=8, sessions=500):
        rng = np.random.default_rng(1)
        days = np.datetime64("2015-01-05", "D") + np.arange(sessions)
        names = ("momentum_21", "volatility_21", "reversal_5")
        features = rng.normal(size=(sessions, symbols, 3))
        moves = 0.01 * rng.normal(size=(sessions, symbols))
        moves[1:] += 0.002 * features[:-1, :, 0]
        prices = 50.0 * np.exp(np.cumsum(moves, axis=0))
        prices[:100, 1] = np.nan  # listed later
        prices[57, 0] = np.nan  # quarantined
        prices[200:220, 2] = np.nan  # missing
        features[~np.isfinite(prices)] = np.nan
        labels = make_labels(prices, 5, LabelPolicy())
        tickers = (NASTY, *(f"S{n}" for n in range(1, symbols)))
        dataset = Dataset(days, tickers, names, features, labels, prices, 3_900)
        folds = split(dataset, settings, "weekly")
        candidates = settings.learning.candidates
        tasks = plan_tasks(
            *(features, labels, names, folds),
            *(list(candidates.values()), fit_policy(settings, "weekly")),
        )
        done = [fit_fold(task) for task in tasks]
        own = {name: [f for f in done if f.candidate == name] for name in candidates}
        passed = Verdict("labels", Outcome.PASSED, "closed", (GOOD,))
        self.trained = Trained(
            strategy="weekly",
            as_of=AS_OF,
            dataset=dataset,
            folds=folds,
            scores={name: join_folds(parts, labels.shape) for name, parts in own.items()},
            n_train={name: tuple(f.n_train for f in parts) for name, parts in own.items()},
            verdicts=(passed,),
            estimators={name: tuple(f.estimator for f in parts) for name, parts in own.items()},
        )
        self.workspace = Workspace(root, settings)
        self.evaluated = measure.measure(measure.tested_of(self.trained), settings)
        self.importances = measure_importances(self.workspace, self.trained, self.evaluated)
        self.manifest = self._manifest(settings)
        day = date(2015, 3, 3)
        quarantined = (Quarantine(NASTY, day, day, "range_broken"),)
        bars = Verdict("bars", Outcome.WARNED, "closed", (BROKEN, GOOD), quarantined)
        vix = Verdict("vix", Outcome.NOT_COMPUTABLE, "open", (replace(BROKEN, check="fresh"),))
        self.verdicts = plain([bars, vix, passed])

    def _manifest(self, settings):
        folds = describe_folds(self.trained.dataset, self.trained.folds)
        return {
            "kind": "training",
            "outcome": "DONE",
            "run_id": "0123456789abcdef",
            "run_key": "k" * 64,
            "model_version": 3,
            "artifact_sha256": "a" * 64,
            "strategy": "weekly",
            "as_of": AS_OF.isoformat(),
            "created_at": AS_OF.isoformat(),
            "candidate": self.evaluated.best,
            "candidates": _candidates(settings, self.trained, self.evaluated),
            "prediction_digest": "d" * 64,
            "seed": 7,
            "commit": "c" * 40,
            "patch_sha256": EMPTY,
            "settings": settings.model_dump(mode="json"),
            "settings_sha256": "e" * 64,
            "pins": {"market": {"path": "data/market", "md5": "f.dir", "bytes": 12, "files": 3}},
            "parents": [],
            "layers": {
                "environment": {"python": "3.11", "packages": {"numpy": "2.4"}},
                "code": {"version": "0.1.0", "source_sha256": "9" * 64},
                "features": {"n_rows": 3900, "values": "8" * 64},
                "folds": {"folds": folds, "labels": "7" * 64, "members": "6" * 64},
                "predictions": {"out_of_sample": "5" * 64},
            },
        }

    def page(self, manifest=None, verdicts=None, importances=None):
        manifest = manifest or self.manifest
        verdicts = self.verdicts if verdicts is None else verdicts
        figures = figures_of(
            self.trained, self.evaluated, importances or self.importances, manifest, verdicts
        )
        return training_page(manifest, verdicts, [], figures)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), settings_for(TWO))


class Checker(HTMLParser):
    """Reads a page strictly: balanced, unique ids, nothing loaded, every reference there."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.references, self.words = [], [], [], []
        self.tags = {}
        self.feed(page)
        self.close()
        assert not self.open, self.open
        assert len(self.ids) == len(set(self.ids))
        assert set(self.references) <= set(self.ids)
        assert not {"script", "link", "img", "iframe", "object"} & self.tags.keys()

    def handle_starttag(self, tag, attrs):
        self._seen(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._seen(tag, attrs)

    def _seen(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert "http" not in value, value
            assert name != "src"
            if name == "id":
                self.ids.append(value)
            if name == "href":
                assert value.startswith("#")
                self.references.append(value[1:])
            if name == "aria-labelledby":
                self.references += value.split()
        if tag == "svg" and dict(attrs).get("role") != "img":
            assert dict(attrs).get("aria-hidden") == "true"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_every_section_is_there_and_the_page_stands_alone(world):
    page = world.page()
    checked = Checker(page)

    assert set(SECTIONS) <= set(checked.ids)
    assert checked.tags["h1"] == 1
    assert checked.tags["figure"] == 6
    assert checked.tags["figcaption"] == 6
    assert page.startswith("<!doctype html>")
    assert '<html lang="en">' in page
    assert 'name="viewport"' in page
    assert "http" not in page
    assert "nan" not in checked.text.replace("financ", "")
    assert not re.search(r'[dxy12]="[^"]*(nan|inf)', page)
    assert len(page.encode()) < 300_000


def test_numbers_are_those_of_the_manifest(world):
    text = Checker(world.page()).text
    for item in world.manifest["candidates"]:
        for key, form in (("information_coefficient", ".4f"), ("sharpe_annualized", ".2f")):
            metric = item["metrics"][key]
            value = f"{metric['value']:{form}}".replace("-", "−")
            assert f"{value} ± {metric['standard_error']:{form}}" in text
    for key in ("run_id", "commit", "prediction_digest", "artifact_sha256", "settings_sha256"):
        assert world.manifest[key] in text
    for fold in world.manifest["layers"]["folds"]["folds"]:
        assert f"{fold['train_first']} to {fold['train_last']}" in text
        assert f"{fold['test_first']} to {fold['test_last']}" in text
    for item in world.importances.measured:
        assert f"{item.value:.5f} ± {item.standard_error:.5f}".replace("-", "−") in text
    found = world.evaluated.evaluations[world.evaluated.best]
    assert f"1 {world.evaluated.best}: {found.equity[-1]:.2f}×" in text
    assert "shadowbook reproduce 0123456789abcdef" in text


def test_what_stands_between_training_and_test_is_drawn_session_by_session(world):
    page = world.page()
    border = re.search(r'<svg [^>]*aria-labelledby="folds-border.*?</svg>', page, re.S).group()
    widths = {
        name: float(re.search(rf'width="([\d.]+)"[^>]*class="{name}"', border).group(1))
        for name in ("purge", "embargo")
    }
    assert widths["purge"] / widths["embargo"] == pytest.approx(5 / 3, rel=0.01)
    train, test = world.trained.folds[-1]
    days = world.trained.dataset.sessions
    assert f"Training ends on {days[train[-1]]}" in border
    assert test[0] - train[-1] - 1 == 5 + 3


def test_names_from_outside_cannot_break_the_page(world):
    page = world.page()
    assert NASTY not in page
    assert "&lt;b&gt;&amp; 2015-03-02: the high lies below the close" in page
    assert f"{NASTY} 2015-03-02" in Checker(page).text
    renamed = json.loads(json.dumps(world.manifest).replace('"ridge"', '"<i>&x"'))
    renamed["settings"] = world.manifest["settings"]
    for item in renamed["candidates"]:
        item["kind"] = "ridge"
    evaluations = {
        "<i>&x" if name == "ridge" else name: found
        for name, found in world.evaluated.evaluations.items()
    }
    evaluated = replace(world.evaluated, evaluations=evaluations, best=renamed["candidate"])
    figures = figures_of(world.trained, evaluated, world.importances, renamed, world.verdicts)
    page = training_page(renamed, world.verdicts, [], figures)
    assert "<i>" not in page
    assert "<i>&x" in Checker(page).text


def test_gates_tell_first_what_did_not_pass(world):
    page = world.page()
    text = Checker(page).text
    gates = text[text.index("What the gates said") :]
    assert gates.index("bars ! WARNED") < gates.index("labels ✓ PASSED")
    assert gates.index("vix ! DROPPED") < gates.index("labels ✓ PASSED")
    assert "observed 1 of 4,000 rows; allowed: at most 0.01" in gates
    assert "leaves the named spans out" in gates
    assert f"{NASTY}: 2015-03-03 to 2015-03-03 (range_broken)" in gates
    assert "has_rows : 4000 (allowed: at least 1)" in gates
    summary = text[: text.index("What to doubt")]
    assert "WARNED: bars; DROPPED: vix; PASSED: labels" in summary


def test_doubts_are_computed_from_the_numbers(world):
    def doubts(change=None, verdicts=None):
        manifest = json.loads(json.dumps(world.manifest))
        if change is not None:
            change(manifest)
        text = Checker(world.page(manifest, verdicts)).text
        return text[text.index("What to doubt") : text.index("The candidates")]

    def ratios(manifest, *values):
        for item, value in zip(manifest["candidates"], values, strict=True):
            item["metrics"]["sharpe_annualized"] |= {"value": value, "standard_error": 0.2}

    told = doubts(lambda m: ratios(m, 0.33, 0.1))
    assert "No Sharpe ratio here is two standard errors from zero" in told
    assert "0.33 ± 0.20 a year, 1.6 errors" in told
    told = doubts(lambda m: ratios(m, 0.9, -0.5))
    assert "1 of 2 Sharpe ratios is two standard errors or more above zero, 1 as far below" in told
    assert "No Sharpe ratio here is two standard errors above zero, and 1 of 2 lies" in doubts(
        lambda m: ratios(m, 0.1, -0.5)
    )
    assert "leads momentum_rule by 1.40" in told or "leads ridge by 1.40" in told
    assert "lost money" not in told
    assert "lost money after costs" in doubts(lambda m: ratios(m, -0.9, -1.5))
    assert "code that is in no commit" in doubts(lambda m: m.update(patch_sha256="1" * 64))
    assert "code that is in no commit" not in told
    assert "The gate dropped vix" in told
    assert "quarantined 1 span of prices" in told
    assert "No verdict of a gate is recorded" in doubts(verdicts=[])


def test_what_cannot_be_computed_is_said_and_never_made_up(world):
    manifest = json.loads(json.dumps(world.manifest))
    none = {"value": None, "standard_error": None, "n_obs": 3, "status": "NOT_COMPUTABLE"}
    reason = "it has 3 evaluated sessions and needs 63: bring more history"
    for item in manifest["candidates"]:
        for metric in item["metrics"].values():
            metric |= {**none, "reason": reason}
    page = world.page(manifest, importances=Importances((), 1, "no held-out session"))
    text = Checker(page).text
    assert "not computable" in text
    assert reason in text
    assert "No Sharpe ratio could be computed" in text
    assert "Not computable: no held-out session." in text
    assert "None" not in text.replace("None is recorded", "").replace("None of", "")


def test_series_that_are_empty_leave_a_sentence(world):
    nothing = np.full(len(world.evaluated.sessions), np.nan)
    empty = {
        name: replace(found, net=nothing, information_coefficient=nothing)
        for name, found in world.evaluated.evaluations.items()
    }
    evaluated = replace(world.evaluated, evaluations=empty)
    figures = figures_of(
        world.trained, evaluated, world.importances, world.manifest, world.verdicts
    )
    text = Checker(training_page(world.manifest, [], [], figures)).text
    assert "Not computable: no candidate has a return after costs." in text
    assert re.search(r"Not computable: no window of \d+ sessions is at least half filled", text)


def test_one_candidate_many_symbols_and_names_that_are_cut(tmp_path):
    world = World(tmp_path, settings_for({"only": TWO["momentum_rule"]}), symbols=60)
    long = tuple(Importance(f"{'very_' * 9}long_{n}", 0.01 * n, 0.001, 100) for n in range(40))
    page = world.page(importances=Importances(long, 3))
    text = Checker(page).text
    assert "It is the only candidate (a rule that fits nothing)." in text
    assert "leads" not in text
    assert "The line counts the 60 symbols with a price in each session" in text
    assert "the 2 symbols with the most gaps" in text
    assert "The 25 largest of 40 are drawn." in text
    assert "Measured on every 3rd session" in text
    assert "very_very_very_very_ver…" in text
    # Left alone, the rule rests on one feature, and the two others are not drawn.
    text = Checker(world.page()).text
    assert "2 other features it does not use." in text
    assert "Clearly above zero: 1 of 1." in text


def test_a_page_is_the_same_text_every_time(world):
    assert world.page() == world.page()


def test_a_run_that_trains_nothing_shows_what_its_manifest_has(world):
    manifest = {
        **{key: world.manifest[key] for key in ("run_id", "as_of", "created_at", "commit")},
        **{key: world.manifest[key] for key in ("patch_sha256", "settings_sha256", "settings")},
        "kind": "ingest",
        "outcome": "DONE",
        "pins": {},
        "made": world.manifest["pins"],
        "sources": [{"path": "prices/a&b.csv", "sha256": "4" * 64, "bytes": 1234}],
        "report": {"rows": 4000, "parity": {"n_compared": 500}},
        "layers": {key: world.manifest["layers"][key] for key in ("environment", "code")},
    }
    text = Checker(step_page(manifest, [], [])).text
    assert "Ingest as of 2016-12-01 21:15 UTC" in text
    assert "rows known 4,000" in text
    assert "values compared 500" in text
    assert "prices/a&b.csv" in text
    assert "What the gates said" not in text
    gate = {**manifest, "kind": "gate", "outcome": "WARNED", "sources": []}
    text = Checker(step_page(gate, world.verdicts, [manifest])).text
    assert "What the gates said" in text
    assert "ingest as of" not in text
    assert "DONE 2016-12-01 21:15 UTC 0123456789abcdef" in text


def test_dear_predictions_are_measured_on_fewer_sessions_but_a_year_at_least():
    def every(n_sessions, rows, **parameters):
        boosting = {"kind": "hist_gradient_boosting", "parameters": parameters}
        kind = boosting if parameters else {"kind": "ridge"}
        candidate = CandidatePolicy(name="x", **kind)
        return report._every(20 * n_sessions * report._work(candidate), n_sessions, rows)

    assert every(7_000, 100_000) == 2
    assert every(7_000, 200_000) == 1
    assert every(7_000, 100_000, max_iter=80) == 6
    assert every(7_000, 100_000, max_iter=5_000) == 7_000 // 252
    assert every(100, 100) == 1
