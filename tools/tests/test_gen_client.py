"""Types of the client: what a schema says is what TypeScript says."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import gen_client  # noqa: E402

DOCUMENT = {
    "paths": {"/api/v1/t/{tenant}/things": {
        "get": {"operationId": "get_t_things", "summary": "List", "parameters": [
            {"name": "tenant", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer"}},
        ], "responses": {"200": {"content": {"application/json": {"schema": {
            "type": "object", "properties": {
                "items": {"type": "array", "items": {"$ref": "#/components/schemas/big_thing"}},
                "next_cursor": {"type": ["string", "null"]}},
            "required": ["items", "next_cursor"]}}}}, "404": {}}},
        "post": {"operationId": "post_t_things", "requestBody": {"content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/big_thing"}}}},
            "responses": {"204": {}}}}},
    "components": {"schemas": {"big_thing": {
        "type": "object", "description": "A thing", "required": ["id", "state"], "properties": {
            "id": {"type": "string", "format": "uuid"},
            "state": {"type": "string", "enum": ["on", "off"]},
            "note": {"type": ["string", "null"], "description": "Free */ words"},
            "part": {"anyOf": [{"$ref": "#/components/schemas/big_thing"}, {"type": "null"}]},
            "mixed": {"type": "array", "items": {"type": ["string", "null"]}},
            "traits": {"type": "object", "additionalProperties": True},
            "x-y": {"type": "boolean"}, "any": {}}}}},
}


class Client(unittest.TestCase):
    def setUp(self):
        self.text = gen_client.generate(DOCUMENT)

    def test_schemas(self):
        for line in ("export interface BigThing {", "  id: string;", '  state: "on" | "off";',
                     "  note?: string | null;", "  part?: BigThing | null;",
                     "  mixed?: Array<string | null>;", "  traits?: Record<string, unknown>;",
                     '  "x-y"?: boolean;', "  any?: unknown;", "/** Free * / words */"):
            self.assertIn(line, self.text)

    def test_operations(self):
        for line in ("  get_t_things: {", '    method: "GET";', "      tenant: string;",
                     "      limit?: number;", "      items: BigThing[];",
                     "      next_cursor: string | null;", "    body: BigThing;",
                     "    answer: undefined;"):
            self.assertIn(line, self.text)

    def test_is_stable(self):
        self.assertEqual(self.text, gen_client.generate(DOCUMENT))


if __name__ == "__main__":
    unittest.main()
