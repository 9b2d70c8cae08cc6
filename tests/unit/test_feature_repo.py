"""Feast's definitions list the catalog's features, in its order, and know nothing of ours."""

import ast
from pathlib import Path

import pytest

from shadowbook.core.learning.catalog import CATALOG
from shadowbook.core.learning.features import FEATURE_VERSION

DEFINITIONS = Path(__file__).parents[2] / "feature_repo" / "definitions.py"


@pytest.fixture(scope="module")
def tree():
    return ast.parse(DEFINITIONS.read_text(encoding="utf-8"))


def listed(tree, name):
    """Read a tuple of the module without importing it, for that would import Feast."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and node.target.id == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{DEFINITIONS} defines no {name}")


@pytest.mark.parametrize(
    ("name", "group"), [("PRICE_FEATURES", "price"), ("VOLUME_FEATURES", "volume")]
)
def test_the_schema_lists_the_catalog(tree, name, group):
    assert listed(tree, name) == tuple(f.name for f in CATALOG if f.group == group)


def test_the_views_carry_the_catalogs_version(tree):
    names = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in ("price_v1", "volume_v1")
    }
    assert names == {f"price_v{FEATURE_VERSION}", f"volume_v{FEATURE_VERSION}"}


def test_definitions_import_nothing_of_ours(tree):
    modules = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert not [name for name in modules if name.startswith(("shadowbook", "flows"))]
