// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a change of the registers wants done. This is the one place that knows the
 * effects and their order. (EVENT_GONE is not among them: poll() looks at the core.)
 *
 * Under the lock: the epoch, so that no signal is decided by what was; a vector
 * that has become sendable, so that nothing overtakes it; Status.Interrupt, which
 * the guest may be reading. After it, what may sleep or take other locks. Signals
 * on their way are waited for first, so that nobody who is told of the change
 * sees one of them.
 */
#include "kvpci.h"

static void count(struct kvpci_device *device, u16 bits)
{
	if (bits & KVPCI_EFFECT_PENDED)
		kvpci_count(device, KVPCI_COUNT_MSIX_PENDED);
	if (bits & KVPCI_EFFECT_DROPPED)
		kvpci_count(device, KVPCI_COUNT_IRQS_DROPPED);
}

/**
 * kvpci_unlock_and() - release a device's lock and carry an effect out
 * @device: the device; its lock is held
 * @effect: of what was changed under the lock
 *
 * With KVPCI_EFFECT_DECISION, nothing that was decided on before the change is
 * sent any more when it returns.
 *
 * Context: may sleep; may be inside kvm->srcu, for which it does not wait.
 */
void kvpci_unlock_and(struct kvpci_device *device, struct kvpci_effect effect)
	__releases(&device->lock)
{
	u16 bits = effect.bits;

	lockdep_assert_held(&device->lock);
	if (bits & KVPCI_EFFECT_DECISION)
		WRITE_ONCE(device->epoch, device->epoch + 1);
	if (bits & KVPCI_EFFECT_VECTOR)
		kvpci_irq_send_vector(device, effect.arg);
	if (bits & KVPCI_EFFECT_LINE)
		kvpci_irq_sync_status(device);
	kvpci_unlock(device);

	if (bits & KVPCI_EFFECT_DECISION)
		kvpci_irq_await(device, effect);
	/* Masks and messages of vectors are what is written most. */
	if (!(bits & ~(KVPCI_EFFECT_DECISION | KVPCI_EFFECT_VECTOR_ONLY |
		       KVPCI_EFFECT_VECTOR)))
		return;
	if (bits & KVPCI_EFFECT_STOPPED)
		wake_up_interruptible_all(&device->stopped);
	if (bits & KVPCI_EFFECT_EVENT)
		kvpci_event_post(device);
	if (bits & KVPCI_EFFECT_PENDING)
		kvpci_irq_send_pending(device);
	if (bits & KVPCI_EFFECT_LINE)
		kvpci_irq_sync_line(device);
	if (unlikely(bits & (KVPCI_EFFECT_PENDED | KVPCI_EFFECT_DROPPED)))
		count(device, bits);
}
