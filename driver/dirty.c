// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages, tracked in software.
 *
 * The device writes to three kinds of memory: receive buffers, descriptors that
 * it writes back, and the head write-back word of a transmit queue. Receive
 * buffers reach it only by way of a tail register in a trapped page. So from
 * DMA_LOGGING_START on the driver keeps, for each receive ring, the buffers that
 * the device owns (struct igbvfio_rx_shadow), and marks a buffer when the head
 * has passed it. The head may run ahead of the writes reaching memory, hence a
 * passed buffer is marked in every report until its DD bit is seen, or until
 * the guest, which has seen it, posts the slot again.
 *
 *	retire        harvest            tail
 *	  |  passed, DD  |  owned by the   |  free
 *	  |  not seen    |  device         |
 *
 * Descriptors are read from guest memory through the type1 container
 * (vfio_dma_rw), before the tail that announces them reaches the device: after
 * that it may overwrite them. A guest that edits a descriptor after posting it
 * harms only itself: its own page is copied too early.
 *
 * Everything here runs under regs_lock, except where noted.
 */
#include "igbvfio.h"
#include "trace.h"

#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>

/* Bound of the dirty set: dense it spans 8 GiB, sparse it takes 40 MB. */
#define LOG_MAX_ENTRIES		65536
#define LOG_PAGES_PER_ENTRY	32
#define LOG_PAGE_SHIFT		12
#define LOG_PAGE_SIZE		BIT(LOG_PAGE_SHIFT)

/* Descriptors read at a time. */
#define DESCRIPTOR_BATCH	32U

/* Precise tracking is over until the next START: every report marks all. */
static void lose(struct igbvfio_device *dev, const char *why)
{
	if (!dev->log.lost)
		dev_warn_ratelimited(&dev->core.pdev->dev,
				     "dirty log: %s; reporting every page as dirty\n",
				     why);
	dev->log.lost = true;
	dev->counters.log_lost++;
}

static void mark_page(struct igbvfio_device *dev, u64 page)
{
	struct igbvfio_log *log = &dev->log;
	unsigned long index = page / LOG_PAGES_PER_ENTRY;
	unsigned long bit = 1UL << page % LOG_PAGES_PER_ENTRY;
	void *entry = xa_load(&log->dirty, index);
	unsigned long value = entry ? xa_to_value(entry) : 0;

	if (value & bit)
		return;
	if (!entry && log->entries >= LOG_MAX_ENTRIES) {
		lose(dev, "too many dirty pages between two reports");
		return;
	}
	if (xa_err(xa_store(&log->dirty, index, xa_mk_value(value | bit),
			    GFP_KERNEL_ACCOUNT))) {
		lose(dev, "out of memory");
		return;
	}
	if (!entry)
		log->entries++;
}

static void mark(struct igbvfio_device *dev, u64 iova, u32 length)
{
	u64 page, last;

	/* No device writes across the end of the address space. */
	if (!length || iova + length - 1 < iova || dev->log.lost)
		return;
	last = (iova + length - 1) >> LOG_PAGE_SHIFT;
	for (page = iova >> LOG_PAGE_SHIFT; page <= last; page++)
		mark_page(dev, page);
}

/* What the device may have written through one slot, its descriptor included. */
static void mark_slot(struct igbvfio_device *dev,
		      const struct igbvfio_rx_shadow *rx, u32 i)
{
	if (rx->slots[i].packet == IGBVFIO_SLOT_FREE)
		return;
	mark(dev, rx->slots[i].packet, rx->packet_size);
	mark(dev, rx->slots[i].header, rx->header_size);
	mark(dev, rx->base + (u64)i * IGBVF_DESCRIPTOR_SIZE, IGBVF_DESCRIPTOR_SIZE);
}

static u32 next(const struct igbvfio_rx_shadow *rx, u32 i)
{
	return i + 1 < rx->count ? i + 1 : 0;
}

static u32 distance(const struct igbvfio_rx_shadow *rx, u32 from, u32 to)
{
	return to >= from ? to - from : to + rx->count - from;
}

/* Descriptors [first, first + n) of the ring; they do not wrap. */
static int read_descriptors(struct igbvfio_device *dev,
			    const struct igbvfio_rx_shadow *rx, u32 first,
			    u32 n, __le64 (*descriptors)[2])
{
	return vfio_dma_rw(&dev->core.vdev,
			   rx->base + (u64)first * IGBVF_DESCRIPTOR_SIZE,
			   descriptors, n * IGBVF_DESCRIPTOR_SIZE, false);
}

