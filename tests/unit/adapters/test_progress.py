"""One line a stage, also where it breaks and where nobody looks."""

import io

import pytest
from rich.console import Console

from shadowbook.adapters.progress import Silent, Terminal


def shown(terminal, fails=False):
    out = io.StringIO()
    progress = Terminal(Console(file=out, width=100, force_terminal=terminal, color_system=None))
    try:
        with progress.stage("fold", total=2) as stage:
            stage.advance()
            stage.advance(1)
            stage.result("2 folds [of 2]")
            if fails:
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    return out.getvalue()


def test_a_file_gets_one_plain_line():
    line = shown(terminal=False)
    assert line.count("\n") == 1
    assert line.startswith("✓ fold  ")
    assert line.endswith(" s  2 folds [of 2]\n")


def test_a_failed_stage_is_marked():
    assert shown(terminal=False, fails=True).startswith("✗ fold")


def test_a_terminal_gets_a_bar_that_is_gone_in_the_end():
    text = shown(terminal=True)
    assert "2/2" in text
    assert text.rstrip().endswith("2 folds [of 2]")


def test_a_stage_passes_errors_on():
    with pytest.raises(ZeroDivisionError), Silent().stage("x"):
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), Terminal(Console(file=io.StringIO())).stage("x"):
        raise ZeroDivisionError


def test_silence(capsys):
    with Silent().stage("fold", total=2) as stage:
        stage.advance()
        stage.result("done")
    assert capsys.readouterr() == ("", "")
