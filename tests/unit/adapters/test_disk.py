"""Whole files or none, also on a full disk."""

import errno
import subprocess
import sys

import pytest

from shadowbook.adapters.disk import clear_drafts, replace_file, replace_text
from shadowbook.errors import PermanentError

FULL = """
import resource, signal, sys
from pathlib import Path
from shadowbook.adapters.disk import replace_text
from shadowbook.errors import PermanentError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_text(Path(sys.argv[1]), "x" * 100_000)
except PermanentError as error:
    print(error)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_lands_whole_and_its_folder_is_made(tmp_path):
    place = tmp_path / "a" / "b" / "note.json"
    replace_text(place, "größe\n")
    replace_text(place, "new\n")
    assert place.read_text(encoding="utf-8") == "new\n"
    assert names(place.parent) == ["note.json"]


def test_a_write_that_breaks_leaves_the_previous_file(tmp_path):
    place = tmp_path / "note"
    replace_text(place, "before")

    def breaks(draft):
        draft.write_text("half", encoding="utf-8")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replace_file(place, breaks)
    assert place.read_text(encoding="utf-8") == "before"
    assert names(tmp_path) == ["note"]


def test_an_interrupted_write_leaves_the_previous_file(tmp_path):
    place = tmp_path / "note"
    replace_text(place, "before")

    def stopped(draft):
        draft.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(place, stopped)
    assert (place.read_text(encoding="utf-8"), names(tmp_path)) == ("before", ["note"])


def test_a_full_disk_leaves_the_previous_file(tmp_path):
    """The kernel refuses to let the file grow, as a full disk does."""
    place = tmp_path / "note"
    replace_text(place, "before")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(place)], capture_output=True, text=True, check=True
    )
    assert "note cannot be written: File too large; what was there before stands" in done.stdout
    assert (place.read_text(encoding="utf-8"), names(tmp_path)) == ("before", ["note"])


def test_a_vendor_that_finds_the_disk_full_is_translated(tmp_path):
    def full(_draft):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(
        PermanentError, match="No space left on device; what was there before stands"
    ):
        replace_file(tmp_path / "note", full)


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(PermanentError, match="data/note cannot be written"):
        replace_text(tmp_path / "data" / "note", "x")


def test_read_only_files_are_replaced(tmp_path):
    place = tmp_path / "note"
    replace_text(place, "before")
    place.chmod(0o444)
    replace_text(place, "after")
    assert place.read_text(encoding="utf-8") == "after"


def test_drafts_of_killed_writes_are_cleared(tmp_path):
    (tmp_path / ".2021.parquet.999.draft").touch()
    (tmp_path / "2021.parquet").touch()
    clear_drafts(tmp_path)
    clear_drafts(tmp_path / "none")
    assert names(tmp_path) == ["2021.parquet"]
