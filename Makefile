# SPDX-License-Identifier: GPL-2.0-only
#
# kvpci: what people type. Kbuild beside this file is what the kernel's build
# system reads. All output goes below build/.

MAKEFLAGS	+= --no-print-directory
O		:= $(abspath build)
SERIES		:= $(shell tools/kernel list)
# Where the kernel to build for was prepared; empty means both stock kernels.
KDIR		?=

.PHONY: all help setup modules user headers_check lint demo bench clean distclean
.PHONY: check check-unit check-model check-kselftest check-boot check-rig check-cli check-vmx
.PHONY: check-debug debug-kernel
.PHONY: kselftest setup-% modules-% FORCE

all: modules user ## build the module for both kernels, and the launcher

help: ## list every target
	@echo "kvpci targets:"
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))
	@echo "Variables: KDIR=<headers> (modules), SERIES=\"$(SERIES)\", ACCEL=kvm (nested virtualization in place of TCG)"

setup: ## install every Debian package that is needed and missing
	@tools/setup

# Install what one purpose needs: setup-user, setup-vm, ...
setup-%: FORCE
	@tools/setup $*
FORCE:

modules: setup-modules ## build build/<release>/kvpci.ko (KDIR=<headers> for one kernel)
	@for k in $(or $(KDIR),$(SERIES)); do tools/build-module $$k || exit; done

user: setup-user ## build build/kvpci (launcher) and build/libkvpci.{a,so}
	@$(MAKE) -C user O=$(O)

kselftest: setup-kselftest
	@tools/linux-source
	@$(MAKE) -C selftests/kvpci O=$(O)

headers_check: setup-headers ## compile the uAPI header alone: C, C++, -m32, -m64, one layout
	@tools/headers-check

lint: setup-lint ## checkpatch, sparse, W=1, kernel-doc, SPDX, shellcheck
	@tools/linux-source
	@tools/lint

check: setup ## build everything and run all tests; what .ci/run does
	@SERIES="$(SERIES)" tools/check

check-unit: setup-unit ## register core in userspace, with ASan and UBSan
	@tools/check unit

check-model: setup-model ## the protocol of guest, module and launcher, in spin
	@tools/check model

check-kselftest: setup-modules setup-kselftest setup-vm ## kselftests in L1 on both kernels
	@SERIES="$(SERIES)" tools/check build kselftest

check-boot: setup-modules setup-user setup-vm ## guest boot and traffic in L1 on both kernels
	@SERIES="$(SERIES)" tools/check build boot

check-cli: setup-modules setup-user setup-vm ## bad input to the launcher, in L1
	@SERIES="$(SERIES)" tools/check build cli

check-debug: debug-kernel setup-user setup-kselftest setup-vm ## kselftests and guests on a kernel with KASAN, lockdep, kmemleak
	@SERIES="$(SERIES)" tools/check build debug debug-all

debug-kernel: setup-debug ## build that kernel, once (45 minutes of a processor)
	@tools/debug-kernel build debug

check-vmx: setup-modules setup-user setup-kselftest setup-vmx ## kselftests in an L1 with Intel's VMX and IBT, in Bochs
	@SERIES=6.12 tools/check build vmx

check-rig: setup-vm ## the L1 rig itself: it reports what it must report
	@SERIES="$(SERIES)" tools/check rig

demo: setup all ## one guest under kvpci and under stock QEMU, side by side
	@selftests/bench/demo

bench: setup modules user kselftest ## compare with stock QEMU and the twin: table, JSON, plots (CASES="access pairs-1")
	@$(MAKE) -C selftests/bench O=$(O)
	@selftests/bench/run $(CASES)

clean: ## remove build output (keeps unpacked kernels and sources)
	@if [ -d $(O) ]; then find $(O) -mindepth 1 -maxdepth 1 ! -name kernels \
		! -name scripts ! -name kselftest ! -name dpdk ! -name '.linux-source*' \
		-exec rm -rf {} +; fi

distclean: ## remove build/ altogether
	@rm -rf $(O)
