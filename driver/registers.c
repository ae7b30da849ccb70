// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to the VF's registers, and the two pages of BAR0 that the user never
 * maps: page 0 (mailbox, control, statistics), so that the conversation with
 * the PF can be followed, and page 2 (receive queues), so that no buffer is
 * handed to the device unseen.
 */
#include "igbvfio.h"

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/pm_runtime.h>

static const u32 statistic_regs[IGBVF_STATISTICS] = {
	[IGBVF_STAT_GPRC] = IGBVF_VFGPRC,
	[IGBVF_STAT_GPTC] = IGBVF_VFGPTC,
	[IGBVF_STAT_GORC] = IGBVF_VFGORC,
	[IGBVF_STAT_GOTC] = IGBVF_VFGOTC,
	[IGBVF_STAT_MPRC] = IGBVF_VFMPRC,
	[IGBVF_STAT_GPRLBC] = IGBVF_VFGPRLBC,
	[IGBVF_STAT_GPTLBC] = IGBVF_VFGPTLBC,
	[IGBVF_STAT_GORLBC] = IGBVF_VFGORLBC,
	[IGBVF_STAT_GOTLBC] = IGBVF_VFGOTLBC,
};

/*
 * What a reset could not do itself, see struct igbvfio_device. The function
 * level reset has switched the queues off and made the PF forget the VF.
 */
static void regs_after_reset(struct igbvfio_device *dev)
{
	dev->quiesced = false;
	dev->loaded = false;
	memset(dev->statistics_offset, 0, sizeof(dev->statistics_offset));
	igbvfio_mailbox_reset(dev);
	igbvfio_dirty_reset(dev);
	dev->counters.resets++;
}

/**
 * igbvfio_lock_regs() - take regs_lock, and first digest a reset
 * @dev: device
 */
void igbvfio_lock_regs(struct igbvfio_device *dev)
{
	bool reset;

	mutex_lock(&dev->regs_lock);
	spin_lock(&dev->reset_lock);
	reset = dev->regs_reset;
	dev->regs_reset = false;
	spin_unlock(&dev->reset_lock);
	if (reset)
		regs_after_reset(dev);
}

void igbvfio_unlock_regs(struct igbvfio_device *dev)
{
	mutex_unlock(&dev->regs_lock);
}

/*
 * A VF has no memory enable bit of its own, so only its power state can make
 * BAR0 unreachable. memory_lock keeps resets and power changes out meanwhile.
 */
static bool reachable(struct igbvfio_device *dev)
{
	lockdep_assert_held(&dev->core.memory_lock);
	return dev->bar0 &&
	       (__force int)dev->core.pdev->current_state < (__force int)PCI_D3hot;
}

/**
 * igbvfio_enable_memory() - let the driver reach BAR0 whatever the guest has set
 * @dev: device; regs_lock is held
 *
 * A VF's memory enable bit is hard-wired to zero, its PF's bit decides (PCIe
 * 9.3.4.1.3). QEMU's igb honours the VF's own, and a VMM that is about to
 * resume a guest has it off until it loads configuration space. Setting it is
 * harmless on hardware; whoever owns the bit will write it again.
 */
void igbvfio_enable_memory(struct igbvfio_device *dev)
{
	struct pci_dev *pdev = dev->core.pdev;
	u16 command;

	/* For write: the core changes the register under this lock, too. */
	down_write(&dev->core.memory_lock);
	if (reachable(dev)) {
		pci_read_config_word(pdev, PCI_COMMAND, &command);
		if (!(command & PCI_COMMAND_MEMORY))
			pci_write_config_word(pdev, PCI_COMMAND,
					      command | PCI_COMMAND_MEMORY);
	}
	up_write(&dev->core.memory_lock);
}

/**
 * igbvfio_rd() - read one register of the device
 * @dev: device
 * @reg: byte offset in BAR0, a multiple of 4
 *
 * Return: the value; all ones where the device cannot be reached, as the bus
 * would answer.
 */
