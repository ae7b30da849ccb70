/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * igbvf_vfio_pci: VFIO PCI variant driver for the virtual functions of Intel
 * 82576 and I350. docs/driver.md explains the operating model.
 *
 * Locks, outermost first:
 *   state_mutex	migration state and both migration files
 *   regs_lock		trapped registers: mailbox, statistics, RX rings, dirty log
 *   core.memory_lock	(vfio-pci-core) read side, for one register access
 *   reset_lock		(spinlock) the flags that a reset leaves for others
 * A reset runs with memory_lock held for write, so it takes none of the two
 * mutexes: it leaves flags, and whoever next takes or drops a mutex acts on them.
 */
#ifndef IGBVFIO_H
#define IGBVFIO_H

#include <linux/if_ether.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "compat.h"
#include "regs.h"
#include "state_stream.h"

#define IGBVFIO_STATES		8	/* enum vfio_device_mig_state, all of it */

/**
 * struct igbvfio_arc - what one arc of the state machine cost
 * @count: times it was taken
 * @last_ns: duration of the last time
 * @max_ns: longest duration
 */
struct igbvfio_arc {
	u64 count;
	u64 last_ns;
	u64 max_ns;
};

/**
 * struct igbvfio_counters - for a support engineer, in debugfs
 * @trapped_reads: dwords of trapped pages read by the user
 * @trapped_writes: dwords written
 * @messages: requests of the guest to the PF
 * @messages_refused: answered with NACK
 * @replayed: messages sent to the PF on behalf of a migrated guest
 * @dirty_pages: pages set in bitmaps since the log was last started
 * @reports: ranges reported since then
 * @log_lost: times that precise tracking was given up
 * @streams_saved: streams written by this device
 * @streams_loaded: streams that this device took over
 * @streams_refused: streams refused in write()
 * @load_ns: duration of the last load, replay through the PF included
 * @stream_bytes: size of the last stream saved or loaded
 * @resets: resets seen
 */
struct igbvfio_counters {
	u64 trapped_reads;
	u64 trapped_writes;
	u64 messages;
	u64 messages_refused;
	u64 replayed;
	u64 dirty_pages;
	u64 reports;
	u64 log_lost;
	u64 streams_saved;
	u64 streams_loaded;
	u64 streams_refused;
	u64 load_ns;
	u64 stream_bytes;
	u64 resets;
};

/* Nothing outstanding in a slot of the RX shadow. */
#define IGBVFIO_SLOT_FREE	U64_MAX

/**
 * struct igbvfio_slot - buffers of one receive descriptor that the device owns
 * @packet: IOVA of the packet buffer, or IGBVFIO_SLOT_FREE
 * @header: IOVA of the header buffer; used with header split only
 */
struct igbvfio_slot {
	u64 packet;
	u64 header;
};

/**
 * struct igbvfio_rx_shadow - what the device may write through one RX ring
 * @slots: @count slots, or NULL while the ring is not tracked
 * @base: IOVA of the ring
 * @count: descriptors in the ring
 * @retire: first slot that the head has passed without its DD bit seen
 * @pending: how many there are from @retire to @harvest, which are the same
 *	slot where there is none and where it is the whole ring
 * @harvest: first slot that the head had not passed when last looked at
 * @tail: first slot not posted
 * @packet_size: bytes of a packet buffer
 * @header_size: bytes of a header buffer, 0 without header split
 */
struct igbvfio_rx_shadow {
	struct igbvfio_slot *slots;
	u64 base;
	u32 count;
	u32 retire;
	u32 pending;
	u32 harvest;
	u32 tail;
	u32 packet_size;
	u32 header_size;
};

/* A TX ring as the last report saw it: write-backs may still hit it once. */
struct igbvfio_tx_shadow {
	u64 base;
	u64 head_writeback;
	u32 length;
};

/**
 * struct igbvfio_log - dirty pages, tracked in software
 * @active: between DMA_LOGGING_START and _STOP
 * @lost: something was missed; every report marks all until the next START
 * @dirty: 32 pages an entry: index = pfn / 32, value = bitmap
 * @entries: number of entries, bounded so that a guest cannot eat memory
 * @rx: what the device may write, by receive queue
 * @tx: the same by transmit queue
 */
struct igbvfio_log {
	bool active;
	bool lost;
	struct xarray dirty;
	u32 entries;
	struct igbvfio_rx_shadow rx[IGBVF_MAX_QUEUES];
	struct igbvfio_tx_shadow tx[IGBVF_MAX_QUEUES];
};

/**
 * struct igbvfio_mailbox - the guest's conversation with the PF
 * @state: what the PF now holds for this VF, as far as the guest asked for it
 * @in_flight: @request was sent and its answer not seen
 * @request: VMBMEM when the guest rang
 * @prepared: igbvfio_mailbox_prepare() is done, and no reset has come since
 * @pf_mac: address that the PF then named, or zeroes
 */
struct igbvfio_mailbox {
	struct igbvf_mailbox_state state;
	bool in_flight;
	u32 request[IGBVF_MAILBOX_WORDS];
	bool prepared;
	u8 pf_mac[ETH_ALEN];
};

struct igbvfio_migf;

struct igbvfio_device {
	struct vfio_pci_core_device core;
	void __iomem *bar0;
	struct igbvf_ident ident;
	igbvfio_bitmap_set_t bitmap_set;	/* NULL: the kernel cannot report */

