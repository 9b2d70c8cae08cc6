"""What is wrong with a params file, in words: the key's path, the value, what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel

from shadowbook.core.learning.candidates import PARAMETERS, CandidatePolicy

SHOWN = 60
"""Characters of a wrong value that a message repeats."""

_MAPPING = "a mapping, `key: value` on lines of their own"
SHAPES = {
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "mapping_type": _MAPPING,
    "tuple_type": "a list, [one, two]",
    "string_type": "text",
    "too_short": "not empty",
}
"""Words for pydantic's names of shapes, by its type of error."""


def truths(given: Any, taken: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Name what stands as yes, no, true or false where a number is expected."""
    if isinstance(given, dict) and isinstance(taken, Mapping):
        for key, value in given.items():
            yield from truths(value, taken.get(key), (*path, str(key)))
    elif isinstance(given, list) and isinstance(taken, tuple | list):
        for i, (value, other) in enumerate(zip(given, taken, strict=False)):
            yield from truths(value, other, (*path, str(i)))
    elif isinstance(given, bool) and not isinstance(taken, bool):
        yield f"{'.'.join(path)} = {given}: must be a number, not true or false (yes or no)"


def sentence(fault: Any, content: dict[str, Any], model: type[BaseModel]) -> str:
    """Say what pydantic found, with the key's path and what is allowed there.

    Parameters
    ----------
    fault : one of a validation error's.
    content : the whole params file.
    model : what the whole file must be.
    """
    path = ".".join(str(part) for part in fault["loc"])
    kind = fault["type"]
    if kind == "missing":
        return f"{path} is missing: it has no default"
    message: str = fault["msg"].removeprefix("Value error, ")
    if not path:
        return message
    here = f"{path} = {_short(fault['input'])}"
    if kind == "extra_forbidden":
        allowed = _keys_at(fault["loc"][:-1], content, model)
        return (
            f"{here}: unknown key{hint(str(fault['loc'][-1]), allowed)}; "
            f"known keys: {', '.join(allowed)}"
        )
    if kind in SHAPES:
        return f"{here}: must be {SHAPES[kind]}"
    if kind == "literal_error" and isinstance(fault["input"], str):
        options = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        message += hint(fault["input"], options)
    return f"{here}: {message.replace('Input should', 'must').replace('String should', 'must')}"


def _short(value: Any) -> str:
    shown = str(value) if isinstance(value, date) else repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."


def hint(word: str, known: Sequence[str]) -> str:
    """Name the known word that was probably meant, if one is near."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _keys_at(path: tuple[int | str, ...], content: Any, model: Any) -> list[str]:
    """Known keys of the section a fault lies in."""
    parts = list(path)
    while parts:
        part = parts.pop(0)
        if model is CandidatePolicy and part == "parameters":
            model, content = PARAMETERS[content["kind"]], content[part]
            continue
        content = content[part]
        annotation = model.model_fields[part].annotation
        if NoneType in get_args(annotation):  # a section that may be null
            annotation = next(kind for kind in get_args(annotation) if kind is not NoneType)
        # In a mapping of models the next key is the user's.
        model = next(iter(get_args(annotation)[1:]), annotation)
        if model is not annotation:
            content = content[parts.pop(0)]
    return [name for name in model.model_fields if (model, name) != (CandidatePolicy, "name")]
