"""Ctrl-C: one sentence and 130, also where a vendor swallows it or an ``exec`` is interrupted."""

import json
import signal
import subprocess
import sys

import pytest
import typer

from shadowbook import interruption
from shadowbook.frame import reported

SAID = "interrupted: nothing is half done, the same command goes on\n"
BEGIN = """
import time
from shadowbook import interruption
interruption.GRACE_SECONDS = 0.5
interruption.prepare()
def hang():
    print("ready", flush=True)
    time.sleep(60)
"""
HANGS = {
    "a vendor swallows it": "try:\n    hang()\nexcept BaseException:\n    time.sleep(60)\n",
    "it comes in a destructor": (
        "class Vendor:\n    def __del__(self):\n        hang()\nVendor()\ntime.sleep(60)\n"
    ),
    "what clears up hangs": "try:\n    hang()\nfinally:\n    time.sleep(60)\n",
}


@pytest.mark.parametrize("code", HANGS.values(), ids=HANGS)
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_one_sentence_whatever_happens_to_it(code, words):
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, SAID)
    if words:
        assert json.loads(out)["error"]["type"] == "KeyboardInterrupt"


def test_a_second_one_does_not_wait():
    code = BEGIN.replace("0.5", "60") + HANGS["what clears up hangs"]
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, SAID)


def test_a_program_that_goes_on_after_it_does_not_end_as_if_nothing_had_been():
    """Where an ``exec`` is interrupted, Python sends itself the signal at a normal end."""
    app = (
        "import sys, types\n"
        "def app():\n"
        "    try:\n"
        "        exec('hang()', {'hang': hang})\n"
        "    except BaseException:\n"
        "        print('done', flush=True)\n"
        "    sys.exit(0)\n"
        "sys.modules['shadowbook.cli'] = types.SimpleNamespace(app=app)\n"
        "from shadowbook.__main__ import main\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + app],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "done\n", SAID)


def test_what_compiled_code_makes_of_an_interruption_is_one():
    try:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ValueError("not a valid PEP 3118 buffer format string") from error
    except ValueError as error:
        made = error
    assert interruption.behind(made)
    assert interruption.behind(KeyboardInterrupt())
    assert not interruption.behind(ValueError("of its own"))
    assert not interruption.behind(None)


def test_a_command_that_ends_by_it_says_the_one_sentence(capfd):
    @reported
    def command() -> int:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ValueError("turned") from error

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 130
    assert capfd.readouterr().err == f"{interruption.SAID}\n"


def test_an_error_of_its_own_stays_one():
    @reported
    def command() -> int:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        command()
