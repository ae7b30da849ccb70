// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VF's own registers: stopping and starting the queues, saving and loading.
 *
 * Quiesced means that the queues are off, so that the device neither reads nor
 * writes memory, while the guest's view of them is kept in dev->image. Running
 * again takes everything from the image: on the source after a migration that
 * failed, on the destination after a load.
 *
 * Everything here runs under regs_lock.
 */
#include "igbvfio.h"

#include <linux/delay.h>

/* An idle queue stops within microseconds; one in the middle of a frame when
 * that frame is through.
 */
#define QUEUE_TIMEOUT_US	20000
/* Frames that the guest has posted and the wire does not take (link down,
 * flow control) stay in the ring and are sent by the destination.
 */
#define DRAIN_TIMEOUT_US	1000

static u64 rd64(struct igbvfio_device *dev, u32 low, u32 high)
{
	return igbvfio_rd(dev, low) | (u64)igbvfio_rd(dev, high) << 32;
}

static void wr64(struct igbvfio_device *dev, u32 low, u32 high, u64 value)
{
	igbvfio_wr(dev, low, lower_32_bits(value));
	igbvfio_wr(dev, high, upper_32_bits(value));
}

/* STATUS is never all ones on a device that answers. */
static bool gone(struct igbvfio_device *dev)
{
	return igbvfio_rd(dev, IGBVF_STATUS) == U32_MAX;
}

static void read_rx(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvf_rx_queue_state *rx = &dev->image.rx[q];

	rx->base = rd64(dev, IGBVF_RDBAL(q), IGBVF_RDBAH(q));
	rx->length = igbvfio_rd(dev, IGBVF_RDLEN(q));
	rx->srrctl = igbvfio_rd(dev, IGBVF_SRRCTL(q));
	rx->tail = igbvfio_rd(dev, IGBVF_RDT(q));
	rx->rxdctl = igbvfio_rd(dev, IGBVF_RXDCTL(q));
	rx->dca_rxctrl = igbvfio_rd(dev, IGBVF_DCA_RXCTRL(q));
}

static void read_tx(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvf_tx_queue_state *tx = &dev->image.tx[q];

	tx->base = rd64(dev, IGBVF_TDBAL(q), IGBVF_TDBAH(q));
	tx->head_writeback = rd64(dev, IGBVF_TDWBAL(q), IGBVF_TDWBAH(q));
	tx->length = igbvfio_rd(dev, IGBVF_TDLEN(q));
	tx->tail = igbvfio_rd(dev, IGBVF_TDT(q));
	tx->txdctl = igbvfio_rd(dev, IGBVF_TXDCTL(q));
	tx->dca_txctrl = igbvfio_rd(dev, IGBVF_DCA_TXCTRL(q));
}

static void read_interrupts(struct igbvfio_device *dev)
{
	struct igbvf_interrupt_state *in = &dev->image.interrupts;
	unsigned int i;

	in->eims = igbvfio_rd(dev, IGBVF_EIMS);
	in->eiac = igbvfio_rd(dev, IGBVF_EIAC);
	in->eiam = igbvfio_rd(dev, IGBVF_EIAM);
	for (i = 0; i < IGBVF_MSIX_VECTORS; i++)
		in->eitr[i] = igbvfio_rd(dev, IGBVF_EITR(i));
	in->ivar0 = igbvfio_rd(dev, IGBVF_IVAR0);
	in->ivar_misc = igbvfio_rd(dev, IGBVF_IVAR_MISC);
	in->psrtype = igbvfio_rd(dev, IGBVF_PSRTYPE);
}

/*
 * The first buffers of a frame may be written back before its last: the device
 * keeps the rest of such a frame to itself, and it would be lost. Wait until
 * the head stands behind the end of a frame.
 */
static void wait_for_frame_end(struct igbvfio_device *dev, unsigned int q)
{
	const struct igbvf_rx_queue_state *rx = &dev->image.rx[q];
	u32 count = rx->length / IGBVF_DESCRIPTOR_SIZE;
	ktime_t end = ktime_add_us(ktime_get(), DRAIN_TIMEOUT_US);
	__le64 descriptor[2];

	do {
		u32 head = igbvfio_rd(dev, IGBVF_RDH(q));
		u32 last;

		if (head >= count)
			return;
		last = head ? head - 1 : count - 1;
		if (vfio_dma_rw(&dev->core.vdev,
				rx->base + last * IGBVF_DESCRIPTOR_SIZE,
				descriptor, sizeof(descriptor), false))
			return;
		if (!(le64_to_cpu(descriptor[1]) & IGBVF_RXD_DD) ||
		    le64_to_cpu(descriptor[1]) & IGBVF_RXD_EOP)
			return;
		usleep_range(10, 20);
	} while (ktime_before(ktime_get(), end));
}

