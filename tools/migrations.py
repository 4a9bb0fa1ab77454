#!/usr/bin/env python3
"""migrations.py - the program's migrations in the order the program runs them.

Layers from below: spine, then the services (audit first: every audited table
needs its trigger), then the modules (tenants and identity first,
the others need them).
Printed as `module name path`; tools and tests import ordered()."""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVICES_FIRST = ("audit",)
MODULES_FIRST = ("tenants", "identity")


def folders(layer, first):
    names = sorted(path.parent.name for path in (ROOT / "src" / layer).glob("*/migrations"))
    known = [name for name in first if name in names]
    return [ROOT / "src" / layer / name for name in known + [n for n in names if n not in known]]


def ordered():
    """[(module, name, path)]"""
    places = [ROOT / "src/spine", *folders("services", SERVICES_FIRST),
              *folders("modules", MODULES_FIRST)]
    return [(place.name, file.stem, file) for place in places
            for file in sorted((place / "migrations").glob("*.sql"))]


if __name__ == "__main__":
    for found in ordered():
        print(*found)
