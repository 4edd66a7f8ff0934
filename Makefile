# The commands that people type; CMake does the work. `make run` and `make test` need nothing but this tree and a Debian 12.
BUILD ?= build
JOBS  ?= $(shell nproc)
CMAKE  = cmake -G Ninja -DCMAKE_BUILD_TYPE=Release
NINJA  = ninja -j $(JOBS)

.DEFAULT_GOAL := all
.PHONY: all run test check fuzz sim bench cover install clean help

all: ## build the program
	@tools/deps build
	@$(CMAKE) -S . -B $(BUILD) -DPS_TESTS=OFF > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@$(NINJA) -C $(BUILD) paystream

run: all ## start the service with demo traffic and print the page's address
	@tools/run $(BUILD)/paystream

test: ## everything that a user's machine can run, in under 15 minutes
	@tools/deps test
	@tools/test

check: ## format, layers, headers, warnings on gcc and clang, sanitizers, arm64, hardening, the long tests
	@tools/deps check
	@tools/check

fuzz: ## each fuzzer for SECONDS (default 60) on its corpus
	@tools/deps check
	@tools/fuzz $(or $(SECONDS_EACH),60)

sim: ## one simulated life of the engine: make sim SEED=1
	@tools/deps test
	@$(CMAKE) -S . -B build-sim -DPS_BUGGIFY=ON > /dev/null
	@$(NINJA) -C build-sim simulator
	@build-sim/tests/simulator --seed $(or $(SEED),1)

bench: ## every benchmark with its yardstick; one JSON line per figure
	@tools/deps bench
	@tools/bench

cover: ## line and branch coverage of the unit tests
	@tools/deps check
	@tools/cover

install: all ## into PREFIX (default /usr/local): program, library, headers, pkg-config file
	@$(NINJA) -C $(BUILD) library
	@cmake --install $(BUILD) --prefix $(or $(PREFIX),/usr/local)

clean: ## remove what was built
	@rm -rf build build-*

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10