u32 igbvfio_rd(struct igbvfio_device *dev, u32 reg)
{
	u32 value = U32_MAX;

	down_read(&dev->core.memory_lock);
	if (reachable(dev))
		value = ioread32(dev->bar0 + reg);
	up_read(&dev->core.memory_lock);
	return value;
}

/**
 * igbvfio_wr() - write one register of the device
 * @dev: device
 * @reg: byte offset in BAR0, a multiple of 4
 * @value: what to write; lost where the device cannot be reached
 *
 * Lost, too, after a reset that the holder of regs_lock does not know of: what
 * it is about to start was switched off by that, and has to stay so.
 */
void igbvfio_wr(struct igbvfio_device *dev, u32 reg, u32 value)
{
	down_read(&dev->core.memory_lock);
	if (reachable(dev) && !READ_ONCE(dev->regs_reset))
		iowrite32(value, dev->bar0 + reg);
	up_read(&dev->core.memory_lock);
}

/**
 * igbvfio_wait() - wait until bits of a register have a value
 * @dev: device
 * @reg: byte offset in BAR0; reading it must have no effect
 * @mask: bits to look at
 * @value: what they shall be
 * @usec: how long to wait at most
 *
 * Return: true when they are.
 */
bool igbvfio_wait(struct igbvfio_device *dev, u32 reg, u32 mask, u32 value,
		  unsigned int usec)
{
	ktime_t end = ktime_add_us(ktime_get(), usec);

	for (;;) {
		bool late = ktime_after(ktime_get(), end);

		if ((igbvfio_rd(dev, reg) & mask) == value)
			return true;
		if (late)
			return false;
		usleep_range(10, 20);
	}
}

/**
 * igbvfio_statistic() - a statistics counter as the guest sees it
 * @dev: device; regs_lock is held
 * @n: which
 *
 * Return: packets or octets, modulo 2^32, going on where the source left off.
 */
u32 igbvfio_statistic(struct igbvfio_device *dev, enum igbvf_statistic n)
{
	return igbvfio_rd(dev, statistic_regs[n]) + dev->statistics_offset[n];
}

/**
 * igbvfio_set_statistic() - make a counter go on from a value
 * @dev: device; regs_lock is held
 * @n: which
 * @value: what the guest shall read now
 */
void igbvfio_set_statistic(struct igbvfio_device *dev, enum igbvf_statistic n,
			   u32 value)
{
	dev->statistics_offset[n] = value - igbvfio_rd(dev, statistic_regs[n]);
}

/* The statistic behind a register, or IGBVF_STATISTICS. */
static enum igbvf_statistic statistic_of(u32 reg)
{
	enum igbvf_statistic n;

	for (n = 0; n < IGBVF_STATISTICS; n++)
		if (statistic_regs[n] == reg)
			break;
	return n;
}

/* Splits an RX register into queue and the register of queue 0. */
static bool rx_register(struct igbvfio_device *dev, u32 reg, unsigned int *q,
			u32 *reg0)
{
	if (reg < IGBVF_RDBAL(0) || reg >= IGBVF_RDBAL(dev->ident.queues))
		return false;
	*q = (reg - IGBVF_RDBAL(0)) / (IGBVF_RDBAL(1) - IGBVF_RDBAL(0));
	*reg0 = reg - (IGBVF_RDBAL(*q) - IGBVF_RDBAL(0));
	return true;
}

/*
 * While the device is quiesced the guest's tail and enable bit live in the
 * image: the register must not change before the queue runs again.
 */
static u32 *quiesced_register(struct igbvfio_device *dev, u32 reg)
{
	unsigned int q;
	u32 reg0;

	if (!dev->quiesced || !rx_register(dev, reg, &q, &reg0))
		return NULL;
	if (reg0 == IGBVF_RDT(0))
		return &dev->image.rx[q].tail;
	if (reg0 == IGBVF_RXDCTL(0))
		return &dev->image.rx[q].rxdctl;
	return NULL;
}

static u32 trap_read(struct igbvfio_device *dev, u32 reg)
{
	enum igbvf_statistic n = statistic_of(reg);
	u32 *latched;

	dev->counters.trapped_reads++;
	if (n < IGBVF_STATISTICS)
		return igbvfio_statistic(dev, n);
	if (reg == IGBVF_V2PMAILBOX)
		return igbvfio_mailbox_read(dev);
	latched = quiesced_register(dev, reg);
	return latched ? *latched : igbvfio_rd(dev, reg);
}