/* Longest run from @first towards @end that one read can take. */
static u32 batch(const struct igbvfio_rx_shadow *rx, u32 first, u32 end)
{
	u32 n = end >= first ? end - first : rx->count - first;

	return min_t(u32, n, DESCRIPTOR_BATCH);
}

static void drop(struct igbvfio_rx_shadow *rx)
{
	kvfree(rx->slots);
	memset(rx, 0, sizeof(*rx));
}

/* Once more, as some may not have reached memory when they were marked. */
static void mark_pending(struct igbvfio_device *dev, struct igbvfio_rx_shadow *rx)
{
	u32 i = rx->retire, n;

	for (n = rx->pending; n; n--, i = next(rx, i))
		mark_slot(dev, rx, i);
}

static void retire_one(struct igbvfio_rx_shadow *rx)
{
	rx->retire = next(rx, rx->retire);
	rx->pending--;
}

/*
 * The head has passed the buffers up to here. No more than the ring can be pending, but
 * with a guest that posts what it has not got back.
 */
static void advance(struct igbvfio_device *dev, struct igbvfio_rx_shadow *rx,
		    u32 head)
{
	while (rx->harvest != head) {
		mark_slot(dev, rx, rx->harvest);
		rx->harvest = next(rx, rx->harvest);
		if (rx->pending == rx->count)
			retire_one(rx);
		rx->pending++;
	}
}

/* A ring whose queue is off now and does not go on: mark, and forget it. */
static void finish_ring(struct igbvfio_device *dev, struct igbvfio_rx_shadow *rx)
{
	mark_pending(dev, rx);
	drop(rx);
}

/* In descriptors. */
static u32 ring_length(struct igbvfio_device *dev, unsigned int q)
{
	return igbvfio_rd(dev, IGBVF_RDLEN(q)) / IGBVF_DESCRIPTOR_SIZE;
}

/* As far as the guest is concerned: our own stop does not count. */
static bool rx_is_on(struct igbvfio_device *dev, unsigned int q)
{
	u32 control = dev->quiesced ? dev->image.rx[q].rxdctl :
				      igbvfio_rd(dev, IGBVF_RXDCTL(q));

	return control & IGBVF_QUEUE_ENABLE;
}

/* Note which buffers the head has passed. */
static void harvest(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvfio_rx_shadow *rx = &dev->log.rx[q];
	u32 head = igbvfio_rd(dev, IGBVF_RDH(q)) & IGBVF_HEAD_MASK;

	if (!rx->slots)
		return;
	/* Not a place in this ring, or a ring of another length: the PF was reset
	 * and the VF's registers with it. Take all it owned for written.
	 */
	if (head >= rx->count || (!head && ring_length(dev, q) != rx->count))
		head = rx->tail;
	advance(dev, rx, head);
}

/*
 * Free the passed slots whose write-back has reached memory: DD, which the guest
 * mostly posts as 0, is 1. A slot that was posted with it stays until it is
 * posted again, as nobody can tell.
 */
static void retire(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvfio_rx_shadow *rx = &dev->log.rx[q];
	__le64 descriptors[DESCRIPTOR_BATCH][2];
	u32 i, n;

	if (!rx->slots)
		return;
	mark_pending(dev, rx);
	while (rx->pending) {
		n = min3(rx->pending, rx->count - rx->retire, DESCRIPTOR_BATCH);
		if (read_descriptors(dev, rx, rx->retire, n, descriptors)) {
			lose(dev, "the receive ring is not readable");
			return;
		}
		for (i = 0; i < n; i++) {
			if (!(le64_to_cpu(descriptors[i][1]) & IGBVF_RXD_DD) ||
			    rx->slots[rx->retire].header & IGBVF_RXD_DD)
				return;
			rx->slots[rx->retire].packet = IGBVFIO_SLOT_FREE;
			retire_one(rx);
		}
	}
}

/*
 * Record the buffers of [rx->tail, tail). Slots that still hold something were
 * written, else the guest would not post them again.
 */
static void record(struct igbvfio_device *dev, struct igbvfio_rx_shadow *rx,
		   u32 tail)
{
	__le64 descriptors[DESCRIPTOR_BATCH][2];
	u32 i, n;

	while (rx->tail != tail) {
		n = batch(rx, rx->tail, tail);
		if (read_descriptors(dev, rx, rx->tail, n, descriptors)) {
			lose(dev, "the receive ring is not readable");
			rx->tail = tail;
			return;
		}
		for (i = 0; i < n; i++) {
			u32 slot = rx->tail;

			mark_slot(dev, rx, slot);
			if (rx->pending && slot == rx->retire)
				retire_one(rx);
			rx->slots[slot].packet = le64_to_cpu(descriptors[i][0]);
			rx->slots[slot].header = le64_to_cpu(descriptors[i][1]);
			rx->tail = next(rx, slot);
		}
	}
}

