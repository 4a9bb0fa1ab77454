"""resources.py - [resource.x] and [event.x] of *.toml as C descriptors."""
from .text import Fault, c_string

VERBS = ("list", "get", "create", "patch", "archive", "restore", "delete")
PERMISSIONS = ("read", "create", "update", "archive", "delete")
EVENTS = ("created", "updated", "archived", "restored", "deleted")
RESOURCE_KEYS = {"path", "table", "view", "verbs", "permission", "shape", "create", "patch",
                 "filter", "sort", "search", "events", "before_write", "after_write", "summary"}


def names(items):
    return "(const char *const[]){ " + ", ".join(c_string(x) for x in items) + ", NULL }"


def filters(where, resource, shapes):
    from .shapes import SCALARS
    by_name = {item.name: item for item in shapes[resource["shape"]].fields}
    rows = []
    for column in resource.get("filter", []):
        if column not in by_name:
            raise Fault(f"{where}: filter {column} is not a field of {resource['shape']}")
        rows.append(f"{{ {c_string(column)}, {SCALARS[by_name[column].base][0]} }}")
    return "(const struct resource_filter[]){ " + ", ".join(rows + ["{ 0 }"]) + " }"


def source(where, name, resource, shapes):
    where = f"{where}: resource {name}"
    unknown = set(resource) - RESOURCE_KEYS
    if unknown:
        raise Fault(f"{where}: unknown key {sorted(unknown)[0]}")
    for key in ("path", "table", "view", "verbs", "shape"):
        if key not in resource:
            raise Fault(f"{where}: {key} is missing")
    for key in ("shape", "create", "patch"):
        if key in resource and resource[key] not in shapes:
            raise Fault(f"{where}: no shape {resource[key]}")
    bad = [verb for verb in resource["verbs"] if verb not in VERBS]
    if bad:
        raise Fault(f"{where}: unknown verb {bad[0]}")
    events = resource.get("events", {})
    lines = [f"extern const struct event_type {symbol};" for symbol in events.values()]
    for hook in ("before_write", "after_write"):
        if hook in resource:
            extra = ", struct uuid" if hook == "after_write" else ""
            lines.append(f"struct fault *{resource[hook]}(struct request *, enum resource_verb"
                         f"{extra});")
    lines += [f"const struct resource {name}_resource = {{", f"\t.noun = {c_string(name)},"]
    lines += [f"\t.{key} = {c_string(resource[key])}," for key in ("path", "table", "view")]
    verbs = " | ".join("VERB_" + verb.upper() for verb in resource["verbs"])
    lines.append(f"\t.verbs = {verbs},")
    given = resource.get("permission", {})
    for key in PERMISSIONS:
        lines.append(f"\t.{key}_permission = {c_string(given.get(key, f'{name}.{key}'))},")
    for key in ("shape", "create", "patch"):
        if key in resource:
            lines.append(f"\t.{key} = &{resource[key]}_shape,")
    lines.append(f"\t.filters = {filters(where, resource, shapes)},")
    lines.append(f"\t.sorts = {names(resource.get('sort', ['-created_at']))},")
    lines.append(f"\t.search = {names(resource.get('search', []))},")
    for key in EVENTS:
        if key in events:
            lines.append(f"\t.{key} = &{events[key]},")
    for hook in ("before_write", "after_write"):
        if hook in resource:
            lines.append(f"\t.{hook} = {resource[hook]},")
    return "\n".join(lines + ["};"]) + "\n"


def event_source(where, symbol, event, shapes):
    for key in ("name", "permission"):
        if key not in event:
            raise Fault(f"{where}: event {symbol}: {key} is missing")
    payload = event.get("payload")
    if payload and payload not in shapes:
        raise Fault(f"{where}: event {symbol}: no shape {payload}")
    return (f"const struct event_type {symbol} = {{\n\t.name = {c_string(event['name'])},\n"
            f"\t.permission = {c_string(event['permission'])},\n"
            f"\t.payload = {'&' + payload + '_shape' if payload else 'NULL'},\n}};\n")
