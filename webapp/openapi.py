"""The OpenAPI 3.1 description of the JSON API: made from the models and the table of routes."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tasks.version import VERSION
from webapp.problems import ProblemDocument, phrase
from webapp.routes import JSON, ROUTES, Answer, Parameter, Route, Schema

PROBLEM = "application/problem+json"


@cache
def text() -> str:
    """The description as JSON."""
    return json.dumps(document(), ensure_ascii=False)


def document() -> dict[str, Any]:
    """The description."""
    paths: dict[str, Schema] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Postroom",
            "version": VERSION,
            "description": "Asynchronous email. Instants are RFC 3339 in UTC; errors are RFC 9457.",
        },
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def _schemas() -> Schema:
    taken = [(route.body, "validation") for route in ROUTES if route.body]
    given = [(each, "serialization") for route in ROUTES for each in route.answers.values() if isinstance(each, type)]
    modes: dict[type[BaseModel], Literal["validation", "serialization"]]
    modes = dict([*given, *taken, (ProblemDocument, "serialization")])  # type: ignore[list-item]
    schemas: Schema = models_json_schema(list(modes.items()), ref_template="#/components/schemas/{model}")[1]["$defs"]
    return schemas


def _operation(route: Route) -> Schema:
    operation: Schema = {"summary": route.summary, "responses": {}}
    if route.parameters:
        operation["parameters"] = [_parameter(parameter) for parameter in route.parameters]
    if route.body:
        operation["requestBody"] = {"required": True, "content": _content(route.body)}
    for status, given in route.answers.items():
        operation["responses"][str(status)] = _response(status, given, route.headers)
    for status in route.refusals:
        operation["responses"][str(status)] = _problem(phrase(status))
    operation["responses"]["default"] = _problem("Any other error.")
    return operation


def _parameter(parameter: Parameter) -> Schema:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _response(status: int, given: Answer, headers: dict[str, str]) -> Schema:
    response: Schema = {"description": phrase(status)}
    if given is not None:
        response["content"] = _content(given)
    if headers and status < 300:
        response["headers"] = {
            name: {"description": words, "schema": {"type": "string"}} for name, words in headers.items()
        }
    return response


def _problem(words: str) -> Schema:
    return {"description": words, "content": {PROBLEM: {"schema": _ref(ProblemDocument)}}}


def _content(given: type[BaseModel] | str) -> Schema:
    return {given: {}} if isinstance(given, str) else {JSON: {"schema": _ref(given)}}


def _ref(model: type[BaseModel]) -> Schema:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