/* Buffer sizes: SRRCTL, 82576 8.10.2. */
static void read_sizes(struct igbvfio_device *dev, unsigned int q,
		       struct igbvfio_rx_shadow *rx)
{
	u32 srrctl = igbvfio_rd(dev, IGBVF_SRRCTL(q));
	u32 type = srrctl & IGBVF_SRRCTL_DESCTYPE;

	rx->packet_size = (srrctl & IGBVF_SRRCTL_BSIZEPKT) << 10;
	if (!rx->packet_size)
		rx->packet_size = IGBVF_RCTL_MAX_BUFFER;
	rx->header_size = 0;
	if (type != IGBVF_SRRCTL_DESCTYPE_LEGACY &&
	    type != IGBVF_SRRCTL_DESCTYPE_ONEBUF)
		rx->header_size = 64 * (srrctl >> IGBVF_SRRCTL_BSIZEHDR_SHIFT &
					IGBVF_SRRCTL_BSIZEHDR);
}

/* Forget slots that were written before the log knew of them. */
static void drop_written(struct igbvfio_device *dev,
			 struct igbvfio_rx_shadow *rx, u32 head)
{
	__le64 descriptors[DESCRIPTOR_BATCH][2];
	u32 i, n, first = rx->harvest;

	while (first != head) {
		n = batch(rx, first, head);
		if (read_descriptors(dev, rx, first, n, descriptors)) {
			lose(dev, "the receive ring is not readable");
			return;
		}
		for (i = 0; i < n; i++, first = next(rx, first))
			if (le64_to_cpu(descriptors[i][1]) & IGBVF_RXD_DD)
				rx->slots[first].packet = IGBVFIO_SLOT_FREE;
	}
}

/**
 * igbvfio_dirty_resync() - start over with a receive ring
 * @dev: device
 * @q: queue
 *
 * Called at START, and before a queue is enabled, when the ring's registers
 * hold what the device will use.
 */
void igbvfio_dirty_resync(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvfio_rx_shadow *rx = &dev->log.rx[q];
	u32 i, head, tail;

	if (!dev->log.active)
		return;
	igbvfio_dirty_before_ring_change(dev, q);
	rx->count = ring_length(dev, q);
	rx->base = igbvfio_rd(dev, IGBVF_RDBAL(q)) |
		   (u64)igbvfio_rd(dev, IGBVF_RDBAH(q)) << 32;
	head = igbvfio_rd(dev, IGBVF_RDH(q)) & IGBVF_HEAD_MASK;
	tail = dev->quiesced ? dev->image.rx[q].tail :
			       igbvfio_rd(dev, IGBVF_RDT(q));
	tail &= IGBVF_HEAD_MASK;
	/* A ring that the device cannot walk writes nothing. */
	if (!rx->count || rx->count > IGBVF_RING_MAX_DESCRIPTORS ||
	    head >= rx->count || tail >= rx->count) {
		drop(rx);
		return;
	}
	read_sizes(dev, q, rx);
	rx->slots = kvmalloc_array(rx->count, sizeof(*rx->slots),
				   GFP_KERNEL_ACCOUNT);
	if (!rx->slots) {
		drop(rx);
		lose(dev, "out of memory");
		return;
	}
	for (i = 0; i < rx->count; i++)
		rx->slots[i].packet = IGBVFIO_SLOT_FREE;
	rx->retire = head;
	rx->pending = 0;
	rx->harvest = head;
	rx->tail = head;
	record(dev, rx, tail);

	/* Slots passed while they were read hold a write-back, not addresses:
	 * that write came before the log began. Where DD is not there yet, the
	 * address still is, and the slot stays.
	 */
	head = igbvfio_rd(dev, IGBVF_RDH(q)) & IGBVF_HEAD_MASK;
	if (head < rx->count && distance(rx, rx->harvest, head) <=
				distance(rx, rx->harvest, rx->tail))
		drop_written(dev, rx, head);
}

/**
 * igbvfio_dirty_before_ring_change() - a receive ring is about to go away
 * @dev: device
 * @q: queue
 */
