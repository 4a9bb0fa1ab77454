#!/usr/bin/env python3
"""make_agent_rules.py - uap-core's regexes.yaml as the C tables agent_rules.inc.

Run by hand when uap-core has a new release, the result is committed:
  npm pack uap-core && tar xzf uap-core-*.tgz
  make_agent_rules.py package/regexes.yaml 0.18.0 > agent_rules.inc
The file uses a small part of YAML only; anything else stops this program."""
import re
import sys

LISTS = ("user_agent_parsers", "os_parsers", "device_parsers")
SLOTS = {
    "family_replacement": 0, "v1_replacement": 1, "v2_replacement": 2, "v3_replacement": 3,
    "os_replacement": 0, "os_v1_replacement": 1, "os_v2_replacement": 2, "os_v3_replacement": 3,
    "device_replacement": 0, "brand_replacement": 1, "model_replacement": 2,
}
IGNORED = {"os_v4_replacement", "v4_replacement"}
LINE = re.compile(r"^\s+(- )?(\w+): *('(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"|[^\s'\"#][^#]*?)\s*(#.*)?$")


def value(text):
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    if text[0] == '"':
        return text[1:-1].encode().decode("unicode_escape")
    return text.strip()


def c_string(text):
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("??", "?\\?")
    return '"' + "".join(c if ord(c) < 128 else "".join(f"\\{b:03o}" for b in c.encode())
                         for c in escaped) + '"'


def main():
    path, version = sys.argv[1:]
    rules, current = {name: [] for name in LISTS}, None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if not line.strip() or line.strip().startswith("#"):
            continue
        if line.rstrip(":") in LISTS:
            current = rules[line.rstrip(":")]
            continue
        match = LINE.match(line)
        if not match:
            sys.exit(f"{path}:{number}: cannot read {line!r}")
        first, key, text = match[1], match[2], value(match[3])
        if first:
            current.append({"regex": None, "i": False, "to": [None] * 4})
        rule = current[-1]
        if key == "regex":
            rule["regex"] = text
        elif key == "regex_flag":
            rule["i"] = text == "i"
        elif key not in IGNORED:
            rule["to"][SLOTS[key]] = text
    print(f"""/* agent_rules.inc - rules for user agents: the file regexes.yaml of uap-core {version}
 * (https://github.com/ua-parser/uap-core) as a table, made by make_agent_rules.py.
 *
 * Copyright 2009 Google Inc. Licensed under the Apache License, Version 2.0 (see LICENSE);
 * changed in form only: YAML became C. Not to be edited. */
""")
    for name in LISTS:
        print(f"const struct agent_rule {name}[] = {{  /* {len(rules[name])} */")
        for rule in rules[name]:
            to = ", ".join(c_string(text) for text in rule["to"])
            print(f"\t{{ {c_string(rule['regex'])},\n\t  {'true' if rule['i'] else 'false'},\n"
                  f"\t  {{ {to} }} }},")
        print("};\n" f"const size_t {name}_count = sizeof({name}) / sizeof(*{name});\n")


if __name__ == "__main__":
    main()
