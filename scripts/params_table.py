"""Writes the tables of docs/params.md from the settings' own models.

Run it after a change of a policy: ``.venv/bin/python scripts/params_table.py``. With ``--check`` it
writes nothing and ends with 1 when the tables are out of date.
"""

from __future__ import annotations

import sys
from collections import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shadowbook.core.learning.candidates import (
    BoostingParameters,
    CandidatePolicy,
    MomentumParameters,
    RidgeParameters,
)
from shadowbook.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "params.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

KINDS: Mapping[str, type[BaseModel]] = {
    "ridge": RidgeParameters,
    "hist_gradient_boosting": BoostingParameters,
    "momentum": MomentumParameters,
}
"""What ``parameters`` of a candidate holds depends on its kind; the type does not say so."""

WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}
REQUIRED = "required"


@dataclass(frozen=True)
class Row:
    """One setting."""

    path: str
    default: str
    allowed: str
    meaning: str


def rows_of(
    model: type[BaseModel], path: str = "", given: BaseModel | None = None
) -> Iterator[Row]:
    """Walk a model; ``given`` holds the defaults where the parent states its own."""
    for name, field in model.model_fields.items():
        if model is CandidatePolicy and name == "name":
            continue  # the key under learning.candidates
        here = f"{path}{name}"
        if model is CandidatePolicy and name == "parameters":
            for kind, parameters in KINDS.items():
                for row in rows_of(parameters, f"{here}."):
                    yield replace(row, meaning=f"{kind}: {row.meaning}")
            continue
        inner = _model_in(field.annotation)
        if inner is None:
            default = field.get_default(call_default_factory=True)
            value = getattr(given, name) if given is not None else default
            required = given is None and field.is_required()
            shown = REQUIRED if required else _shown(value)
            yield Row(here, shown, _allowed(field), _phrase(field.description or ""))
            continue
        if NoneType in get_args(field.annotation):
            yield Row(here, "null", "a section or null", _phrase(field.description or ""))
            yield from rows_of(inner, f"{here}.")
            continue
        if get_origin(field.annotation) is not None:  # a list, or a mapping with the user's keys
            each = "[]" if get_origin(field.annotation) is tuple else ".NAME"
            yield from rows_of(inner, f"{here}{each}.")
            continue
        own = None if field.is_required() else field.get_default(call_default_factory=True)
        yield from rows_of(inner, f"{here}.", own)


def tables() -> str:
    """Every setting, a table a section."""
    parts = []
    for section in Settings.model_fields:
        rows = [row for row in rows_of(Settings) if row.path.split(".")[0] == section]
        lines = [f"### {section}", "", "| setting | default | allowed | meaning |"]
        lines += ["| --- | --- | --- | --- |"]
        lines += [f"| `{r.path}` | {r.default} | {r.allowed} | {r.meaning} |" for r in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def page(text: str) -> str:
    """Put the tables between the marks of a page."""
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n{tables()}\n{END}{tail}"


def _phrase(text: str) -> str:
    """Bring descriptions into one form: no full stop, a small letter unless it is a name's."""
    text = text.removesuffix(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation is, or that a mapping holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_model_in(argument) for argument in get_args(annotation)]
    return next((model for model in found if model is not None), None)


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(_shown(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    if value is None:
        return "null"
    return str(value) or "empty"


def _allowed(field: FieldInfo) -> str:
    parts = [_kind(field.annotation)]
    for limit in field.metadata:
        match limit:
            case Ge(ge=value):
                parts.append(f"at least {_shown(value)}")
            case Gt(gt=value):
                parts.append(f"above {_shown(value)}")
            case Le(le=value):
                parts.append(f"at most {_shown(value)}")
            case Lt(lt=value):
                parts.append(f"below {_shown(value)}")
            case MinLen(min_length=value) if field.annotation is not str:
                parts.append(f"at least {value}")
            case MinLen():
                parts.append("not empty")
            case _ if getattr(limit, "pattern", None):
                parts.append(f"`{limit.pattern}`")
            case _:
                continue
    return ", ".join(parts)


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " or ".join(annotation)
    if origin is Literal:
        return " or ".join(str(value) for value in arguments)
    if origin in (Union, UnionType):
        kinds = [_kind(kind) for kind in arguments if kind is not NoneType]
        return " or ".join([*kinds, *["null"] * (NoneType in arguments)])
    if origin is abc.Mapping:
        return f"{_kind(arguments[0])}: {_kind(arguments[1])}"
    if origin is tuple:
        return f"list of {_kind(arguments[0])}s"
    return WORDS[annotation]


def main(arguments: list[str]) -> int:
    """Bring the page up to date, or say whether it is."""
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if "--check" in arguments:
        return int(before != after)
    if before != after:
        PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