/* The dirty log must see a buffer before the device can, hence the order. */
static void trap_write_rx(struct igbvfio_device *dev, unsigned int q, u32 reg0,
			  u32 reg, u32 value)
{
	switch (reg0) {
	case IGBVF_RDT(0):
		igbvfio_dirty_posted(dev, q, value);
		igbvfio_wr(dev, reg, value);
		break;
	case IGBVF_RXDCTL(0):
		if (value & IGBVF_QUEUE_ENABLE &&
		    !(igbvfio_rd(dev, reg) & IGBVF_QUEUE_ENABLE))
			igbvfio_dirty_resync(dev, q);
		igbvfio_wr(dev, reg, value);
		break;
	case IGBVF_RDBAL(0):
	case IGBVF_RDBAH(0):
	case IGBVF_RDLEN(0):
	case IGBVF_SRRCTL(0):
	case IGBVF_RDH(0):
		igbvfio_dirty_before_ring_change(dev, q);
		igbvfio_wr(dev, reg, value);
		/* No sane driver does this to a running queue. */
		if (igbvfio_rd(dev, IGBVF_RXDCTL(q)) & IGBVF_QUEUE_ENABLE)
			igbvfio_dirty_resync(dev, q);
		break;
	default:
		igbvfio_wr(dev, reg, value);
	}
}

static void trap_write(struct igbvfio_device *dev, u32 reg, u32 value)
{
	u32 *latched = quiesced_register(dev, reg);
	unsigned int q;
	u32 reg0;

	dev->counters.trapped_writes++;
	if (latched) {
		*latched = value;
		return;
	}
	if (rx_register(dev, reg, &q, &reg0)) {
		trap_write_rx(dev, q, reg0, reg, value);
		return;
	}
	if (reg == IGBVF_V2PMAILBOX) {
		igbvfio_mailbox_write(dev, value);
		return;
	}
	if ((reg == IGBVF_CTRL || reg == IGBVF_CTRL_DUP) &&
	    value & IGBVF_CTRL_RST) {
		igbvfio_dirty_vf_reset(dev, reg, value);
		return;
	}
	igbvfio_wr(dev, reg, value);
}

/*
 * A write narrower than the register: its other bytes. Registers whose read
 * has an effect, or is not what was written, contribute zeroes, as on a bus
 * that widens the write.
 */
static u32 other_bytes(struct igbvfio_device *dev, u32 reg)
{
	unsigned int q;
	u32 reg0;

	if (rx_register(dev, reg, &q, &reg0) && reg0 != IGBVF_RQDPC(0))
		return trap_read(dev, reg);
	if (reg >= IGBVF_VMBMEM && reg < IGBVF_VMBMEM_END)
		return trap_read(dev, reg);
	return 0;
}

/**
 * igbvfio_trapped() - does a range of BAR0 touch a trapped page?
 * @offset: first byte in BAR0
 * @count: number of bytes
 */
bool igbvfio_trapped(loff_t offset, size_t count)
{
	loff_t end = offset + count;

	return count &&
	       ((offset < IGBVF_PAGE_MAILBOX + IGBVF_PAGE_SIZE) ||
		(offset < IGBVF_PAGE_RX + IGBVF_PAGE_SIZE && end > IGBVF_PAGE_RX));
}

/* Bytes of one register, at most up to its end. */
static ssize_t trap_read_user(struct igbvfio_device *dev, char __user *buf,
			      size_t count, u32 offset)
{
	u32 shift = offset % sizeof(u32);
	size_t n = min_t(size_t, count, sizeof(u32) - shift);
	__le32 bytes;

	igbvfio_lock_regs(dev);
	bytes = cpu_to_le32(trap_read(dev, offset - shift));
	igbvfio_unlock_regs(dev);
	return copy_to_user(buf, (u8 *)&bytes + shift, n) ? -EFAULT : n;
}