	struct mutex state_mutex;	/* the four members below */
	enum vfio_device_mig_state mig_state;
	struct igbvfio_migf *saving;
	struct igbvfio_migf *resuming;
	struct igbvfio_arc arcs[IGBVFIO_STATES][IGBVFIO_STATES];

	spinlock_t reset_lock;		/* the three members below */
	bool deferred_reset;		/* for the holder of state_mutex */
	bool deferred_error;
	bool regs_reset;		/* for the next holder of regs_lock */

	struct mutex regs_lock;		/* everything below but the last stream */
	bool quiesced;			/* queues are off by us, not by the guest */
	bool loaded;			/* image came from a stream, not from the device */
	bool eims_tells;		/* while loaded: EIMS reads back what is enabled */
	struct igbvf_state image;	/* valid while quiesced */
	u32 statistics_offset[IGBVF_STATISTICS];
	struct igbvfio_mailbox mailbox;
	struct igbvfio_log log;
	struct igbvfio_counters counters;
	/* Under state_mutex, as the counters of streams are. */
	u8 last_stream[IGBVF_STATE_MAX_SIZE];
	size_t last_stream_size;

	struct dentry *debugfs;
};

static inline struct igbvfio_device *to_igbvfio(struct vfio_device *core_vdev)
{
	return container_of(core_vdev, struct igbvfio_device, core.vdev);
}

/* main.c */
extern bool igbvfio_direct_map;

/* registers.c: one register, and the trapped pages of BAR0 */
void igbvfio_lock_regs(struct igbvfio_device *dev);
void igbvfio_unlock_regs(struct igbvfio_device *dev);
void igbvfio_enable_memory(struct igbvfio_device *dev);
u32 igbvfio_rd(struct igbvfio_device *dev, u32 reg);
void igbvfio_wr(struct igbvfio_device *dev, u32 reg, u32 value);
bool igbvfio_wait(struct igbvfio_device *dev, u32 reg, u32 mask, u32 value,
		  unsigned int usec);
bool igbvfio_trapped(loff_t offset, size_t count);
ssize_t igbvfio_read(struct vfio_device *core_vdev, char __user *buf,
		     size_t count, loff_t *ppos);
ssize_t igbvfio_write(struct vfio_device *core_vdev, const char __user *buf,
		      size_t count, loff_t *ppos);
u32 igbvfio_statistic(struct igbvfio_device *dev, enum igbvf_statistic n);
void igbvfio_set_statistic(struct igbvfio_device *dev, enum igbvf_statistic n,
			   u32 value);

/* mailbox.c */
u32 igbvfio_mailbox_read(struct igbvfio_device *dev);
void igbvfio_mailbox_write(struct igbvfio_device *dev, u32 value);
void igbvfio_mailbox_reset(struct igbvfio_device *dev);
void igbvfio_mailbox_save(struct igbvfio_device *dev,
			  struct igbvf_mailbox_state *out);
u32 igbvfio_mailbox_control(struct igbvfio_device *dev);
void igbvfio_mailbox_peek(struct igbvfio_device *dev, u32 *words,
			  unsigned int count);
bool igbvfio_mailbox_answers(u32 word, u32 request);
void igbvfio_message_mac(const u32 *message, u8 *mac);

/* replay.c */
int igbvfio_mailbox_prepare(struct igbvfio_device *dev);
int igbvfio_mailbox_replay(struct igbvfio_device *dev,
			   const struct igbvf_mailbox_state *state);

/* queues.c: stopping, starting, saving and loading the VF's own registers */
int igbvfio_quiesce(struct igbvfio_device *dev);
int igbvfio_run(struct igbvfio_device *dev);
void igbvfio_save(struct igbvfio_device *dev, struct igbvf_state *state);
int igbvfio_load(struct igbvfio_device *dev, const struct igbvf_state *state);

/* dirty.c */
extern const struct vfio_log_ops igbvfio_log_ops;
void igbvfio_dirty_init(struct igbvfio_device *dev);
void igbvfio_dirty_stop(struct igbvfio_device *dev);
void igbvfio_dirty_reset(struct igbvfio_device *dev);
void igbvfio_dirty_vf_reset(struct igbvfio_device *dev, u32 reg, u32 value);
void igbvfio_dirty_posted(struct igbvfio_device *dev, unsigned int q, u32 tail);
void igbvfio_dirty_before_ring_change(struct igbvfio_device *dev, unsigned int q);
void igbvfio_dirty_resync(struct igbvfio_device *dev, unsigned int q);

/* migration.c */
void igbvfio_lock_state(struct igbvfio_device *dev);
void igbvfio_unlock_state(struct igbvfio_device *dev);
extern const struct vfio_migration_ops igbvfio_migration_ops;
void igbvfio_migration_init(struct igbvfio_device *dev);
void igbvfio_migration_close(struct igbvfio_device *dev);
void igbvfio_migration_reset(struct igbvfio_device *dev);
void igbvfio_migration_error(struct igbvfio_device *dev);
const char *igbvfio_state_name(enum vfio_device_mig_state state);

/* debugfs.c */
void igbvfio_debugfs_init(void);
void igbvfio_debugfs_exit(void);
void igbvfio_debugfs_add(struct igbvfio_device *dev);
void igbvfio_debugfs_remove(struct igbvfio_device *dev);

#endif
