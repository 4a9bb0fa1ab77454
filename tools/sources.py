#!/usr/bin/env python3
"""sources.py - tells meson which files belong to which layer.

  sources.py --layer modules --gen build-gen   the C files of a layer
  sources.py --tests unit                      the programs of tests/unit
  sources.py --list --gen build-gen            everything, to notice a change
  sources.py --includes DIR                    makes DIR/<layer>/<layer> -> src/<layer>

A layer sees only the layers below it: each has an include folder of its own."""
import argparse
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = ("base", "http", "db", "spine", "services", "modules", "app")


def layer_files(layer, gen):
    found = sorted((ROOT / "src" / layer).rglob("*.c"))
    if gen and (gen / layer).exists():
        found += sorted((gen / layer).rglob("*.c"))
    return found


def test_files(kind):
    patterns = {"unit": "tests/unit/test_*.c", "fuzz": "tests/fuzz/fuzz_*.c",
                "bench": "bench/*_bench.c", "programs": "tests/programs/*.c"}
    return sorted(ROOT.glob(patterns[kind]))


def make_includes(folder):
    for layer in LAYERS:
        link = folder / layer / layer
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(ROOT / "src" / layer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--layer", choices=LAYERS)
    parser.add_argument("--tests")
    parser.add_argument("--gen", type=pathlib.Path)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--includes", type=pathlib.Path)
    args = parser.parse_args()
    if args.includes:
        make_includes(args.includes)
        return
    if args.layer:
        found = layer_files(args.layer, args.gen)
    elif args.tests:
        found = test_files(args.tests)
    else:
        found = [path for layer in LAYERS for path in layer_files(layer, args.gen)]
        found += [path for kind in ("unit", "fuzz", "bench", "programs")
                  for path in test_files(kind)]
    for path in found:
        print(path)


if __name__ == "__main__":
    main()
