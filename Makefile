# Thin front of meson. The generated C is written before ninja runs, so that a new
# noun needs no line anywhere: make finds it.
BUILD ?= build
PYTHON ?= /usr/bin/python3
CC := $(if $(shell command -v ccache),ccache gcc,gcc)
export CC
export CCACHE_BASEDIR = $(CURDIR)
export CCACHE_NOHASHDIR = 1

.PHONY: build program generate configure check check-all lint bench fuzz clean web

build: configure
	@ninja -C $(BUILD) --quiet

# The server alone, without tests and benches: what ./run needs.
program: configure
	@ninja -C $(BUILD) --quiet bulkhead

generate:
	@mkdir -p $(BUILD)-gen
	@$(PYTHON) tools/generate.py --out $(BUILD)-gen
	@$(PYTHON) tools/embed_assets.py --dist web/dist --out $(BUILD)-gen/app/interface_gen.c

# Configured anew only when the list of sources has changed.
configure: generate
	@$(PYTHON) tools/sources.py --gen $(BUILD)-gen --list > $(BUILD)-gen/sources.new
	@if [ ! -f $(BUILD)/build.ninja ]; then \
		meson setup $(BUILD) $(MESON_OPTIONS) -Dgen=$(abspath $(BUILD)-gen) >/dev/null; \
	elif ! cmp -s $(BUILD)-gen/sources.new $(BUILD)-gen/sources; then \
		meson setup --reconfigure $(BUILD) >/dev/null; fi
	@mv $(BUILD)-gen/sources.new $(BUILD)-gen/sources

web:
	@tools/build_web.sh

check: build
	@$(PYTHON) tools/run_tests.py --build $(BUILD) --fast

check-all: build
	@$(PYTHON) tools/run_tests.py --build $(BUILD)

lint:
	@$(PYTHON) tools/check.py

bench: build
	@$(PYTHON) bench/run.py --build $(BUILD)

fuzz:
	@tools/fuzz.sh

clean:
	rm -rf $(BUILD) $(BUILD)-gen

.PHONY: openapi
# What is committed of the generated: the contract and the interface's types.
openapi: build
	@BULKHEAD_DATA=$$(mktemp -d) $(BUILD)/bulkhead openapi | $(PYTHON) -m json.tool > openapi.json
	@$(PYTHON) tools/gen_client.py openapi.json web/src/api/schema.ts
	@{ echo '# Configuration'; echo; echo 'Made by `bulkhead options`; see [operations.md](operations.md).'; echo; \
	   $(BUILD)/bulkhead options; } > docs/configuration.md
