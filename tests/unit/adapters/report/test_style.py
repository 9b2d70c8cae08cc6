"""Colors that can be read: the contrast of the style sheet's own numbers (WCAG 2.1)."""

import re

import pytest

from shadowbook.adapters.report.style import PATTERNS, STYLE
from shadowbook.adapters.report.svg import LINES

LIGHT, DARK = (
    dict(re.findall(r"--(\w+):(#[0-9a-f]+)", block))
    for block in re.findall(r":root\{(.*?)\}", STYLE, re.S)
)


def luminance(color):
    digits = color[1:] if len(color) == 7 else "".join(2 * c for c in color[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_lines_stand_out_from_their_ground(theme):
    for name in ("ink", "faint", "c0", "good", "warned", "failed"):
        assert contrast(theme[name], theme["ground"]) >= 4.5, name
    for name in ("ink", "faint"):
        assert contrast(theme[name], theme["panel"]) >= 4.5, name
    for name in (*(f"c{n}" for n in range(LINES)), "part", "thin", "hatch", "test"):
        assert contrast(theme[name], theme["ground"]) >= 3.0, name
    assert contrast(theme["part"], theme["full"]) >= 1.5
    assert contrast(theme["thin"], theme["part"]) >= 3.0


def test_both_themes_name_the_same_colors():
    assert LIGHT.keys() == DARK.keys()
    assert set(re.findall(r"var\(--(\w+)\)", STYLE)) <= LIGHT.keys()


def test_every_line_has_dashes_of_its_own():
    dashes = [
        (re.findall(r"stroke-dasharray:([\d. ]+)", rule) or ["none"])[0]
        for rule in re.findall(rf"\.c[0-{LINES - 1}]\{{(.*?)\}}", STYLE)
    ]
    assert len(dashes) == len(set(dashes)) == LINES


def test_what_is_hatched_is_there_and_nothing_is_loaded():
    for ident in re.findall(r"url\(#([\w-]+)\)", STYLE):
        assert f'id="{ident}"' in PATTERNS
    assert "http" not in STYLE
    assert "@import" not in STYLE
