"""Reads a params file as plain values (YAML), or says in one sentence why it cannot be read."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from shadowbook.errors import ConfigError

MERGE = "tag:yaml.org,2002:merge"


def read_text(path: Path) -> str:
    """Return the text of a params file.

    Raises
    ------
    ConfigError
        When there is no such file, or it is no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} does not exist: run in a Shadowbook workspace, or name one with --workspace "
            "(a params file with --params)"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is no UTF-8 text (byte {error.start}): save it as UTF-8"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): name a file") from error


def parse(text: str, name: str) -> dict[str, Any]:
    """Return the values of a params file.

    Raises
    ------
    ConfigError
        Naming the line: no valid YAML, a key that stands twice, an impossible date; or when the
        file is empty or no mapping.
    """
    try:
        content = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{name}{where} is no valid YAML: {problem}: correct it") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{name} is empty or no mapping: start from the one in the repository")
    return content


def text_of(content: dict[str, Any]) -> str:
    """Write plain values as YAML, in their order; what reads like a date stays text."""
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return text


class _UniqueKeys(yaml.SafeLoader):
    """YAML keeps the last of two equal keys; a threshold given twice must not pass unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, refusing a key that stands twice or cannot be one."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _problem("a list or mapping cannot be a key", key_node)
            if key in seen:
                raise _problem(f"key {key!r} stands twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Build a value; one that looks like a date or number and is none is named."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            raise _problem(str(error), node) from error


def _problem(text: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, text, node.start_mark)
