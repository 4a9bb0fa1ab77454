"""queries.py - named statements of *.sql: one typed C function each.

`-- name: x(id uuid, note text?) -> one (status text, total int?)`, then the
statement. :name is a parameter; :tenant and :user come from the scope."""
import re
from dataclasses import dataclass

from .text import Fault, c_string, c_text

# declared type: (C type, member of struct db_param, enum db_type, cast)
TYPES = {
    "text": ("struct str", "text", "DB_TEXT", "text"),
    "date": ("struct str", "text", "DB_TEXT", "date"),
    "json": ("struct str", "text", "DB_JSON", "jsonb"),
    "bytes": ("struct str", "text", "DB_BYTES", "bytea"),
    "int": ("int64_t", "number", "DB_INT", "bigint"),
    "bool": ("bool", "number", "DB_BOOL", "boolean"),
    "time": ("int64_t", "number", "DB_TIME", "timestamptz"),
    "uuid": ("struct uuid", "uuid", "DB_UUID", "uuid"),
    "double": ("double", "real", "DB_DOUBLE", "float8"),
}
ARRAYS = {"text": "DB_TEXTS", "int": "DB_INTS", "uuid": "DB_UUIDS", "time": "DB_TIMES",
          "bool": "DB_BOOLS", "json": "DB_JSONS", "bytes": "DB_BYTESS"}
READERS = {"text": "db_text", "date": "db_text", "json": "db_text", "bytes": "db_bytes",
           "int": "db_int", "bool": "db_bool", "time": "db_time", "uuid": "db_uuid"}
KINDS = ("one", "maybe", "many", "exec", "count", "json")
SIGNATURE = re.compile(
    r"^([a-z][a-z0-9_]*)\s*\(([^)]*)\)\s*->\s*(\w+)\s*(?:\((.*)\))?\s*$", re.S)
PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
SKIPPED = re.compile(r"'(?:[^']|'')*'|--[^\n]*|\$\$.*?\$\$", re.S)


@dataclass
class Column:
    name: str
    type: str
    nullable: bool
    array: bool


@dataclass
class Query:
    name: str
    params: list
    kind: str
    columns: list
    sql: str
    comment: str


def parse_columns(where, text):
    out = []
    for part in filter(None, (piece.strip() for piece in (text or "").split(","))):
        words = part.split()
        if len(words) != 2:
            raise Fault(f"{where}: cannot read {part!r}; expected `name type`")
        nullable = words[1].endswith("?")
        kind = words[1].rstrip("?")
        array = kind.endswith("[]")
        kind = kind.removesuffix("[]")
        if kind not in TYPES or (array and kind not in ARRAYS):
            raise Fault(f"{where}: {words[0]}: no type {words[1]!r}")
        out.append(Column(words[0], kind, nullable, array))
    return out


def bind(where, sql, params):
    """Replaces :x by $n::type; returns the text and the parameters in order."""
    known = {param.name: param for param in params}
    for implicit in ("tenant", "user"):
        known.setdefault(implicit, Column(implicit, "uuid", True, False))
    used = []

    def number(match):
        name = match[1]
        if name not in known:
            raise Fault(f"{where}: :{name} is not a parameter")
        if name not in used:
            used.append(name)
        param = known[name]
        return f"${used.index(name) + 1}::{TYPES[param.type][3]}{'[]' if param.array else ''}"

    out, at = [], 0
    for skip in SKIPPED.finditer(sql):
        out.append(PARAMETER.sub(number, sql[at:skip.start()]))
        if not skip[0].startswith("--"):
            out.append(skip[0])
        at = skip.end()
    out.append(PARAMETER.sub(number, sql[at:]))
    unused = [param.name for param in params if param.name not in used]
    if unused:
        raise Fault(f"{where}: parameter {unused[0]} is not used")
    return "".join(out), [known[name] for name in used]


def parse(where, text):
    queries = []
    for chunk in re.split(r"(?m)^-- name:", text)[1:]:
        lines = chunk.splitlines()
        head = lines.pop(0).strip()
        while lines and lines[0].startswith("--") and \
                ("->" not in head or head.count("(") > head.count(")")):
            head += " " + lines.pop(0).removeprefix("--").strip()
        match = SIGNATURE.match(head)
        if not match:
            raise Fault(f"{where}: cannot read the signature `{head}`")
        name, params, kind, columns = match.groups()
        here = f"{where}: {name}"
        if kind not in KINDS:
            raise Fault(f"{here}: unknown result {kind!r} (one of {', '.join(KINDS)})")
        comment = []
        while lines and lines[0].startswith("--"):
            comment.append(lines.pop(0).removeprefix("--").strip())
        sql = "\n".join(lines).strip().removesuffix(";")
        query = Query(name, parse_columns(here, params), kind, parse_columns(here, columns),
                      sql, " ".join(comment))
        if (kind in ("one", "maybe", "many")) != bool(query.columns):
            raise Fault(f"{here}: `{kind}` and its columns do not agree")
        query.sql, query.bound = bind(here, sql, query.params)
        queries.append(query)
    return queries