void igbvfio_dirty_before_ring_change(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvfio_rx_shadow *rx = &dev->log.rx[q];

	if (!rx->slots)
		return;
	harvest(dev, q);
	finish_ring(dev, rx);
}

/**
 * igbvfio_dirty_posted() - the tail is about to move
 * @dev: device
 * @q: queue
 * @tail: value that the register will get
 */
void igbvfio_dirty_posted(struct igbvfio_device *dev, unsigned int q, u32 tail)
{
	struct igbvfio_rx_shadow *rx = &dev->log.rx[q];

	if (!rx->slots) {
		if (dev->log.active && rx_is_on(dev, q))
			lose(dev, "a receive ring that made no sense is in use");
		return;
	}
	tail &= IGBVF_HEAD_MASK;
	harvest(dev, q);
	if (tail >= rx->count) {
		lose(dev, "the guest set a tail outside its ring");
		return;
	}
	record(dev, rx, tail);
}

/**
 * igbvfio_dirty_vf_reset() - let the guest reset its VF by CTRL.RST
 * @dev: device
 * @reg: CTRL or its alias
 * @value: what the guest writes there
 *
 * Frames may arrive until the reset takes effect, so the heads are read before
 * and after. A head that stands at the start afterwards was reset itself, or
 * cannot be told from one: then all that the device owned counts as written.
 */
void igbvfio_dirty_vf_reset(struct igbvfio_device *dev, u32 reg, u32 value)
{
	unsigned int q;

	for (q = 0; q < dev->ident.queues; q++)
		harvest(dev, q);
	igbvfio_wr(dev, reg, value);
	for (q = 0; q < dev->ident.queues; q++) {
		struct igbvfio_rx_shadow *rx = &dev->log.rx[q];
		u32 head = igbvfio_rd(dev, IGBVF_RDH(q)) & IGBVF_HEAD_MASK;

		if (!rx->slots)
			continue;
		if (head >= rx->count || (!head && rx->harvest) ||
		    distance(rx, rx->harvest, head) >
		    distance(rx, rx->harvest, rx->tail))
			head = rx->tail;
		advance(dev, rx, head);
		finish_ring(dev, rx);
	}
}

/**
 * igbvfio_dirty_reset() - a function level reset has happened
 * @dev: device
 *
 * Its heads are gone: take every buffer that it owned for written. The log
 * goes on.
 */
void igbvfio_dirty_reset(struct igbvfio_device *dev)
{
	unsigned int q;
	u32 i;

	for (q = 0; q < dev->ident.queues; q++) {
		struct igbvfio_rx_shadow *rx = &dev->log.rx[q];

		for (i = 0; rx->slots && i < rx->count; i++)
			mark_slot(dev, rx, i);
		drop(rx);
	}
}

/*
 * Transmit rings are mapped to the user, so which descriptors were written back
 * is not seen: mark the whole ring while it is on, and once more afterwards.
 */
static void mark_tx(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvfio_tx_shadow *last = &dev->log.tx[q];
	struct igbvfio_tx_shadow now = {};
	u32 control = dev->quiesced ? dev->image.tx[q].txdctl :
				      igbvfio_rd(dev, IGBVF_TXDCTL(q));

	mark(dev, last->base, last->length);
	if (last->head_writeback & IGBVF_TDWBAL_ENABLE)
		mark(dev, last->head_writeback & ~(u64)IGBVF_TDWBAL_FLAGS, sizeof(u32));

	if (control & IGBVF_QUEUE_ENABLE) {
		now.base = igbvfio_rd(dev, IGBVF_TDBAL(q)) |
			   (u64)igbvfio_rd(dev, IGBVF_TDBAH(q)) << 32;
		now.length = min_t(u32, igbvfio_rd(dev, IGBVF_TDLEN(q)),
				   IGBVF_RING_MAX_LENGTH);
		now.head_writeback = igbvfio_rd(dev, IGBVF_TDWBAL(q)) |
				     (u64)igbvfio_rd(dev, IGBVF_TDWBAH(q)) << 32;
		mark(dev, now.base, now.length);
		if (now.head_writeback & IGBVF_TDWBAL_ENABLE)
			mark(dev, now.head_writeback & ~(u64)IGBVF_TDWBAL_FLAGS,
			     sizeof(u32));
	}
	*last = now;
}

