"""Tiers that can be read and told apart: the style sheet's own numbers (WCAG 2.1)."""

import re

import pytest

from shadowbook.adapters.report.monitor_style import MONITOR_STYLE, MOST_WINDOWS
from shadowbook.adapters.report.monitor_words import SEVERITY
from tests.unit.adapters.report.test_style import DARK, LIGHT, contrast

TIERS = list(SEVERITY)[1:]


def blended(color, ground, share):
    parts = [
        [int(one[at : at + 2], 16) for at in (1, 3, 5)]
        for one in (color, ground if len(ground) == 7 else "#" + "".join(2 * c for c in ground[1:]))
    ]
    mixed = [round(share * c + (1 - share) * g) for c, g in zip(*parts, strict=True)]
    return "#" + "".join(f"{one:02x}" for one in mixed)


def rule(selector):
    return re.search(rf"^{re.escape(selector)}\{{(.*?)\}}", MONITOR_STYLE, re.M)[1]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_states_are_read_and_lines_stand_out_on_every_band(theme):
    for state in SEVERITY:
        name = re.search(r"var\(--(\w+)\)", rule(f".badge.{state}"))[1]
        assert contrast(theme[name], theme["ground"]) >= 4.5, state
    for tier in TIERS:
        told = rule(f".zone.{tier}")
        name = re.search(r"var\(--(\w+)\)", told)[1]
        share = float(re.search(r"fill-opacity:([.\d]+)", told)[1])
        band = blended(theme[name], theme["ground"], share)
        assert contrast(theme["c0"], band) >= 3.0, tier
        assert contrast(theme["ink"], band) >= 4.5, tier
        assert contrast(band, theme["ground"]) >= 1.1, tier


def test_colors_are_those_of_the_page_and_nothing_is_loaded():
    assert set(re.findall(r"var\(--(\w+)\)", MONITOR_STYLE)) <= LIGHT.keys()
    assert "http" not in MONITOR_STYLE
    assert "@import" not in MONITOR_STYLE


def test_every_tier_has_a_line_of_its_own():
    looks = {re.sub(r"stroke:var\(--\w+\)", "", rule(f".limit.{tier}")) for tier in TIERS}
    assert len(looks) == len(TIERS)


def test_every_choice_shows_its_panel():
    for n in range(1, MOST_WINDOWS + 1):
        assert f"input:nth-of-type({n}):checked~.panel:nth-of-type({n})" in MONITOR_STYLE
