"""What a manifest says of the machine."""

import sys
from importlib.metadata import version

import pytest

from shadowbook.adapters.host import VENDORS, Host, Lag, locked_versions, sha256_file

LOCK = """# made by uv
numpy=={numpy} ; python_version < '4' \\
    --hash=sha256:00
no-such-package==1.0
pandas==0.1 \\
    --hash=sha256:11
pywin32==306 ; sys_platform == 'win32'
scipy=={scipy}
    # via something
"""


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "requirements.lock"
    text = LOCK.format(numpy=version("numpy"), scipy=version("scipy"))
    path.write_text(text, encoding="utf-8")
    return path


def test_the_lock_holds_what_is_for_this_platform(lock):
    assert set(locked_versions(lock)) == {"numpy", "no-such-package", "pandas", "scipy"}


def test_what_is_not_as_locked_is_named(lock):
    assert Host().against_lock(lock) == [
        Lag("no-such-package", "1.0", None),
        Lag("pandas", "0.1", version("pandas")),
    ]


def test_the_shipped_lock_can_be_read(request):
    lock = request.config.rootpath / "requirements.lock"
    assert set(VENDORS) <= set(locked_versions(lock))


def test_versions_and_machine(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert Host().versions()["numpy"] == version("numpy")
    described = Host().describe()
    assert described["python"] == ".".join(map(str, sys.version_info[:3]))
    assert described["omp_num_threads"] == "3"
    assert Host().interpreter() == sys.executable


def test_free_space(tmp_path):
    assert Host().free_bytes(tmp_path) > 0


def test_the_digest_of_a_file_or_of_nothing(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_file(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")
    assert sha256_file(tmp_path / "none").startswith("e3b0c44298fc1c149afbf4c8996fb924")
