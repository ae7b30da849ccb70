/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading and writing of migration data: pure code, no register, no lock, no
 * allocation. It compiles in the kernel and in userspace.
 */
#ifndef IGBVF_STATE_STREAM_H
#define IGBVF_STATE_STREAM_H

#include "state_format.h"
#include "regs.h"

#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
#endif

/* What a device is, and what must match between source and destination. */
struct igbvf_ident {
	u16 vendor;
	u16 device;
	u8 queues;
	u32 features;
};

/* State that only the PF driver holds, known from the mailbox's messages. */
struct igbvf_mailbox_state {
	u32 flags;		/* IGBVF_MBX_* */
	u32 latched;		/* IGBVF_MBX_R2C bits */
	u32 max_frame;		/* bytes */
	u8 mac[IGBVF_ETH_ALEN];
	u8 unicast_count;
	u8 multicast_count;
	u16 multicast[IGBVF_MAX_MULTICAST];
	u8 unicast[IGBVF_MAX_UNICAST][IGBVF_ETH_ALEN];
	u32 memory[IGBVF_MAILBOX_WORDS];
	u32 vlans[IGBVF_VLAN_WORDS];
};

struct igbvf_rx_queue_state {
	u64 base;
	u32 length;
	u32 srrctl;
	u32 head;
	u32 tail;
	u32 rxdctl;
	u32 dca_rxctrl;
};

struct igbvf_tx_queue_state {
	u64 base;
	u64 head_writeback;
	u32 length;
	u32 head;
	u32 tail;
	u32 txdctl;
	u32 dca_txctrl;
};

struct igbvf_interrupt_state {
	u32 eims;
	u32 eiac;
	u32 eiam;
	u32 eitr[IGBVF_MSIX_VECTORS];
	u32 ivar0;
	u32 ivar_misc;
	u32 psrtype;
};

/* The whole device state in host byte order. */
struct igbvf_state {
	struct igbvf_ident ident;
	struct igbvf_mailbox_state mailbox;
	struct igbvf_rx_queue_state rx[IGBVF_MAX_QUEUES];
	struct igbvf_tx_queue_state tx[IGBVF_MAX_QUEUES];
	struct igbvf_interrupt_state interrupts;
	u32 statistics[IGBVF_STATISTICS];
};

/**
 * struct igbvf_stream_reader - progress of one stream
 * @want: identity of the device that shall take the state
 * @state: what the sections read so far say; whole once @complete
 * @offset: bytes consumed, always at the start of a section
 * @sections: sections consumed
 * @last_type: type of the last section
 * @seen: bit n is set once the n-th mandatory section was read
 * @have_ident: the identity was read and fits @want
 * @complete: END was read and every check passed
 * @why: after an error one short line, for a human; static text
 */
struct igbvf_stream_reader {
	struct igbvf_ident want;
	struct igbvf_state state;
	size_t offset;
	u32 sections;
	u32 last_type;
	u32 seen;
	bool have_ident;
	bool complete;
	const char *why;
};

/**
 * igbvf_ident_of() - identity of a VF by its PCI ids
 * @vendor: PCI vendor id
 * @device: PCI device id
 * @ident: filled in on success
 *
 * Return: 0, or -ENODEV where the ids are not those of a supported VF.
 */
int igbvf_ident_of(u16 vendor, u16 device, struct igbvf_ident *ident);

/**
 * igbvf_stream_write_ident() - write the section that PRE_COPY sends
 * @ident: identity of the source
 * @buf: where to
 * @size: bytes at @buf
 *
 * Return: bytes written, or -ENOSPC.
 */
int igbvf_stream_write_ident(const struct igbvf_ident *ident, u8 *buf,
			     size_t size);

/**
 * igbvf_stream_write() - write a whole stream
 * @state: what to write; its fields obey igbvf_state_check()
 * @buf: where to; IGBVF_STATE_MAX_SIZE bytes always suffice
 * @size: bytes at @buf
 *
 * The first bytes equal what igbvf_stream_write_ident() writes.
 *
 * Return: bytes written, or -ENOSPC.
 */
int igbvf_stream_write(const struct igbvf_state *state, u8 *buf, size_t size);

/**
 * igbvf_stream_size() - bytes of a whole stream of a device
 * @ident: the device
 *
 * Return: the exact size; it depends on the number of queues only.
 */
size_t igbvf_stream_size(const struct igbvf_ident *ident);

/** igbvf_stream_reader_init() - start over, for a device with identity @want */
void igbvf_stream_reader_init(struct igbvf_stream_reader *reader,
			      const struct igbvf_ident *want);

/**
 * igbvf_stream_read() - consume the sections that have arrived whole
 * @reader: progress; call again with the same buffer grown by new bytes
 * @buf: the stream from its first byte
 * @length: bytes at @buf so far, at most IGBVF_STATE_MAX_SIZE
 *
 * Nothing of @reader->state may be used for a device before @complete.
 *
 * Return: 0 when all is well so far (see @complete), -EINVAL for a stream that
 * is malformed or carries values that no device can have, -EMEDIUMTYPE for one
 * of another format version, -ENODEV for one of another kind of device,
 * -EBADMSG for a checksum that does not match.
 */
int igbvf_stream_read(struct igbvf_stream_reader *reader, const u8 *buf,
		      size_t length);

/**
 * igbvf_state_check() - are all values ones that a device can have?
 * @state: state to check; @state->ident.queues queues are looked at
 * @why: set to a static line when the answer is no
 *
 * Return: 0 or -EINVAL.
 */
int igbvf_state_check(const struct igbvf_state *state, const char **why);

/**
 * igbvf_state_mask() - drop the bits that migration data does not carry
 * @state: state as read from a device
 */
void igbvf_state_mask(struct igbvf_state *state);

#endif