static ssize_t trap_write_user(struct igbvfio_device *dev,
			       const char __user *buf, size_t count, u32 offset)
{
	u32 shift = offset % sizeof(u32);
	size_t n = min_t(size_t, count, sizeof(u32) - shift);
	u8 fresh[sizeof(u32)];
	__le32 bytes = 0;

	if (copy_from_user(fresh, buf, n))
		return -EFAULT;
	igbvfio_lock_regs(dev);
	if (n < sizeof(u32))
		bytes = cpu_to_le32(other_bytes(dev, offset - shift));
	memcpy((u8 *)&bytes + shift, fresh, n);
	trap_write(dev, offset - shift, le32_to_cpu(bytes));
	igbvfio_unlock_regs(dev);
	return n;
}

/*
 * One piece of an access: a register of a trapped page, or what lies between
 * trapped pages, which the core does.
 */
static ssize_t read_piece(struct igbvfio_device *dev, char __user *buf,
			  size_t count, loff_t *ppos)
{
	loff_t offset = *ppos & VFIO_PCI_OFFSET_MASK;
	ssize_t n;

	if (!igbvfio_trapped(offset, 1)) {
		count = min_t(size_t, count,
			      IGBVF_PAGE_SIZE - offset % IGBVF_PAGE_SIZE);
		return vfio_pci_core_read(&dev->core.vdev, buf, count, ppos);
	}
	n = trap_read_user(dev, buf, count, offset);
	if (n > 0)
		*ppos += n;
	return n;
}

static ssize_t write_piece(struct igbvfio_device *dev, const char __user *buf,
			   size_t count, loff_t *ppos)
{
	loff_t offset = *ppos & VFIO_PCI_OFFSET_MASK;
	ssize_t n;

	if (!igbvfio_trapped(offset, 1)) {
		count = min_t(size_t, count,
			      IGBVF_PAGE_SIZE - offset % IGBVF_PAGE_SIZE);
		return vfio_pci_core_write(&dev->core.vdev, buf, count, ppos);
	}
	n = trap_write_user(dev, buf, count, offset);
	if (n > 0)
		*ppos += n;
	return n;
}

static bool is_bar0(loff_t pos)
{
	return VFIO_PCI_OFFSET_TO_INDEX(pos) == VFIO_PCI_BAR0_REGION_INDEX &&
	       (pos & VFIO_PCI_OFFSET_MASK) < IGBVF_BAR0_SIZE;
}

/* The user may have put the device into low power: as in the core, an access wakes it. */
static int wake(struct igbvfio_device *dev)
{
	return pm_runtime_resume_and_get(&dev->core.pdev->dev) ? -EIO : 0;
}

static void rest(struct igbvfio_device *dev)
{
	pm_runtime_put(&dev->core.pdev->dev);
}

/** igbvfio_read() - vfio_device_ops.read: any width, any count, any alignment */
ssize_t igbvfio_read(struct vfio_device *core_vdev, char __user *buf,
		     size_t count, loff_t *ppos)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);
	size_t done = 0;
	ssize_t n;

	if (!is_bar0(*ppos))
		return vfio_pci_core_read(core_vdev, buf, count, ppos);
	n = wake(dev);
	if (n)
		return n;
	while (done < count && is_bar0(*ppos)) {
		n = read_piece(dev, buf + done, count - done, ppos);
		if (n <= 0)
			break;
		done += n;
	}
	rest(dev);
	return done ? done : n;
}

/** igbvfio_write() - vfio_device_ops.write: any width, any count, any alignment */
ssize_t igbvfio_write(struct vfio_device *core_vdev, const char __user *buf,
		      size_t count, loff_t *ppos)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);
	size_t done = 0;
	ssize_t n;

	if (!is_bar0(*ppos))
		return vfio_pci_core_write(core_vdev, buf, count, ppos);
	n = wake(dev);
	if (n)
		return n;
	while (done < count && is_bar0(*ppos)) {
		n = write_piece(dev, buf + done, count - done, ppos);
		if (n <= 0)
			break;
		done += n;
	}
	rest(dev);
	return done ? done : n;
}
