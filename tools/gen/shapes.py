"""shapes.py - [shape.x] of *.toml: C structs and decode tables.

A field is one line: `type[?|?null] [a|b|c] [min..max] [= default] [-- doc]`."""
import re
from dataclasses import dataclass, field as dataclass_field

from .text import Fault, c_string

SCALARS = {
    "text": ("FIELD_TEXT", "struct str"), "email": ("FIELD_EMAIL", "struct str"),
    "secret": ("FIELD_SECRET", "struct str"), "slug": ("FIELD_SLUG", "struct str"),
    "int": ("FIELD_INT", "int64_t"), "money": ("FIELD_MONEY", "int64_t"),
    "number": ("FIELD_NUMBER", "double"), "bool": ("FIELD_BOOL", "bool"),
    "uuid": ("FIELD_UUID", "struct uuid"), "time": ("FIELD_TIME", "int64_t"),
    "date": ("FIELD_DATE", "struct str"), "enum": ("FIELD_ENUM", "struct str"),
    "json": ("FIELD_JSON", "struct str"), "map": ("FIELD_MAP", "struct str"),
}
LISTS = {"struct str": "struct str_list", "struct uuid": "struct uuid_list",
         "int64_t": "struct int_list"}
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
RANGE = re.compile(r"^(-?\d*)\.\.(-?\d*)$")


@dataclass
class Field:
    name: str
    type: str
    element: str = ""
    optional: bool = False
    nullable: bool = False
    values: list = dataclass_field(default_factory=list)
    low: int | None = None
    high: int | None = None
    default: str | None = None
    doc: str | None = None
    example: str | None = None

    @property
    def base(self):
        """What the struct holds (or the list's elements are)."""
        return self.element or self.type

    @property
    def has(self):
        return self.optional and self.default is None


@dataclass
class Shape:
    name: str
    doc: str
    fields: list


def parse_field(where, name, spec):
    if not NAME.match(name):
        raise Fault(f"{where}: field name {name!r} is not snake_case")
    out = Field(name, "")
    if isinstance(spec, dict):
        out.doc, out.example = spec.get("doc"), spec.get("example")
        spec = spec["type"]
    if " -- " in spec:
        spec, out.doc = spec.split(" -- ", 1)
    if " = " in spec:
        spec, out.default = (part.strip() for part in spec.split(" = ", 1))
        out.optional = True
    words = spec.split()
    is_list = words[0].rstrip("?") == "list"
    for word in words[: 2 if is_list else 1]:
        out.optional |= "?" in word
        out.nullable |= word.endswith("?null")
    names = [word.split("?")[0] for word in words]
    out.type, out.element = (names[0], names[1]) if is_list else (names[0], "")
    for word in words[2 if is_list else 1:]:
        match = RANGE.match(word)
        if match:
            out.low = int(match[1]) if match[1] else None
            out.high = int(match[2]) if match[2] else None
        elif out.base == "enum" and not out.values:
            out.values = word.split("|")
        else:
            raise Fault(f"{where}: field {name}: cannot read {word!r}")
    if out.base == "enum" and not out.values:
        raise Fault(f"{where}: field {name}: an enum needs its values, a|b|c")
    return out


def parse(where, tables):
    """All shapes of one TOML document."""
    shapes = []
    for name, table in tables.items():
        if not NAME.match(name):
            raise Fault(f"{where}: shape name {name!r} is not snake_case")
        fields = [parse_field(f"{where}: shape {name}", key, spec)
                  for key, spec in table.get("fields", {}).items()]
        shapes.append(Shape(name, table.get("doc", ""), fields))
    return shapes


