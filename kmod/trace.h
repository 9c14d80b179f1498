/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: accesses, doorbells, interrupts, events.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvpci

#if !defined(KVPCI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVPCI_TRACE_H

#include <linux/tracepoint.h>

#include "kvpci.h"

#define kvpci_show_region(type)						\
	__print_symbolic(type,						\
			 { 0, "none" },					\
			 { KVPCI_REGION_COMMON, "common" },		\
			 { KVPCI_REGION_NOTIFY, "notify" },		\
			 { KVPCI_REGION_ISR, "isr" },			\
			 { KVPCI_REGION_DEVICE, "device" },		\
			 { KVPCI_REGION_MSIX_TABLE, "msix-table" },	\
			 { KVPCI_REGION_MSIX_PBA, "msix-pba" },		\
			 { KVPCI_REGION_SHM, "shared-memory" })

#define kvpci_show_event(kind)						\
	__print_symbolic(kind,						\
			 { KVPCI_EVENT_START, "start" },		\
			 { KVPCI_EVENT_STOP, "stop" },			\
			 { KVPCI_EVENT_QUEUE_START, "queue-start" },	\
			 { KVPCI_EVENT_QUEUE_STOP, "queue-stop" },	\
			 { KVPCI_EVENT_DEVICE_CONFIG, "device-config" },	\
			 { KVPCI_EVENT_FAILED, "failed" },		\
			 { KVPCI_EVENT_SUSPEND, "suspend" },		\
			 { KVPCI_EVENT_RESUME, "resume" })

TRACE_EVENT(kvpci_access,
	TP_PROTO(u32 id, enum kvpci_access_kind kind, u32 type, u32 bar, u32 offset, u32 length,
		 u64 value),
	TP_ARGS(id, kind, type, bar, offset, length, value),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(bool, write)
		__field(u32, type)
		__field(u32, bar)
		__field(u32, offset)
		__field(u32, length)
		__field(u64, value)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->write = kind == KVPCI_WRITE;
		__entry->type = type;
		__entry->bar = bar;
		__entry->offset = offset;
		__entry->length = length;
		__entry->value = value;
	),
	TP_printk("dev=%u %s %s bar=%u offset=%#x length=%u value=%#llx",
		  __entry->id, __entry->write ? "write" : "read",
		  kvpci_show_region(__entry->type), __entry->bar,
		  __entry->offset, __entry->length, __entry->value)
);

TRACE_EVENT(kvpci_kick,
	TP_PROTO(u32 id, u32 queue, bool passed),
	TP_ARGS(id, queue, passed),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(u32, queue)
		__field(bool, passed)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->queue = queue;
		__entry->passed = passed;
	),
	TP_printk("dev=%u queue=%u%s", __entry->id, __entry->queue,
		  __entry->passed ? "" : " dropped")
);

TRACE_EVENT(kvpci_msi,
	TP_PROTO(const struct kvpci_device *device,
		 const struct kvpci_route *route, bool sent),
	TP_ARGS(device, route, sent),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(u32, vector)
		__field(u64, address)
		__field(u32, data)
		__field(bool, sent)
	),
	TP_fast_assign(
		__entry->id = device->id;
		__entry->vector = route->vector;
		__entry->address = route->entry.msi.address_lo |
				   (u64)route->entry.msi.address_hi << 32;
		__entry->data = route->entry.msi.data;
		__entry->sent = sent;
	),
	TP_printk("dev=%u vector=%u address=%#llx data=%#x%s", __entry->id,
		  __entry->vector, __entry->address, __entry->data,
		  __entry->sent ? "" : " dropped")
);

TRACE_EVENT(kvpci_intx,
	TP_PROTO(u32 id, u32 gsi, bool raised),
	TP_ARGS(id, gsi, raised),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(u32, gsi)
		__field(bool, raised)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->gsi = gsi;
		__entry->raised = raised;
	),
	TP_printk("dev=%u gsi=%u %s", __entry->id, __entry->gsi,
		  __entry->raised ? "raised" : "lowered")
);

TRACE_EVENT(kvpci_event,
	TP_PROTO(u32 id, u32 kind, u32 queue, u32 status),
	TP_ARGS(id, kind, queue, status),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(u32, kind)
		__field(u32, queue)
		__field(u32, status)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->kind = kind;
		__entry->queue = queue;
		__entry->status = status;
	),
	TP_printk("dev=%u %s queue=%d status=%#x", __entry->id,
		  kvpci_show_event(__entry->kind), (int)__entry->queue,
		  __entry->status)
);

#endif /* KVPCI_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