static int stop_rx(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvf_rx_queue_state *rx = &dev->image.rx[q];

	read_rx(dev, q);
	if (rx->rxdctl & IGBVF_QUEUE_ENABLE) {
		wait_for_frame_end(dev, q);
		igbvfio_wr(dev, IGBVF_RXDCTL(q), rx->rxdctl & ~IGBVF_QUEUE_ENABLE);
		if (!igbvfio_wait(dev, IGBVF_RXDCTL(q), IGBVF_QUEUE_ENABLE, 0,
				  QUEUE_TIMEOUT_US))
			return -EIO;
	}
	rx->head = igbvfio_rd(dev, IGBVF_RDH(q));
	return 0;
}

static int stop_tx(struct igbvfio_device *dev, unsigned int q)
{
	struct igbvf_tx_queue_state *tx = &dev->image.tx[q];

	read_tx(dev, q);
	if (tx->txdctl & IGBVF_QUEUE_ENABLE) {
		igbvfio_wait(dev, IGBVF_TDH(q), IGBVF_HEAD_MASK,
			     tx->tail & IGBVF_HEAD_MASK, DRAIN_TIMEOUT_US);
		igbvfio_wr(dev, IGBVF_TXDCTL(q), tx->txdctl & ~IGBVF_QUEUE_ENABLE);
		if (!igbvfio_wait(dev, IGBVF_TXDCTL(q), IGBVF_QUEUE_ENABLE, 0,
				  QUEUE_TIMEOUT_US))
			return -EIO;
	}
	tx->head = igbvfio_rd(dev, IGBVF_TDH(q));
	return 0;
}

/* The head must stand where the ring goes on; whether silicon takes a write
 * to it is not documented, so look.
 */
static int restore_head(struct igbvfio_device *dev, u32 reg, u32 head)
{
	if ((igbvfio_rd(dev, reg) & IGBVF_HEAD_MASK) == head)
		return 0;
	igbvfio_wr(dev, reg, head);
	return (igbvfio_rd(dev, reg) & IGBVF_HEAD_MASK) == head ? 0 : -EIO;
}

static int start_rx(struct igbvfio_device *dev, unsigned int q)
{
	const struct igbvf_rx_queue_state *rx = &dev->image.rx[q];
	int ret;

	if (rx->rxdctl & IGBVF_QUEUE_ENABLE) {
		ret = restore_head(dev, IGBVF_RDH(q), rx->head);
		if (ret)
			return ret;
		/* A ring that was off when the log last looked. */
		if (!dev->log.rx[q].slots)
			igbvfio_dirty_resync(dev, q);
		igbvfio_wr(dev, IGBVF_RXDCTL(q), rx->rxdctl);
		if (!igbvfio_wait(dev, IGBVF_RXDCTL(q), IGBVF_QUEUE_ENABLE,
				  IGBVF_QUEUE_ENABLE, QUEUE_TIMEOUT_US))
			return -EIO;
	}
	/* The tail counts only once the queue is on (82576 4.5.9). */
	igbvfio_dirty_posted(dev, q, rx->tail);
	igbvfio_wr(dev, IGBVF_RDT(q), rx->tail);
	return 0;
}

static int start_tx(struct igbvfio_device *dev, unsigned int q)
{
	const struct igbvf_tx_queue_state *tx = &dev->image.tx[q];
	int ret;

	if (tx->txdctl & IGBVF_QUEUE_ENABLE) {
		ret = restore_head(dev, IGBVF_TDH(q), tx->head);
		if (ret)
			return ret;
		igbvfio_wr(dev, IGBVF_TXDCTL(q), tx->txdctl);
		if (!igbvfio_wait(dev, IGBVF_TXDCTL(q), IGBVF_QUEUE_ENABLE,
				  IGBVF_QUEUE_ENABLE, QUEUE_TIMEOUT_US))
			return -EIO;
	}
	igbvfio_wr(dev, IGBVF_TDT(q), tx->tail);
	return 0;
}