def ordered(where, shapes):
    """Shapes in an order in which each stands after those it holds."""
    by_name = {shape.name: shape for shape in shapes}
    done, out = set(), []

    def visit(shape, path):
        if shape.name in done:
            return
        if shape.name in path:
            raise Fault(f"{where}: shape {shape.name} holds itself")
        for item in shape.fields:
            if item.base not in SCALARS:
                if item.base not in by_name:
                    raise Fault(f"{where}: shape {shape.name}: no type {item.base!r}")
                visit(by_name[item.base], path | {shape.name})
        done.add(shape.name)
        out.append(shape)

    for shape in shapes:
        visit(shape, frozenset())
    return out


def c_type(item):
    if item.base in SCALARS:
        plain = SCALARS[item.base][1]
        if not item.element:
            return plain
        if plain not in LISTS:
            raise Fault(f"field {item.name}: no list of {item.base}")
        return LISTS[plain]
    if item.element:
        return f"struct {item.base}_list"
    return f"struct {item.base}"


def header(shape, used_in_lists):
    lines = [f"/* {shape.doc or shape.name} */", f"struct {shape.name} {{"]
    for item in shape.fields:
        if item.has:
            lines.append(f"\tbool has_{item.name};")
        if item.nullable:
            lines.append(f"\tbool {item.name}_is_null;")
        lines.append(f"\t{c_type(item)} {item.name};")
    if not shape.fields:
        lines.append("\tbool is_empty;")
    lines.append("};")
    if shape.name in used_in_lists:
        lines += [f"struct {shape.name}_list {{", f"\tstruct {shape.name} *v;", "\tsize_t n;", "};"]
    lines.append(f"extern const struct shape {shape.name}_shape;")
    return "\n".join(lines) + "\n"


def field_row(shape, item):
    kind = "FIELD_LIST" if item.element else \
        SCALARS[item.type][0] if item.type in SCALARS else "FIELD_SHAPE"
    at = f"offsetof(struct {shape.name}, "
    parts = [f".name = {c_string(item.name)}", f".type = {kind}",
             f".offset = {at}{item.name})",
             f".has_offset = {at + 'has_' + item.name + ')' if item.has else 'FIELD_NONE'}",
             f".null_offset = {at + item.name + '_is_null)' if item.nullable else 'FIELD_NONE'}"]
    if item.element:
        element = SCALARS[item.element][0] if item.element in SCALARS else "FIELD_SHAPE"
        parts.append(f".element = {element}")
    if not item.optional:
        parts.append(".required = true")
    if item.nullable:
        parts.append(".nullable = true")
    if item.low is not None or item.high is not None:
        low = "INT64_MIN" if item.low is None else str(item.low)
        high = "INT64_MAX" if item.high is None else str(item.high)
        parts.append(f".has_range = true, .min = {low}, .max = {high}")
    if item.values:
        parts.append(f".values = {shape.name}_{item.name}_values")
    if item.base not in SCALARS:
        parts.append(f".shape = &{item.base}_shape")
    for key, value in (("default_text", item.default), ("doc", item.doc),
                       ("example", item.example)):
        if value is not None:
            parts.append(f".{key} = {c_string(value)}")
    return "\t{ " + ",\n\t  ".join(parts) + " },"


def source(shape):
    lines = []
    for item in shape.fields:
        if item.values:
            values = ", ".join(c_string(value) for value in item.values)
            lines.append(f"static const char *const {shape.name}_{item.name}_values[] = "
                         f"{{ {values}, NULL }};")
    if shape.fields:
        lines.append(f"static const struct field {shape.name}_fields[] = {{")
        lines += [field_row(shape, item) for item in shape.fields]
        lines.append("};")
    fields = f"{shape.name}_fields" if shape.fields else "NULL"
    lines.append(f"const struct shape {shape.name}_shape = {{\n\t.name = {c_string(shape.name)},\n"
                 f"\t.doc = {c_string(shape.doc)},\n\t.fields = {fields},\n"
                 f"\t.field_count = {len(shape.fields)},\n"
                 f"\t.struct_bytes = sizeof(struct {shape.name}),\n}};")
    return "\n".join(lines) + "\n"
