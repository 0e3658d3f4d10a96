"""The JSON body of a request, read strictly: what two readers could understand differently is refused (RFC 8259)."""

from __future__ import annotations

import json
import re
from math import inf, isfinite
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from webapp.problems import FieldProblem, ProblemError

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def json_object() -> dict[str, Any]:
    """The body as an object; a 400 that says where it is not JSON."""
    return read_object(_read())


def read_object(raw: bytes) -> dict[str, Any]:
    """These octets as an object; the same 400."""
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as problem:
        _refuse(f"The body is not UTF-8: byte {problem.start} cannot be read.")
    if not text.strip():
        _refuse("The body is empty; send a JSON object.")
    value = _parsed(text)
    if not isinstance(value, dict):
        _refuse("The body must be a JSON object, in braces.")
    return value


def json_fields(*names: str) -> dict[str, Any]:
    """The body as an object that may be left out and has no fields but these; a 422 naming others."""
    if not _read().strip():
        return {}
    found = json_object()
    if strange := [name for name in found if name not in names]:
        known = f"Known here: {', '.join(names)}." if names else "None is known here."
        errors = [FieldProblem(field=name, message=f"There is no field {name}. {known}") for name in strange]
        raise ProblemError(422, errors[0].message, errors=errors)
    return found


def _read() -> bytes:
    """The body. Werkzeug cuts a chunked one off at the limit without a word; half a body is not what was sent."""
    raw = request.get_data()
    if request.content_length is None and len(raw) >= (request.max_content_length or inf):
        raise RequestEntityTooLarge
    return raw


def _parsed(text: str) -> Any:
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        _refuse(f"The body is not JSON: {problem.msg.lower()} at line {problem.lineno}, column {problem.colno}.")
    except RecursionError:
        _refuse("The body is nested too deeply.")
    except ValueError:  # an integer of thousands of digits
        _refuse("The body holds a number that is too large.")
    if _SURROGATE.search(text):
        _refuse_half_characters(value)
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        _refuse(f'The body has the name "{twice}" twice in one object.')
    return found


def _no_constant(name: str) -> NoReturn:
    _refuse(f"The body is not JSON: {name} is not a JSON number.")


def _finite_number(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        _refuse("The body holds a number that is too large.")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_without_doubles, parse_constant=_no_constant, parse_float=_finite_number)


def _refuse_half_characters(value: Any) -> None:
    r"""``"\ud83d"`` alone is half a character: no UTF-8, and so no mail, can hold it."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        _refuse("The body holds half a character: a surrogate such as \\ud83d without its other half.")


def _refuse(detail: str) -> NoReturn:
    raise ProblemError(400, detail)