/*
 * Does EIMS read back what is enabled? QEMU's returns what was written last,
 * also where EIMC has disabled it since. A vector that the guest has disabled
 * must stay so: a cause that nobody clears would never raise it again.
 * Call with all disabled.
 */
static bool eims_tells(struct igbvfio_device *dev)
{
	igbvfio_wr(dev, IGBVF_EICR, IGBVF_VECTORS_MASK);
	igbvfio_wr(dev, IGBVF_EIMS, IGBVF_VECTORS_MASK);
	igbvfio_wr(dev, IGBVF_EIMC, U32_MAX);
	return !(igbvfio_rd(dev, IGBVF_EIMS) & IGBVF_VECTORS_MASK);
}

/*
 * Causes first cleared, the mask last. Where EIMS does not tell what is enabled,
 * EIAC does: a vector that clears itself automatically is one that the guest
 * uses. One enabled too many costs a spurious interrupt, one too few hangs.
 */
static void start_interrupts(struct igbvfio_device *dev)
{
	const struct igbvf_interrupt_state *in = &dev->image.interrupts;
	unsigned int i;

	igbvfio_wr(dev, IGBVF_EIMC, U32_MAX);
	igbvfio_wr(dev, IGBVF_EICR, IGBVF_VECTORS_MASK);
	igbvfio_wr(dev, IGBVF_IVAR0, in->ivar0);
	igbvfio_wr(dev, IGBVF_IVAR_MISC, in->ivar_misc);
	for (i = 0; i < IGBVF_MSIX_VECTORS; i++)
		igbvfio_wr(dev, IGBVF_EITR(i), in->eitr[i]);
	igbvfio_wr(dev, IGBVF_EIAC, in->eiac);
	igbvfio_wr(dev, IGBVF_EIAM, in->eiam);
	igbvfio_wr(dev, IGBVF_EIMS, (dev->eims_tells ? in->eims : 0) | in->eiac);
}

/* One queue does not stop: let all go on, without a look at heads that move. */
static void undo_stop(struct igbvfio_device *dev)
{
	unsigned int q;

	for (q = 0; q < dev->ident.queues; q++) {
		igbvfio_wr(dev, IGBVF_RXDCTL(q), dev->image.rx[q].rxdctl);
		igbvfio_wr(dev, IGBVF_RDT(q), dev->image.rx[q].tail);
		igbvfio_wr(dev, IGBVF_TXDCTL(q), dev->image.tx[q].txdctl);
	}
	dev->quiesced = false;
}

/**
 * igbvfio_quiesce() - stop all DMA of the device
 * @dev: device, running
 *
 * Return: 0, or -EIO with the device running as before.
 */
int igbvfio_quiesce(struct igbvfio_device *dev)
{
	unsigned int q;
	int ret = 0;

	if (gone(dev))
		return -EIO;
	memset(&dev->image, 0, sizeof(dev->image));
	dev->image.ident = dev->ident;
	dev->loaded = false;
	for (q = 0; q < dev->ident.queues; q++) {
		int rx = stop_rx(dev, q);
		int tx = stop_tx(dev, q);

		ret = ret ?: rx ?: tx;
	}
	dev->quiesced = true;
	if (ret)
		undo_stop(dev);
	return ret;
}

/**
 * igbvfio_run() - let the device go on from the image
 * @dev: device, quiesced
 *
 * Return: 0 or -EIO; then only a reset helps.
 */
int igbvfio_run(struct igbvfio_device *dev)
{
	unsigned int q;
	int ret = 0;

	if (!dev->quiesced)
		return 0;
	if (gone(dev))
		return -EIO;
	for (q = 0; q < dev->ident.queues; q++) {
		int rx, tx;

		/* The user may have posted frames through the mapped page. */
		if (!dev->loaded)
			dev->image.tx[q].tail = igbvfio_rd(dev, IGBVF_TDT(q));
		rx = start_rx(dev, q);
		tx = start_tx(dev, q);
		ret = ret ?: rx ?: tx;
	}
	if (dev->loaded)
		start_interrupts(dev);
	dev->loaded = false;
	dev->quiesced = false;
	/* Whatever was signalled around the stop: let the guest look. */
	igbvfio_wr(dev, IGBVF_EICS, IGBVF_VECTORS_MASK);
	return ret;
}

