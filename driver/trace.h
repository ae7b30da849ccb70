/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM igbvf_vfio_pci

#if !defined(IGBVFIO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IGBVFIO_TRACE_H

#include <linux/device.h>
#include <linux/tracepoint.h>

/* One arc of the migration state machine (enum vfio_device_mig_state). */
TRACE_EVENT(igbvfio_arc,
	    TP_PROTO(struct device *dev, u32 from, u32 to, int error, u64 ns),
	    TP_ARGS(dev, from, to, error, ns),
	    TP_STRUCT__entry(__array(char, device, 16)
			     __field(u32, from)
			     __field(u32, to)
			     __field(int, error)
			     __field(u64, ns)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev),
				   sizeof(__entry->device));
			   __entry->from = from;
			   __entry->to = to;
			   __entry->error = error;
			   __entry->ns = ns;
	    ),
	    TP_printk("%s: %u -> %u error %d, %llu ns", __entry->device,
		      __entry->from, __entry->to, __entry->error, __entry->ns)
);

/* A request to the PF with its answer: the guest's, or replayed for it. */
TRACE_EVENT(igbvfio_mailbox,
	    TP_PROTO(struct device *dev, u32 request, u32 answer, bool replay),
	    TP_ARGS(dev, request, answer, replay),
	    TP_STRUCT__entry(__array(char, device, 16)
			     __field(u32, request)
			     __field(u32, answer)
			     __field(bool, replay)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev),
				   sizeof(__entry->device));
			   __entry->request = request;
			   __entry->answer = answer;
			   __entry->replay = replay;
	    ),
	    TP_printk("%s: %s %#x answered %#x", __entry->device,
		      __entry->replay ? "replay" : "guest", __entry->request,
		      __entry->answer)
);

/* One range of a dirty report, in bytes, and the 4 KiB pages set in it. */
TRACE_EVENT(igbvfio_dirty_report,
	    TP_PROTO(struct device *dev, u64 iova, u64 length, u64 pages),
	    TP_ARGS(dev, iova, length, pages),
	    TP_STRUCT__entry(__array(char, device, 16)
			     __field(u64, iova)
			     __field(u64, length)
			     __field(u64, pages)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev),
				   sizeof(__entry->device));
			   __entry->iova = iova;
			   __entry->length = length;
			   __entry->pages = pages;
	    ),
	    TP_printk("%s: %#llx + %#llx: %llu pages", __entry->device,
		      __entry->iova, __entry->length, __entry->pages)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
