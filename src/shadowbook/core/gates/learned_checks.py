"""What features, labels and predictions must satisfy, said on their one-row summaries."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shadowbook.core.gates.suite import Check

if TYPE_CHECKING:
    from shadowbook.core.gates.learned import (
        FeatureGatePolicy,
        LabelGatePolicy,
        PredictionGatePolicy,
    )

_halt = partial(Check, kind="between", severity="critical", action="halt")
_note = partial(Check, kind="between", severity="warning", action="note")


def _number(name: str, table: str, column: str, least: float, what: str, remedy: str) -> Check:
    """Check that there is a number at all, for a missing one satisfies every range."""
    return _halt(name=name, table=table, columns=(column,), minimum=least, what=what, remedy=remedy)


def feature_checks(policy: FeatureGatePolicy) -> tuple[Check, ...]:
    """List the checks of a feature frame."""
    column = partial(_halt, table="features", key=("feature",))
    whole = partial(_halt, table="frame")
    return (
        whole(
            name="features_there",
            columns=("features",),
            minimum=1,
            what="there is no feature column",
            remedy="check the strategy's list of features",
        ),
        whole(
            name="feature_rows",
            columns=("rows",),
            minimum=1,
            what="there is no row",
            remedy="check the span of the data and --as-of",
        ),
        whole(
            name="feature_keys_unique",
            columns=("doubled",),
            maximum=0,
            what="{value} rows repeat a symbol and session",
            remedy="rebuild the feature log from the pinned data",
        ),
        whole(
            name="feature_coverage",
            columns=("coverage",),
            minimum=policy.min_coverage,
            what="a share of {value} of the newest session's symbols has every feature",
            remedy="check the quarantined symbols and the newest bars",
        ),
        column(
            name="feature_finite",
            columns=("infinite",),
            maximum=0,
            what="{value} values are infinite",
            remedy="look for a division by zero in its inputs",
        ),
        column(
            name="feature_missing",
            columns=("missing_share",),
            maximum=policy.max_missing_share,
            what="a share of {value} is missing after the warm-up",
            remedy="check gaps and quarantines in its inputs",
        ),
        column(
            name="feature_range",
            columns=("largest",),
            maximum=policy.max_absolute,
            what="the largest size is {value}",
            remedy="look for a unit or a scale that changed in its inputs",
        ),
        column(
            name="feature_varies",
            columns=("distinct",),
            minimum=policy.min_distinct,
            what="it has {value} distinct values",
            remedy="leave it out or mend its input",
        ),
        _note(
            name="feature_tail",
            table="features",
            key=("feature",),
            columns=("tail_ratio",),
            maximum=policy.max_tail_ratio,
            what="its largest size is {value} times the 99th percentile's",
            remedy="look at the row it comes from",
        ),
    )


def label_checks(policy: LabelGatePolicy) -> tuple[Check, ...]:
    """List the checks of one strategy's labels."""
    whole = partial(_halt, table="labels")
    return (
        whole(
            name="label_finite",
            columns=("infinite",),
            maximum=0,
            what="{value} labels are infinite",
            remedy="look for a zero price",
        ),
        whole(
            name="label_range",
            columns=("largest",),
            maximum=policy.max_absolute,
            what="the largest label is {value} in size",
            remedy="look for an unadjusted split in the prices",
        ),
        whole(
            name="label_missing",
            columns=("missing_share",),
            maximum=policy.max_missing_share,
            what="a share of {value} of the labels that could be known is missing",
            remedy="check gaps and quarantines in the prices",
        ),
        _number(
            "labels_matured",
            "labels",
            "matured",
            policy.min_matured,
            "{value} sessions have a label",
            "bring a longer history or a shorter horizon",
        ),
        whole(
            name="labels_not_early",
            columns=("early",),
            maximum=0,
            what="{value} labels are there before they could be known",
            remedy="check the prices for sessions ahead of as_of",
        ),
        whole(
            name="labels_vary",
            columns=("constant_share",),
            maximum=policy.max_constant_share,
            what="in a share of {value} of the sessions all labels are the same",
            remedy="look for copied sessions in the prices",
        ),
    )


def prediction_checks(policy: PredictionGatePolicy) -> tuple[Check, ...]:
    """List the checks of one candidate's scores."""
    whole = partial(_halt, table="predictions")
    return (
        _number(
            "scores_there",
            "predictions",
            "scores",
            1,
            "there is no score",
            "check the candidate's fit",
        ),
        whole(
            name="scores_finite",
            columns=("infinite",),
            maximum=0,
            what="{value} scores are infinite",
            remedy="refuse the candidate and check its fit",
        ),
        whole(
            name="scores_missing",
            columns=("missing_share",),
            maximum=policy.max_missing_share,
            what="a share of {value} of the symbols that could be scored has no score",
            remedy="check the features of those rows",
        ),
        whole(
            name="scores_vary",
            columns=("collapsed_share",),
            maximum=policy.max_collapsed_share,
            what="in a share of {value} of the sessions every score is the same",
            remedy="refuse the candidate: it ranks nothing",
        ),
        _note(
            name="scores_distinct",
            table="predictions",
            columns=("distinct_share",),
            minimum=policy.min_distinct_share,
            what="the median session has {value} distinct scores a symbol",
            remedy="expect ties at the portfolio's edges",
        ),
        _note(
            name="scores_tail",
            table="predictions",
            columns=("tail_ratio",),
            maximum=policy.max_tail_ratio,
            what="the largest score lies {value} typical distances from the median",
            remedy="look at the row it comes from",
        ),
    )
