"""The tutorial's commands, executed, and the lines it shows, found in what they print."""

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python|yaml|text)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
CHANGING = (
    (r"\b\d+\.\d s\b", "N s"),
    (r"\b[0-9a-f]{8,32}\b", "ID"),
    (r" +", " "),
)
"""What is another each time: seconds and run ids; and the width of columns."""


class Reader:
    """Does what the page says, in a folder of its own."""

    def __init__(self, own: Path) -> None:
        self.own = own
        self.cwd = PROJECT

    def run(self, commands: str) -> str:
        """Execute a block as one script; what it prints, without the workspace's folder."""
        # git clone takes what was committed; the ignored folders are part of what is tested.
        script = commands.replace("../own", str(self.own)) + "\npwd > '" + f"{self.own}.cwd'\n"
        bin_folder = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.cwd,
            env={**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        self.cwd = Path(self.own.with_name("own.cwd").read_text(encoding="utf-8").strip())
        return done.stdout.replace(f"{self.own}/", "")

    def write(self, text: str) -> None:
        """Write a block that names its file in its first line."""
        name, body = re.fullmatch(r"# (?:added to )?(\S+)\n(.*)", text, re.DOTALL).groups()
        with (self.own / name).open("a" if "added to" in text else "w", encoding="utf-8") as file:
            file.write(body)


def told(text: str) -> list[str]:
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path):
    reader = Reader(tmp_path / "own")
    printed = ""
    for kind, text in BLOCKS:
        if kind == "bash":
            printed = reader.run(text)
        elif kind == "text":
            lines = told(printed)
            for line in told(text):
                assert line in lines, printed
        else:
            reader.write(text)
    # Two strategies were trained, and nothing the reader brought became part of the code.
    status = subprocess.run(
        ("git", "status", "--porcelain"), cwd=reader.own, capture_output=True, check=True, text=True
    )
    assert "prices/" not in status.stdout


def test_every_shown_file_and_output_stands_behind_a_command():
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds[0] == "bash"
    for before, kind in pairwise(kinds):
        assert kind != "text" or before == "bash"
    for kind, text in BLOCKS:
        assert kind not in ("python", "yaml") or re.match(r"# (added to )?\S+\.(py|yaml)\n", text)
        assert kind != "text" or text.strip(), "a command's output is shown, not left blank"


def test_the_readme_links_the_tutorial():
    assert "docs/tutorial.md" in (PROJECT / "README.md").read_text(encoding="utf-8")
