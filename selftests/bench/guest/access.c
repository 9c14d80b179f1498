// SPDX-License-Identifier: GPL-2.0-only
/*
 * access: what one access to a virtio-pci device costs the guest.
 *
 * A module for the guest. It looks up a device's structures as a driver does,
 * by its vendor capabilities, and makes each access in a tight loop with
 * interrupts off: the best of ROUNDS times COUNT, less the same loop around
 * nothing. The figures go to the kernel's log, "access: NAME CYCLES" a line.
 *
 * The device may be in use. Nothing is written that changes what its driver
 * sees, apart from spurious doorbells and a vector that is masked for a moment.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/virtio_pci.h>
#include <asm/msr.h>

#define ROUNDS		5
#define COUNT		200

#define VIRTIO_VENDOR	0x1af4
#define VIRTIO_NET	0x1041

static unsigned long ecam;
module_param(ecam, ulong, 0);
MODULE_PARM_DESC(ecam, "address of bus 0's memory-mapped configuration space");

/* A structure of the device, or none: length is 0. */
struct place {
	void __iomem *mem;
	unsigned long port;
	unsigned int length;
};

enum space { IO, MEM, NUM_SPACES };

static struct place places[NUM_SPACES][VIRTIO_PCI_CAP_PCI_CFG + 1];

struct access {
	void (*loop)(const struct access *a);
	void __iomem *mem;
	u16 port;
	u32 value;
	struct pci_dev *dev;
};

/* COUNT times one statement on the members of an access. */
#define LOOP(name, statement)						\
static noinline void name(const struct access *a)			\
{									\
	void __iomem *mem __maybe_unused = a->mem;			\
	u16 port __maybe_unused = a->port;				\
	u32 value __maybe_unused = a->value;				\
	int i;								\
									\
	for (i = 0; i < COUNT; i++) {					\
		statement;						\
		barrier();						\
	}								\
}

LOOP(nothing, (void)0)
LOOP(read_1, readb(mem))
LOOP(read_2, readw(mem))
LOOP(read_4, readl(mem))
LOOP(write_1, writeb(value, mem))
LOOP(write_2, writew(value, mem))
LOOP(write_4, writel(value, mem))
LOOP(in_1, inb(port))
LOOP(in_2, inw(port))
LOOP(in_4, inl(port))
LOOP(out_1, outb(value, port))
LOOP(out_2, outw(value, port))
LOOP(out_4, outl(value, port))
LOOP(mask_unmask, writel(1, mem); writel(0, mem))
LOOP(read_ports, outl(value, 0xcf8); inl(0xcfc))
LOOP(read_linux, pci_read_config_dword(a->dev, PCI_VENDOR_ID, &value))

/* In cycles of the time stamp counter. */
static u64 measure(const struct access *a)
{
	unsigned long flags;
	u64 start, end;

	local_irq_save(flags);
	start = rdtsc_ordered();
	a->loop(a);
	end = rdtsc_ordered();
	local_irq_restore(flags);
	return end - start;
}

static u64 best(const struct access *a)
{
	u64 least = U64_MAX;
	int i;

	for (i = 0; i < ROUNDS; i++)
		least = min(least, measure(a));
	return least;
}

static u64 loop;	/* best() of nothing() */

static void report(const char *space, const char *name, const struct access *a)
{
	s64 cycles = best(a) - loop;

	pr_info("%s%s %lld\n", space, name, div_s64(cycles + COUNT / 2, COUNT));
}

/* Accesses to virtio's structures, by port or in memory. */
static const struct {
	const char *name;
	unsigned int structure;
	unsigned int offset;
	void (*io)(const struct access *a);
	void (*mem)(const struct access *a);
	u32 value;
} rows[] = {
	{ "common_read_1", VIRTIO_PCI_CAP_COMMON_CFG,
	  VIRTIO_PCI_COMMON_STATUS, in_1, read_1, 0 },
	{ "common_read_2", VIRTIO_PCI_CAP_COMMON_CFG,
	  VIRTIO_PCI_COMMON_Q_SIZE, in_2, read_2, 0 },
	{ "common_read_4", VIRTIO_PCI_CAP_COMMON_CFG,
	  VIRTIO_PCI_COMMON_DF, in_4, read_4, 0 },
	{ "num_queues_read", VIRTIO_PCI_CAP_COMMON_CFG,
	  VIRTIO_PCI_COMMON_NUMQ, in_2, read_2, 0 },
	/* Writing ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK: no change. */
	{ "common_write_1", VIRTIO_PCI_CAP_COMMON_CFG,
	  VIRTIO_PCI_COMMON_STATUS, out_1, write_1, 15 },
	{ "common_write_2", VIRTIO_PCI_CAP_COMMON_CFG,
	  VIRTIO_PCI_COMMON_Q_SELECT, out_2, write_2, 0 },
	{ "common_write_4", VIRTIO_PCI_CAP_COMMON_CFG,
	  VIRTIO_PCI_COMMON_DFSELECT, out_4, write_4, 0 },
	{ "device_read_4", VIRTIO_PCI_CAP_DEVICE_CFG, 0, in_4, read_4, 0 },
	{ "isr_read", VIRTIO_PCI_CAP_ISR_CFG, 0, in_1, read_1, 0 },
	{ "doorbell", VIRTIO_PCI_CAP_NOTIFY_CFG, 0, out_2, write_2, 0 },
};