def argument(param):
    plain = TYPES[param.type][0]
    if param.array:
        return f"const {plain} *{param.name}, size_t {param.name}_count"
    if param.nullable and plain != "struct str":
        return f"const {plain} *{param.name}"
    return f"{plain} {param.name}"


def signature(query):
    arguments = ["struct tx *tx"] + [argument(param) for param in query.params]
    row = f"struct {query.name}_row"
    arguments += {"one": [f"{row} *ret_row"], "maybe": [f"{row} *ret_row", "bool *ret_found"],
                  "many": [f"struct {query.name}_rows *ret_rows"], "exec": [],
                  "count": ["int64_t *ret_affected"], "json": ["struct str *ret_json"]}[query.kind]
    return f"struct fault *{query.name}({', '.join(arguments)})"


def header(query):
    lines = [f"/* {query.comment.replace('*/', '')} */"] if query.comment else []
    if query.columns:
        lines.append(f"struct {query.name}_row {{")
        for column in query.columns:
            if column.nullable and TYPES[column.type][0] != "struct str":
                lines.append(f"\tbool has_{column.name};")
            lines.append(f"\t{TYPES[column.type][0]} {column.name};")
        lines.append("};")
    if query.kind == "many":
        lines += [f"struct {query.name}_rows {{", f"\tstruct {query.name}_row *v;",
                  "\tsize_t n;", "};"]
    lines += [f"extern const struct db_query {query.name}_query;", signature(query) + ";"]
    return "\n".join(lines) + "\n"


def value(param, query):
    if param not in query.params:  # :tenant, :user
        source = f"tx_scope(tx)->{param.name}"
        return f"{{ .uuid = {source}, .is_null = uuid_is_nil({source}) }}"
    name, member = param.name, TYPES[param.type][1]
    if param.array:
        return f"{{ .array = {name}, .array_count = {name}_count }}"
    if member == "text":
        return f"{{ .text = {name}, .is_null = {name}.p == NULL }}"
    if param.nullable:
        empty = "(struct uuid){ { 0 } }" if member == "uuid" else "0"
        return f"{{ .{member} = {name} ? *{name} : {empty}, .is_null = !{name} }}"
    return f"{{ .{member} = {name} }}"


def read_row(query, target, row):
    lines = []
    for index, column in enumerate(query.columns):
        if column.nullable and TYPES[column.type][0] != "struct str":
            lines.append(f"{target}has_{column.name} = !db_is_null(r, {row}, {index});")
        lines.append(f"{target}{column.name} = {READERS[column.type]}(r, {row}, {index});")
    return lines


NOT_FOUND = ('return FAULT(tx_mem(tx), FAULT_NOT_FOUND, "not_found",\n'
             '\t\t\t     "There is no such thing here.");')


def body(query):
    ref = f"&{query.name}_query, params"
    if query.kind == "exec":
        return [f"return tx_defer(tx, {ref});"]
    if query.kind == "count":
        return [f"return tx_exec(tx, {ref}, ret_affected);"]
    out = ["struct db_result *r;", "", f"TRY(tx_run(tx, {ref}, &r));"]
    if query.kind == "json":
        return out + ["*ret_json = db_rows(r) > 0 ? db_text(r, 0, 0) : (struct str){ NULL, 0 };",
                      "return NULL;"]
    if query.kind == "many":
        out += ["ret_rows->n = db_rows(r);",
                f"ret_rows->v = talloc_zero_array(tx_mem(tx), struct {query.name}_row, "
                "(unsigned)ret_rows->n);",
                "for (size_t i = 0; i < ret_rows->n; i++) {",
                f"\tstruct {query.name}_row *row = &ret_rows->v[i];"]
        out += ["\t" + line for line in read_row(query, "row->", "i")]
        return out + ["}", "return NULL;"]
    if query.kind == "maybe":
        out += ["*ret_found = db_rows(r) > 0;", "if (!*ret_found)", "\treturn NULL;"]
    else:
        out += ["if (db_rows(r) == 0)", "\t" + NOT_FOUND]
    return out + read_row(query, "ret_row->", "0") + ["return NULL;"]


def source(query):
    types = ", ".join(ARRAYS[p.type] if p.array else TYPES[p.type][2] for p in query.bound)
    rows = "false" if query.kind in ("exec", "count") else "true"
    lines = []
    if query.bound:
        lines.append(f"static const enum db_type {query.name}_types[] = {{ {types} }};")
    lines += [f"const struct db_query {query.name}_query = {{",
              f"\t.name = {c_string(query.name)},", "\t.sql =", c_text(query.sql, "\t\t") + ",",
              f"\t.param_count = {len(query.bound)},",
              f"\t.param_types = {query.name + '_types' if query.bound else 'NULL'},",
              f"\t.column_count = {len(query.columns) or int(query.kind == 'json')},",
              f"\t.returns_rows = {rows},", "};", signature(query), "{"]
    if query.bound:
        values = ",\n\t\t".join(value(param, query) for param in query.bound)
        lines.append(f"\tconst struct db_param params[] = {{\n\t\t{values},\n\t}};")
    else:
        lines.append("\tconst struct db_param *params = NULL;")
    lines += ["\t" + line if line else "" for line in body(query)] + ["}"]
    return "\n".join(lines) + "\n"
