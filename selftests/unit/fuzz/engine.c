// SPDX-License-Identifier: GPL-2.0-only
/* The engine: bytes become steps, and the model looks on after each of them. */
#include "fuzz.h"

const char *const fuzz_reach_names[FUZZ_REACHES] = {
	"START read", "START taken back", "STOP acknowledged",
	"QUEUE_START read", "QUEUE_STOP acknowledged", "CONFIG read",
	"FAILED read", "kick", "kick dropped", "message sent",
	"message pending", "pending message sent", "line raised",
	"interrupt dropped", "FEATURES_OK refused", "generation changed",
	"BAR decoded", "window access", "function level reset",
	"doorbell word kept", "queue_notif_config_data",
	"SUSPEND acknowledged", "RESUME read", "administration virtqueue",
	"deferred message", "deferred message dropped by reset",
	"silence before SUSPEND is acknowledged",
	"configuration change notified", "the same after a resume", "D3hot",
	"reset by the VMM", "signal unchanged", "moved into a fresh core",
	"moved with a deferred message", "spoiled state refused",
	"spoiled state taken",
};

u32 take(struct fuzz *f, unsigned int bytes)
{
	u32 value = 0;

	while (bytes--)
		value = value << 8 | (f->p < f->end ? *f->p++ : 0);
	return value;
}

void reach(struct fuzz *f, enum fuzz_reach what)
{
	if (f->reached)
		f->reached[what]++;
}

u64 take_value(struct fuzz *f)
{
	u8 how = take(f, 1);

	switch (how % 6) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return ~0ULL;
	case 3:
		return take(f, 1) % 8;
	case 4:
		return 1ULL << (take(f, 1) % 64);
	default:
		return (u64)take(f, 4) << 32 | take(f, 4);
	}
}

static void (*const actions[])(struct fuzz *f) = {
	guest_anywhere, guest_anywhere, guest_anywhere, guest_common,
	guest_common, guest_common, guest_status, guest_driver, guest_driver,
	vmm_event, vmm_event, vmm_ack, vmm_signal,
	vmm_pending, vmm_deferred, vmm_config, vmm_misc, vmm_reset,
	config_space, config_space, guest_window, vmm_move, vmm_hostile,
};

static void setup(struct fuzz *f)
{
	struct unit *u = &f->u;
	u8 how = take(f, 1);

	unit_describe(u);
	if (how & 1)
		unit_offer(u, F_RING_PACKED);
	if (how & 2 && !(how & 4))
		unit_withdraw(u, F_RING_RESET);
	if (how & 32)
		unit_offer(u, F_NOTIFICATION_DATA);
	if (how & 64) {
		unit_offer(u, F_NOTIF_CONFIG_DATA);
		unit_identify(u);
	}
	if (how & 128)
		unit_offer(u, F_SUSPEND);
	if (how & 4) {
		unit_offer(u, F_ADMIN_VQ);
		u->desc.num_admin_queues = 1;
	}
	unit_need(u, 5, BIT_ULL(28) | BIT_ULL(29), 0);
	if (how & 8) {
		/* odd places, nothing else */
		u->regions[7].multiplier = how & 32 ? 8 : 2;
		u->regions[6].offset = 0x2004;
	}
	if (unit_create(u))
		abort();
	memset(u->core.device_config_mask, how & 16 ? 0x3c : 0, UNIT_CONFIG);
	if (kvpci_pci_config_init(&f->cs, &u->desc, u->regions, 0x020000, 1))
		abort();
	memcpy(f->fixed, f->cs.value, sizeof(f->fixed));
	watch_from_now(f);
}

unsigned long fuzz_run(const uint8_t *data, size_t size,
		       unsigned long reached[FUZZ_REACHES], bool hostile)
{
	struct fuzz *f = calloc(1, sizeof(*f));
	unsigned long steps;

	if (!f)
		abort();
	f->p = data;
	f->end = data + size;
	f->reached = reached;
	setup(f);
	while (f->p < f->end) {
		actions[take(f, 1) % ARRAY_SIZE(actions)](f);
		f->steps++;
		check_model(f);
		if (hostile)
			try_hostile(f);
	}
	steps = f->steps;
	unit_destroy(&f->u);
	free(f);
	return steps;
}

/* libFuzzer's entry; nothing else calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_run(data, size, NULL, false);
	return 0;
}