static void report_structures(enum space space)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct place *p = &places[space][rows[i].structure];
		struct access a = {
			.loop = space == IO ? rows[i].io : rows[i].mem,
			.mem = p->mem + rows[i].offset,
			.port = p->port + rows[i].offset,
			.value = rows[i].value,
		};

		if (p->length)
			report(space == IO ? "io_" : "mem_", rows[i].name, &a);
	}
}

/* Vector 1 belongs to a queue; the last one belongs to nobody. */
static int report_msix(struct pci_dev *dev)
{
	int count = pci_msix_vec_count(dev);
	void __iomem *table, *used, *spare;
	u32 where;

	if (count < 2)
		return -ENODEV;
	pci_read_config_dword(dev, dev->msix_cap + PCI_MSIX_TABLE, &where);
	table = ioremap(pci_resource_start(dev, where & PCI_MSIX_TABLE_BIR) +
			(where & PCI_MSIX_TABLE_OFFSET),
			count * PCI_MSIX_ENTRY_SIZE);
	if (!table)
		return -ENOMEM;
	used = table + PCI_MSIX_ENTRY_SIZE;
	spare = table + (count - 1) * PCI_MSIX_ENTRY_SIZE;
	report("", "msix_read", &(struct access){
		.loop = read_4, .mem = used + PCI_MSIX_ENTRY_DATA });
	report("", "msix_write", &(struct access){
		.loop = write_4, .mem = used + PCI_MSIX_ENTRY_DATA,
		.value = readl(used + PCI_MSIX_ENTRY_DATA) });
	report("", "msix_mask_unmask", &(struct access){
		.loop = mask_unmask, .mem = used + PCI_MSIX_ENTRY_VECTOR_CTRL });
	report("", "msix_mask_unmask_spare", &(struct access){
		.loop = mask_unmask, .mem = spare + PCI_MSIX_ENTRY_VECTOR_CTRL });
	writel(PCI_MSIX_ENTRY_CTRL_MASKBIT, spare + PCI_MSIX_ENTRY_VECTOR_CTRL);
	iounmap(table);
	return 0;
}

static int report_config(struct pci_dev *dev)
{
	void __iomem *mem = ioremap(ecam + (dev->devfn << 12), PAGE_SIZE);

	if (!mem)
		return -ENOMEM;
	report("", "config_read", &(struct access){
		.loop = read_4, .mem = mem });
	report("", "config_write", &(struct access){
		.loop = write_1, .mem = mem + PCI_INTERRUPT_LINE,
		.value = readb(mem + PCI_INTERRUPT_LINE) });
	report("", "config_read_linux", &(struct access){
		.loop = read_linux, .dev = dev });
	report("", "config_read_ports", &(struct access){
		.loop = read_ports,
		.value = BIT(31) | pci_dev_id(dev) << 8 });
	iounmap(mem);
	return 0;
}

static int find_place(struct pci_dev *dev, int cap)
{
	enum space space;
	struct place *p;
	u32 offset;
	u8 type, bar;

	pci_read_config_byte(dev, cap + offsetof(struct virtio_pci_cap, cfg_type),
			     &type);
	pci_read_config_byte(dev, cap + offsetof(struct virtio_pci_cap, bar),
			     &bar);
	pci_read_config_dword(dev, cap + offsetof(struct virtio_pci_cap, offset),
			      &offset);
	if (!type || type >= VIRTIO_PCI_CAP_PCI_CFG || bar >= PCI_STD_NUM_BARS)
		return 0;
	space = pci_resource_flags(dev, bar) & IORESOURCE_IO ? IO : MEM;
	p = &places[space][type];
	if (p->length)
		return 0;
	pci_read_config_dword(dev, cap + offsetof(struct virtio_pci_cap, length),
			      &p->length);
	if (space == IO) {
		p->port = pci_resource_start(dev, bar) + offset;
		return 0;
	}
	p->mem = ioremap(pci_resource_start(dev, bar) + offset, p->length);
	return p->mem ? 0 : -ENOMEM;
}

static int find_places(struct pci_dev *dev)
{
	int cap, err;

	for (cap = pci_find_capability(dev, PCI_CAP_ID_VNDR); cap;
	     cap = pci_find_next_capability(dev, cap, PCI_CAP_ID_VNDR)) {
		err = find_place(dev, cap);
		if (err)
			return err;
	}
	return 0;
}

static void forget_places(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(places[MEM]); i++)
		if (places[MEM][i].mem)
			iounmap(places[MEM][i].mem);
}

static int __init access_init(void)
{
	struct pci_dev *dev = pci_get_device(VIRTIO_VENDOR, VIRTIO_NET, NULL);
	int err;

	if (!dev)
		return -ENODEV;
	err = find_places(dev);
	if (!err) {
		loop = best(&(struct access){ .loop = nothing });
		report_structures(IO);
		report_structures(MEM);
		err = report_msix(dev);
	}
	if (!err)
		err = report_config(dev);
	forget_places();
	pci_dev_put(dev);
	return err;
}

static void __exit access_exit(void)
{
}

module_init(access_init);
module_exit(access_exit);
MODULE_DESCRIPTION("Cost of accesses to a virtio-pci device");
MODULE_LICENSE("GPL");
