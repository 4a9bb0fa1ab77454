"""schema.py - the part of JSON Schema that openapi.json uses, as a list of faults."""
import re

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list,
         "object": dict, "null": type(None)}


def is_type(value, kind):
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


class Schemas:
    def __init__(self, document):
        self.document = document

    def body_of(self, route):
        operation = self.document["paths"][route["path"]][route["method"].lower()]
        return operation["requestBody"]["content"]["application/json"]["schema"]

    def example(self, schema):
        """The smallest valid value: required fields only."""
        if "$ref" in schema:
            return self.example(self.document["components"]["schemas"][
                schema["$ref"].rsplit("/", 1)[1]])
        kinds = schema.get("type")
        kind = kinds[0] if isinstance(kinds, list) else kinds
        if "enum" in schema:
            return schema["enum"][0]
        if kind == "object":
            properties = schema.get("properties", {})
            return {name: self.example(properties[name]) for name in schema.get("required", [])}
        if kind == "array":
            return [self.example(schema["items"])] * schema.get("minItems", 0)
        if kind == "string":
            special = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01",
                       "email": "a@example.org"}
            return special.get(schema.get("format"), "x" * max(schema.get("minLength", 1), 1))
        return {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1),
                "boolean": False}.get(kind)

    def faults(self, schema, value, at=""):
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            return self.faults(self.document["components"]["schemas"][name], value, at)
        if "anyOf" in schema:
            tries = [self.faults(part, value, at) for part in schema["anyOf"]]
            return [] if not all(tries) else tries[0]
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds or []
        if kinds and not any(is_type(value, kind) for kind in kinds):
            return [f"{at or '/'}: {value!r} is not {' or '.join(kinds)}"]
        found = []
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{at}: {value!r} is none of {schema['enum']}")
        if isinstance(value, str):
            found += self.text_faults(schema, value, at)
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                found += self.faults(schema["items"], item, f"{at}/{i}")
        if isinstance(value, dict):
            found += self.object_faults(schema, value, at)
        return found

    @staticmethod
    def text_faults(schema, value, at):
        if schema.get("format") == "date-time" and not TIME.match(value):
            return [f"{at}: {value!r} is not a time in UTC with Z"]
        if schema.get("format") == "uuid" and not UUID.match(value):
            return [f"{at}: {value!r} is not a UUID"]
        return []

    def object_faults(self, schema, value, at):
        found = [f"{at}/{name}: missing" for name in schema.get("required", [])
                 if name not in value]
        properties = schema.get("properties", {})
        for name, part in value.items():
            if name in properties:
                optional = name not in schema.get("required", [])
                if part is None and optional:
                    continue  # an answer may say null for what may be missing
                found += self.faults(properties[name], part, f"{at}/{name}")
            elif schema.get("additionalProperties", True) is False:
                found.append(f"{at}/{name}: not in the schema")
        return found

    def operation(self, method, path):
        methods = self.document["paths"].get(path) or \
            self.document["paths"].get(path.rstrip("/"), {})
        return methods.get(method.lower())

    def answer_faults(self, method, path, answer):
        """Does a real answer fit what the reference promises?"""
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path} is not in the reference"]
        response = operation["responses"].get(str(answer.status))
        if response is None:
            return [f"{method} {path}: status {answer.status} is not in the reference"]
        if "$ref" in response:
            return []  # problems are checked where they are made
        content = response.get("content", {})
        if not content:
            return [] if not answer.body else [f"{method} {path}: an answer without a promise"]
        schema = content.get("application/json", {}).get("schema")
        return self.faults(schema, answer.json()) if schema else []
