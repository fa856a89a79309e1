# make help says what there is. Nothing here writes outside of this folder, Go's caches and, for install, $(PREFIX).

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

LAB    ?= 11-maintenance
PREFIX ?= /usr/local

# One set of flags for everything, so that what was compiled to build also serves to test and to lint.
export CGO_ENABLED := 0
BUILD   := go build -trimpath
# Vet is among the linters; go test would run it again over every dependency.
TEST    := go test -trimpath -vet=off -timeout 20m $(TESTFLAGS)
LINT    := GOFLAGS="$$GOFLAGS -trimpath" go tool -modfile=$(CURDIR)/tools/go.mod golangci-lint
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

# ---- what is built from what

# Everything but tests, with the folders themselves, whose times tell of files that have gone.
TREES   := checks cmd/k8slab content engine internal labs text
SOURCES := $(shell find $(TREES) -not -name '*_test.go' -not -path '*/testdata*')

# One executable for each .mod file, named after the Kubernetes release that the file requires.
CP         := cmd/k8slab-controlplane
CP_SOURCES := $(filter-out %_test.go,$(wildcard $(CP)/*.go))
CP_RELEASE  = $(shell sed -nE 's|^(require)?[[:space:]]*k8s\.io/kubernetes (v[0-9.]+)$$|\2|p' $(1))
CP_FILE     = bin/k8slab-controlplane-$(call CP_RELEASE,$(1))
CP_MODS    := $(wildcard $(CP)/*.mod)
CP_ALL     := $(foreach mod,$(CP_MODS),$(call CP_FILE,$(mod)))
# A start needs the release that its lab names and no other.
LAB_RELEASE = $(shell sed -nE 's|^ *release: *"?([0-9]+\.[0-9]+)"?$$|\1|p' labs/$(LAB)/lab.yaml 2>/dev/null)
CP_LAB      = $(or $(filter bin/k8slab-controlplane-v$(LAB_RELEASE).%,$(CP_ALL)),$(call CP_FILE,$(CP)/go.mod))

# $(call STAMP,v1.37.2) sets what /version and kubectl version say, as Kubernetes' own hack/lib/version.sh does. A module does not know its
# commit; without one, clients call it unknown.
STAMP = $(foreach pkg,k8s.io/component-base/version k8s.io/client-go/pkg/version, \
	-X $(pkg).gitVersion=$(1) -X $(pkg).gitMajor=$(word 1,$(subst ., ,$(1:v%=%))) \
	-X $(pkg).gitMinor=$(word 2,$(subst ., ,$(1:v%=%))) -X $(pkg).gitTreeState=clean -X $(pkg).gitCommit=)

##@ Playing

start: bin/k8slab $(CP_LAB) ## Build what is needed and start a lab (LAB=11-maintenance)
	bin/k8slab start $(LAB)

##@ Building

build: bin/k8slab $(CP_ALL) ## Build k8slab and the control plane of every release into bin

bin/k8slab: $(SOURCES) go.mod go.sum bin/.version
	@test -e $@ || echo 'Building k8slab. The first time this takes a few minutes; later it takes seconds.'
	$(BUILD) -buildvcs=$(if $(VERSION),true,false) -ldflags '-s -w' -o $@ ./cmd/k8slab

# `k8slab version` is what Go reads from git at build time. This file is written when that has changed, so that a commit
# relinks k8slab, and a second make does nothing.
bin/.version: FORCE
	@mkdir -p bin
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

define CP_RULE
$(call CP_FILE,$(1)): $(1) $(1:.mod=.sum) $(CP_SOURCES)
	@test -e $$@ || echo 'Building the control plane of Kubernetes $(call CP_RELEASE,$(1)). The first time this takes 5 to 10 minutes; it is done once.'
	cd $(CP) && $(BUILD) -buildvcs=false -modfile=$(notdir $(1)) -ldflags '-s -w $$(call STAMP,$(call CP_RELEASE,$(1)))' -o $(CURDIR)/$$@ .
endef
$(foreach mod,$(CP_MODS),$(eval $(call CP_RULE,$(mod))))

install: build ## Install under PREFIX (/usr/local): k8slab in bin, the control planes in libexec/k8slab
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/k8slab
	install -m 755 bin/k8slab $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(CP_ALL) $(DESTDIR)$(PREFIX)/libexec/k8slab/

clean: ## Remove what was built; labs, clusters and progress stay
	rm -f bin/k8slab bin/k8slab-controlplane-v* bin/.version

##@ Testing

# They go first, so that none of them is left over in the end.
LONGEST := ./internal/cli ./engine/cluster/embedded ./checks/storage ./checks/workload ./checks/...

test: build lint ## Build everything, lint, run all tests of both modules, and prove all labs
	cd $(CP) && $(TEST) ./...
	$(TEST) $(LONGEST) ./...
	$(MAKE) --no-print-directory verify

# What verify is told, as --changed-since=origin/main. Without it everything is proved, also by make test.
VERIFY_ARGS ?=

verify: build ## Prove every lab: play all answers and near misses on real control planes (LABS=11-maintenance for one)
	bin/k8slab verify $(LABS) $(VERIFY_ARGS) --junit bin/verify.xml

# Packages without a test that starts a control plane: such a test names internal/testcluster or an executable of bin.
UNIT = $(filter-out $(sort $(dir $(shell grep -rlE 'internal/testcluster"|k8slab-controlplane-v' --include='*_test.go' $(TREES)))), \
	$(sort $(dir $(shell find $(TREES) -name '*_test.go' -not -path '*/testdata/*'))))

test-fast: ## Run the tests that start no cluster
	$(TEST) $(addprefix ./,$(UNIT))

# A supervisor is another process than the test that starts it, which would not hear of a race there: the supervisor ends with its first one,
# and the test fails.
RACE := GORACE=halt_on_error=1 CGO_ENABLED=1 $(TEST) -race
SUPERVISOR := Part|AKilled|Outage|AStoppedScheduler|OneComponent|FolderIsRemoved|IsRecorded|ACheckpoint|Ports

race: build ## Run the tests of supervisor, recorder, grading and history with the race detector (needs a C compiler)
	$(RACE) ./engine/history/... ./engine/grading
	$(RACE) ./engine/cluster/embedded -run '$(SUPERVISOR)'

race-all: build ## Run all tests with the race detector
	CGO_ENABLED=1 $(TEST) -race ./...

KINDNODE := testdata/kindnode
# What is verified on kind: all labs, which takes two hours on two processors. E2E_VERIFY="11-maintenance --step drain" takes minutes.
E2E_VERIFY ?=
# With one release nothing is upgraded, and only 11-maintenance can be played.
E2E_RELEASES ?= 1.36.3 1.37.2

# A command that plays on kind begins with this.
ON_KIND = K8SLAB_KIND_NODE_IMAGE=$$(paste -sd, bin/kindnode.tags)

# The names of the images, one in a line, are in bin/kindnode.tags.
kindnode: ## Build kind's node images without a registry (needs Docker, or root to start it)
	@mkdir -p bin
	$(KINDNODE)/dockerd bin/kindnode
	$(KINDNODE)/build bin/kindnode $(E2E_RELEASES) >bin/kindnode.tags

e2e: bin/k8slab kindnode ## Prove the kind provider and the labs on it, on node images that are built here (needs what kindnode needs)
	$(ON_KIND) $(TEST) -tags e2e -timeout 60m ./engine/cluster/kind
	$(ON_KIND) bin/k8slab verify $(E2E_VERIFY) --cluster kind --near-misses=false --junit bin/verify-kind.xml

# Every file is looked at, also those that this machine does not compile: the only tag is e2e, and the only other system is macOS.
TAGGED := $(patsubst %,./%,$(sort $(dir $(shell grep -rlE '^//go:build .*e2e' --include='*.go' $(TREES)))))

lint: ## Check style, likely mistakes and the direction of imports
	$(LINT) run ./...
	$(LINT) run --build-tags e2e $(TAGGED)
	GOOS=darwin go vet -trimpath ./...
	cd $(CP) && $(LINT) run --fast-only . && $(LINT) run ./releases/...
	$(TEST) ./internal/architecture

fmt: ## Format the Go files
	$(LINT) fmt ./...

bench: build ## Measure what the design promises: start, restart, grading, memory
	go run -trimpath ./internal/bench

bench-library: build ## Measure what commands cost with 2 and with 24 labs
	go run -trimpath ./internal/bench library

bench-scale: build ## Measure 100 nodes and 2,000 pods on one cluster
	go run -trimpath ./internal/bench scale

bench-kind: E2E_RELEASES = 1.37.2
bench-kind: build kindnode ## Measure a lab's start on the embedded cluster and on kind, side by side (needs what kindnode needs)
	$(ON_KIND) go run -trimpath ./internal/bench clusters

bench-history: build ## Measure what the record of a cluster costs, and how large it grows
	go run -trimpath ./internal/bench history

soak: build ## Half an hour of random drains, reboots, kills and resets on one cluster
	go run -trimpath ./internal/bench soak $(SOAK)

##@ Help

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

FORCE:
.PHONY: start build install clean test verify test-fast race lint fmt bench bench-library bench-scale bench-kind bench-history soak kindnode e2e help FORCE