/**
 * igbvfio_save() - the whole device state
 * @dev: device, quiesced
 * @state: filled in; only bits that migration data carries
 */
void igbvfio_save(struct igbvfio_device *dev, struct igbvf_state *state)
{
	unsigned int q;
	unsigned int n;

	/* After a load the registers get their values only when it runs. */
	if (!dev->loaded) {
		for (q = 0; q < dev->ident.queues; q++)
			dev->image.tx[q].tail = igbvfio_rd(dev, IGBVF_TDT(q));
		read_interrupts(dev);
	}
	*state = dev->image;
	igbvfio_mailbox_save(dev, &state->mailbox);
	for (n = 0; n < IGBVF_STATISTICS; n++)
		state->statistics[n] = igbvfio_statistic(dev, n);
	igbvf_state_mask(state);
}

static int load_queue(struct igbvfio_device *dev, unsigned int q,
		      const struct igbvf_rx_queue_state *rx,
		      const struct igbvf_tx_queue_state *tx)
{
	int ret;

	igbvfio_wr(dev, IGBVF_RXDCTL(q), rx->rxdctl & ~IGBVF_QUEUE_ENABLE);
	igbvfio_wr(dev, IGBVF_TXDCTL(q), tx->txdctl & ~IGBVF_QUEUE_ENABLE);
	wr64(dev, IGBVF_RDBAL(q), IGBVF_RDBAH(q), rx->base);
	igbvfio_wr(dev, IGBVF_RDLEN(q), rx->length);
	igbvfio_wr(dev, IGBVF_SRRCTL(q), rx->srrctl);
	igbvfio_wr(dev, IGBVF_DCA_RXCTRL(q), rx->dca_rxctrl);
	wr64(dev, IGBVF_TDBAL(q), IGBVF_TDBAH(q), tx->base);
	wr64(dev, IGBVF_TDWBAL(q), IGBVF_TDWBAH(q), tx->head_writeback);
	igbvfio_wr(dev, IGBVF_TDLEN(q), tx->length);
	igbvfio_wr(dev, IGBVF_DCA_TXCTRL(q), tx->dca_txctrl);

	ret = restore_head(dev, IGBVF_RDH(q), rx->head);
	if (ret && rx->rxdctl & IGBVF_QUEUE_ENABLE)
		return ret;
	ret = restore_head(dev, IGBVF_TDH(q), tx->head);
	if (ret && tx->txdctl & IGBVF_QUEUE_ENABLE)
		return ret;
	return 0;
}

/**
 * igbvfio_load() - take over the state of another VF
 * @dev: device, quiesced
 * @state: state that igbvf_state_check() has passed
 *
 * All that can fail happens here, inside the user's write(), while the source
 * can still go on; igbvfio_run() then only enables.
 *
 * Return: 0, -EPERM where the PF refuses something, -ETIMEDOUT or -EBUSY where
 * it does not answer, -EIO where a register does not take its value.
 */
int igbvfio_load(struct igbvfio_device *dev, const struct igbvf_state *state)
{
	unsigned int q;
	unsigned int n;
	int ret;

	if (!dev->quiesced || gone(dev))
		return -EIO;
	igbvfio_wr(dev, IGBVF_EIMC, U32_MAX);
	ret = igbvfio_mailbox_replay(dev, &state->mailbox);
	if (ret)
		return ret;
	for (q = 0; q < dev->ident.queues; q++) {
		igbvfio_dirty_before_ring_change(dev, q);
		ret = load_queue(dev, q, &state->rx[q], &state->tx[q]);
		if (ret)
			return ret;
	}
	igbvfio_wr(dev, IGBVF_PSRTYPE, state->interrupts.psrtype);
	for (n = 0; n < IGBVF_STATISTICS; n++)
		igbvfio_set_statistic(dev, n, state->statistics[n]);
	dev->image = *state;
	dev->eims_tells = eims_tells(dev);
	dev->loaded = true;
	for (q = 0; q < dev->ident.queues; q++)
		igbvfio_dirty_resync(dev, q);
	return 0;
}
