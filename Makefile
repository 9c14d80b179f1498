# SPDX-License-Identifier: GPL-2.0-only
#
# kvpci: what people type. Kbuild beside this file is what the kernel's build
# system reads. All output goes below build/.

MAKEFLAGS	+= --no-print-directory
O		:= $(abspath build)
SERIES		:= $(shell tools/kernel list)
# Where the kernel to build for was prepared; empty means all stock kernels.
KDIR		?=

.PHONY: all help setup modules user kselftest headers_check lint
.PHONY: install modules_install deb
.PHONY: check check-unit check-model check-kselftest check-boot check-cli check-rig
.PHONY: check-packages
.PHONY: check-debug check-vmx debug-kernel demo bench clean distclean FORCE

# Packages are looked for, or installed, before what needs them is built; make -j
# works within a target.
.NOTPARALLEL:

all: modules user ## build the module for all kernels, and the launcher

help: ## list every target
	@echo "kvpci targets:"
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))
	@echo "Variables: KDIR=<headers> (modules), SERIES=\"$(SERIES)\", ACCEL=kvm (nested virtualization in place of TCG)"

setup: ## install every Debian package that is needed and missing
	@tools/setup

# Install what one purpose needs: setup-user, setup-vm, ... Whoever tests may.
setup-%: FORCE
	@tools/setup $*

# Stop, and say which command installs it, if something is missing. A build
# installs nothing.
need-%: FORCE
	@tools/setup --check $*
FORCE:

modules: need-modules ## build build/<release>/kvpci.ko (KDIR=<headers> for one kernel)
	@for k in $(or $(KDIR),$(SERIES)); do tools/build-module $$k || exit; done

user: need-user ## build build/kvpci (launcher) and build/libkvpci.{a,so}
	@$(MAKE) -C user O=$(O)

install: need-user ## install launcher and library (DESTDIR, prefix=/usr/local, libdir)
	@$(MAKE) -C user O=$(O) install

modules_install: need-modules ## install kvpci.ko for the running kernel, or for KDIR (DESTDIR)
	@tools/build-module --install "$(DESTDIR)" \
		$(or $(KDIR),/lib/modules/$(shell uname -r)/build)

deb: need-deb ## build the Debian packages in build/deb
	@tools/deb

kselftest: need-kselftest ## build build/selftests/kvpci/*
	@tools/linux-source
	@$(MAKE) -C selftests/kvpci O=$(O)

headers_check: need-headers ## compile the uAPI header alone: C, C++, -m32, -m64, one layout
	@tools/headers-check

lint: need-lint ## checkpatch, sparse, W=1, kernel-doc, SPDX, shellcheck
	@tools/linux-source
	@tools/lint

check: setup ## build everything and run all tests; what .ci/run does
	@SERIES="$(SERIES)" tools/check

check-unit: setup-unit ## register core in userspace, with ASan and UBSan
	@tools/check unit

check-model: setup-model ## the protocol of guest, module and VMM, in spin
	@tools/check model

# What "tools/check build" needs.
.PHONY: setup-build
setup-build: setup-modules setup-kselftest

check-kselftest: setup-build setup-vm ## kselftests in L1 on all kernels
	@SERIES="$(SERIES)" tools/check build kselftest

check-boot: setup-build setup-vm ## guest boot and traffic in L1 on both kernels
	@SERIES="$(SERIES)" tools/check build boot

check-cli: setup-build setup-vm ## bad input to the launcher, in L1
	@SERIES="$(SERIES)" tools/check build cli

check-rig: setup-vm ## the L1 rig itself: it reports what it must report
	@SERIES="$(SERIES)" tools/check rig

check-packages: setup-packages ## the Debian packages, without installing them
	@SERIES="$(SERIES)" tools/check packages

check-debug: setup-build setup-vm setup-debug debug-kernel ## tests on a kernel with KASAN, lockdep, kmemleak
	@SERIES="$(SERIES)" tools/check build debug debug-all

check-vmx: setup-build setup-vmx ## kselftests in an L1 with Intel's VMX and IBT, in Bochs
	@SERIES=6.12 tools/check build vmx

debug-kernel: need-debug ## build the kernel of check-debug, once (45 minutes of a processor)
	@tools/debug-kernel build debug

demo bench: SERIES := 6.12

demo: setup all ## one guest under kvpci and under stock QEMU, side by side
	@selftests/bench/demo

bench: setup modules user kselftest ## compare with stock QEMU and the twin: table, JSON, plots (CASES="access pairs-1")
	@$(MAKE) -C selftests/bench O=$(O)
	@selftests/bench/run $(CASES)

clean: ## remove build output (keeps unpacked kernels and sources)
	@if [ -d $(O) ]; then find $(O) -mindepth 1 -maxdepth 1 ! -name kernels \
		! -name scripts ! -name kselftest ! -name dpdk \
		-exec rm -rf {} +; fi

distclean: ## remove build/ altogether
	@rm -rf $(O)