/* Move what is dirty in [iova, iova + length) to the user's bitmap. */
static u64 report_range(struct igbvfio_device *dev, u64 iova, u64 length,
			struct iova_bitmap *bitmap)
{
	struct igbvfio_log *log = &dev->log;
	u64 first = iova >> LOG_PAGE_SHIFT;
	u64 last = (iova + length - 1) >> LOG_PAGE_SHIFT;
	unsigned long index;
	void *entry;
	u64 pages = 0;

	xa_for_each_range(&log->dirty, index, entry, first / LOG_PAGES_PER_ENTRY,
			  last / LOG_PAGES_PER_ENTRY) {
		unsigned long value = xa_to_value(entry);
		unsigned long left = value;
		unsigned int bit;

		for_each_set_bit(bit, &value, LOG_PAGES_PER_ENTRY) {
			u64 page = (u64)index * LOG_PAGES_PER_ENTRY + bit;
			u64 start = max(page << LOG_PAGE_SHIFT, iova);
			u64 end = min((page + 1) << LOG_PAGE_SHIFT, iova + length);

			if (page < first || page > last)
				continue;
			dev->bitmap_set(bitmap, start, end - start);
			left &= ~(1UL << bit);
			pages++;
		}
		if (left) {
			xa_store(&log->dirty, index, xa_mk_value(left),
				 GFP_KERNEL_ACCOUNT);
		} else {
			xa_erase(&log->dirty, index);
			log->entries--;
		}
	}
	return pages;
}

static int log_read_and_clear(struct vfio_device *core_vdev, unsigned long iova,
			      unsigned long length, struct iova_bitmap *dirty)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);
	unsigned int q;
	u64 pages;

	if (!length)
		return 0;
	igbvfio_lock_regs(dev);
	if (!dev->log.active) {
		igbvfio_unlock_regs(dev);
		return -EINVAL;
	}
	for (q = 0; q < dev->ident.queues; q++) {
		harvest(dev, q);
		retire(dev, q);
		mark_tx(dev, q);
	}
	if (dev->log.lost) {
		dev->bitmap_set(dirty, iova, length);
		pages = DIV_ROUND_UP(length, LOG_PAGE_SIZE);
	} else {
		pages = report_range(dev, iova, length, dirty);
	}
	dev->counters.dirty_pages += pages;
	dev->counters.reports++;
	trace_igbvfio_dirty_report(&dev->core.pdev->dev, iova, length, pages);
	igbvfio_unlock_regs(dev);
	return 0;
}

static int log_start(struct vfio_device *core_vdev, struct rb_root_cached *ranges,
		     u32 nnodes, u64 *page_size)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);
	unsigned int q;
	int ret = 0;

	/* The core checks neither. */
	if (!is_power_of_2(*page_size) || *page_size < LOG_PAGE_SIZE)
		return -EINVAL;
	/* Without an IOMMU guest memory cannot be read. */
	if (!device_iommu_mapped(&dev->core.pdev->dev))
		return -EOPNOTSUPP;

	igbvfio_lock_regs(dev);
	if (dev->log.active) {
		ret = -EINVAL;
		goto unlock;
	}
	dev->log.active = true;
	dev->log.lost = false;
	dev->counters.dirty_pages = 0;
	dev->counters.reports = 0;
	for (q = 0; q < dev->ident.queues; q++) {
		/* One that is off may have a former user's ring. */
		if (rx_is_on(dev, q))
			igbvfio_dirty_resync(dev, q);
		mark_tx(dev, q);
	}
unlock:
	igbvfio_unlock_regs(dev);
	return ret;
}

static int log_stop(struct vfio_device *core_vdev)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);

	igbvfio_lock_regs(dev);
	igbvfio_dirty_stop(dev);
	igbvfio_unlock_regs(dev);
	return 0;
}

/** igbvfio_dirty_init() - once, before the device is registered */
void igbvfio_dirty_init(struct igbvfio_device *dev)
{
	xa_init_flags(&dev->log.dirty, XA_FLAGS_ACCOUNT);
}

/** igbvfio_dirty_stop() - end the log and give its memory back */
void igbvfio_dirty_stop(struct igbvfio_device *dev)
{
	unsigned int q;

	for (q = 0; q < IGBVF_MAX_QUEUES; q++)
		drop(&dev->log.rx[q]);
	memset(dev->log.tx, 0, sizeof(dev->log.tx));
	xa_destroy(&dev->log.dirty);
	dev->log.entries = 0;
	dev->log.active = false;
	dev->log.lost = false;
}

const struct vfio_log_ops igbvfio_log_ops = {
	.log_start = log_start,
	.log_stop = log_stop,
	.log_read_and_clear = log_read_and_clear,
};
