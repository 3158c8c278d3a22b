# SPDX-License-Identifier: BSD-2-Clause
# For the fingers only: CMake builds, tools/ does the rest. `make help` lists the targets.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
QUIET_SETUP = tools/setup.sh --quiet

.DEFAULT_GOAL := release
.PHONY: release dev clang run test bench bench-instructions fuzz cov fmt check lint rfc install clean setup help

release: ## set up, build programs and libraries, optimised, in build/bin and build/lib
	@$(QUIET_SETUP) build
	@tools/build.sh release $(JOBS)

dev clang: ## everything with sanitizers and tests, by gcc (dev) or clang
	@tools/build.sh $@ $(JOBS)

run: ## set up, build, and let the real programs of this machine talk to Gannet
	@$(QUIET_SETUP) build run
	@tools/build.sh release $(JOBS)
	@tools/run.sh

test: ## set up, build, run every test and every check
	@$(QUIET_SETUP) build test run bench
	@tools/build.sh release $(JOBS)
	@tools/build.sh dev $(JOBS)
	@tools/run_tests.py --build build/dev

bench: ## set up, build, measure; writes docs/benchmarks.md
	@$(QUIET_SETUP) build bench
	@tools/build.sh release $(JOBS)
	@tools/bench.py

bench-instructions: ## instructions per segment, connection, SYN, against those written down
	@$(QUIET_SETUP) build bench
	@tools/build.sh release $(JOBS)
	@tools/instructions.py

fuzz: ## every fuzz target for FUZZ_SECONDS of CPU time each, as many at a time as there are cores
	@$(QUIET_SETUP) build test
	@tools/build.sh fuzz $(JOBS)
	@tools/fuzz.py build/fuzz/bin $(FUZZ_SECONDS)

cov: ## tests with gcov counters, lines covered by layer
	@$(QUIET_SETUP) build test
	@tools/build.sh cov $(JOBS)
	@tools/run_tests.py --build build/cov --programs-only
	@tools/coverage.py build/cov

fmt: ## format the C sources
	@tools/check_format --fix

check: ## the static checks alone
	@tools/check_all.sh

lint: ## clang-tidy over src/ (slow)
	@tools/build.sh clang $(JOBS) --configure-only
	@tools/lint.sh build/clang $(JOBS)

rfc: ## write docs/rfc9293.md and docs/security.md
	@tools/check_rfc.py --write
	@tools/check_security.py --write

install: release ## to PREFIX
	@cmake --install build --prefix $(PREFIX)

setup: ## all Debian packages that any target here needs
	@tools/setup.sh build test run bench web

clean: ## remove build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z -]*\):.*## /\1: /p' Makefile
