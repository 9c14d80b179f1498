// SPDX-License-Identifier: GPL-2.0-only
/*
 * What keeps the module from a kernel whose KVM is not the one it was built for.
 */
#include <linux/kvm_host.h>

/*
 * Never called: where symbols have versions, that of this one changes with the
 * layout of struct kvm, and then the module does not load.
 */
#ifdef KVPCI_KVM_VERSION
static void (*const version)(struct kvm *kvm) __used = kvm_put_kvm;
#endif
