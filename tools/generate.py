#!/usr/bin/env python3
"""generate.py - turns the written truths (shapes, resources, events, queries,
migrations, mails) of every folder into one C file and one header a folder.

For src/modules/analytics it writes <out>/modules/modules/analytics/analytics_gen.{h,c},
included as "modules/analytics/analytics_gen.h". A file is touched only when its
content changes. Syntax: docs/generators.md. Python standard library only."""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from gen import folder as gen_folder  # noqa: E402


def write_if_changed(path: pathlib.Path, text: str) -> bool:
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return True


def folders(src: pathlib.Path):
    """(layer, folder) of every place that may hold truths."""
    yield "spine", src / "spine"
    for layer in ("services", "modules"):
        for path in sorted((src / layer).iterdir() if (src / layer).exists() else []):
            if path.is_dir():
                yield layer, path


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--src", default="src", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    args = parser.parse_args()
    faults = []
    for layer, path in folders(args.src):
        try:
            made = gen_folder.generate(args.src, path)
        except gen_folder.Fault as fault:
            faults.append(str(fault))
            continue
        if made:
            target = args.out / layer / path.relative_to(args.src) / f"{path.name}_gen"
            write_if_changed(target.with_suffix(".h"), made.header)
            write_if_changed(target.with_suffix(".c"), made.source)
    for line in faults:
        print(f"generate: {line}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
