"""The OpenAPI document: its structure, and that every reply which any test of this run saw is as it says (runs last; conftest keeps
a few replies of each kind)."""
import json
import re

import pytest

import conftest

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def document(shared):
    reply = shared.client().get("/openapi.json")
    assert reply.headers["Content-Type"].startswith("application/json")
    return reply.json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def follow(document, reference):
    assert reference.startswith("#/")
    at = document
    for part in reference[2:].split("/"):
        at = at[part.replace("~1", "/").replace("~0", "~")]
    return at


def test_the_document_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] and document["info"]["version"]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_every_reference_leads_somewhere(document):
    found = set(references(document))
    assert len(found) > 10
    for reference in found:
        assert follow(document, reference) is not None


def test_every_operation_is_described(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"].endswith("."), where
        in_path = re.findall(r"{(\w+)}", path)
        parameters = operation.get("parameters", [])
        parameters = [follow(document, p["$ref"]) if "$ref" in p else p for p in parameters]
        assert [p["name"] for p in parameters if p["in"] == "path"] == in_path, where
        assert all(p.get("schema") or p.get("content") for p in parameters), where
        if method == "POST" and path not in ("/v1/keys", "/v1/batch"):
            key = [p for p in parameters if p["name"] == "Idempotency-Key"]
            assert key and key[0]["required"] is True, where
        assert any(status.startswith("2") for status in operation["responses"]), where


def test_every_schema_is_one(document):
    jsonschema.Draft202012Validator.check_schema({"$defs": document["components"]["schemas"]})
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema, name


def test_bodies_refuse_unknown_fields(document):
    for method, path, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            schema = follow(document, schema["$ref"]) if "$ref" in schema else schema
            if schema.get("type") == "object":
                assert schema.get("additionalProperties") is False, (method, path)


class Book:
    """Finds the schema of a reply."""

    def __init__(self, document):
        self.document = document
        self.paths = [(re.compile(re.sub(r"{\w+}", "[^/]+", path) + "$"), path) for path in document["paths"]]
        self.paths.sort(key=lambda row: "{" in row[1])
        self.validators = {}

    def template(self, path):
        for pattern, template in self.paths:
            if pattern.match(path):
                return template
        return None

    def validator(self, method, template, status):
        key = method, template, status
        if key not in self.validators:
            responses = self.document["paths"][template][method.lower()]["responses"]
            reply = responses.get(str(status), responses.get("default"))
            reply = follow(self.document, reply["$ref"]) if "$ref" in reply else reply
            schema = {"components": self.document["components"], **reply["content"]["application/json"]["schema"]}
            self.validators[key] = jsonschema.Draft202012Validator(schema)
        return self.validators[key]


def test_every_reply_of_this_run_is_as_the_document_says(document):
    book, checked, wrong = Book(document), 0, []
    for (method, _, status), replies in conftest.seen.items():
        for path, text in replies:
            template = book.template(path)
            if template is None or method.lower() not in document["paths"][template] or template == "/openapi.json":
                continue
            checked += 1
            for error in book.validator(method, template, status).iter_errors(json.loads(text)):
                wrong.append(f"{method} {path} {status}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    assert wrong == []
    assert checked > 0


def test_an_unknown_field_would_be_seen(shared, document):
    """The check above can fail: payments list all their fields."""
    payment = shared.client().pay().json()
    validator = Book(document).validator("POST", "/v1/payments", 201)
    assert list(validator.iter_errors(payment)) == []
    for change in ({"amount": "1"}, {"status": 7}, {"currency": None}):
        assert list(validator.iter_errors({**payment, **change})) != [], change
    del payment["status"]
    assert list(validator.iter_errors(payment)) != []
