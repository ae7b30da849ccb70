/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The migration data of an Intel 82576 / I350 virtual function.
 *
 * This header is the only place that knows the layout. It is shared by the
 * kernel module, by `vferry decode`, by the unit tests and by the fuzzers.
 * docs/state-format.md explains every field: who writes it, who validates it.
 *
 * All integers are little-endian, all structures are packed by construction
 * (no implicit padding), all reserved bits and bytes are zero. A stream is a
 * sequence of sections, each a struct igbvf_section_header and its payload, in
 * strictly ascending order of type: first IDENT, last END.
 */
#ifndef IGBVF_STATE_FORMAT_H
#define IGBVF_STATE_FORMAT_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <asm/types.h>
#include <linux/types.h>
#endif

/* "igbvfmig" in memory order. */
#define IGBVF_STATE_MAGIC		0x67696d6676626769ULL

/* A different major version is refused; a higher minor one may carry optional
 * sections that the reader does not know.
 */
#define IGBVF_STATE_MAJOR		1
#define IGBVF_STATE_MINOR		0

/* Bound of a whole stream, in bytes. A writer never exceeds it. */
#define IGBVF_STATE_MAX_SIZE		4096

enum igbvf_section_type {
	IGBVF_SECTION_IDENT	= 1,	/* what the device is; sent in PRE_COPY */
	IGBVF_SECTION_MAILBOX	= 2,	/* what the PF driver holds for the VF */
	IGBVF_SECTION_RX_QUEUES	= 3,
	IGBVF_SECTION_TX_QUEUES	= 4,
	IGBVF_SECTION_INTERRUPTS = 5,
	IGBVF_SECTION_STATISTICS = 6,
	IGBVF_SECTION_END	= 0xffff,
};

/* A reader that does not know the type skips the section. Never set on the
 * types above.
 */
#define IGBVF_SECTION_OPTIONAL		0x0001

struct igbvf_section_header {
	__le32 type;
	__le16 version;		/* of the payload's layout, 1 */
	__le16 flags;		/* IGBVF_SECTION_OPTIONAL */
	__le32 length;		/* of the payload, in bytes */
	__le32 crc;		/* CRC-32 (IEEE 802.3) of header with crc = 0, then payload */
};

#define IGBVF_SECTION_VERSION		1

/* Features of the source that the destination must know to take the state. */
#define IGBVF_FEATURE_MAILBOX		0x00000001	/* PF state by mailbox replay */
#define IGBVF_FEATURES_KNOWN		IGBVF_FEATURE_MAILBOX

struct igbvf_section_ident {
	__le64 magic;
	__le16 major;
	__le16 minor;
	__le16 vendor;		/* PCI ids of the VF */
	__le16 device;
	__le32 features;	/* IGBVF_FEATURE_* */
	__u8 queues;		/* RX/TX queue pairs of the VF: 82576 2, I350 1 */
	__u8 reserved[3];
};

#define IGBVF_MAX_QUEUES		2
#define IGBVF_MAILBOX_WORDS		16
#define IGBVF_MAX_MULTICAST		30	/* hashes that one message carries */
#define IGBVF_MAX_UNICAST		32	/* additional MAC filters; the PF has fewer */
#define IGBVF_VLAN_WORDS		128	/* one bit a VLAN id */
#define IGBVF_ETH_ALEN			6

/* struct igbvf_section_mailbox.flags */
#define IGBVF_MBX_CTS			0x00000001	/* RESET was answered */
#define IGBVF_MBX_MAC_VALID		0x00000002	/* mac holds the primary address */
#define IGBVF_MBX_LPE			0x00000004	/* max_frame was set */
#define IGBVF_MBX_MULTICAST		0x00000008	/* a multicast list was set */
#define IGBVF_MBX_PROMISC_MULTICAST	0x00000010	/* all multicast accepted */
#define IGBVF_MBX_PENDING		0x00000020	/* memory holds an unanswered request */
#define IGBVF_MBX_VFU			0x00000040	/* the guest holds the buffer */
#define IGBVF_MBX_MULTICAST_OVERFLOW	0x00000080	/* more than 30: all multicast */
#define IGBVF_MBX_FLAGS_KNOWN		0x000000ff

struct igbvf_section_mailbox {
	__le32 flags;		/* IGBVF_MBX_* */
	__le32 latched;		/* read-to-clear bits of V2PMAILBOX that the guest has not read */
	__le32 max_frame;	/* bytes, with IGBVF_MBX_LPE */
	__u8 mac[IGBVF_ETH_ALEN];
	__u8 unicast_count;
	__u8 multicast_count;
	__le16 multicast[IGBVF_MAX_MULTICAST];	/* 12-bit hashes */
	__u8 unicast[IGBVF_MAX_UNICAST][IGBVF_ETH_ALEN];
	__le32 memory[IGBVF_MAILBOX_WORDS];	/* VMBMEM */
	__le32 vlans[IGBVF_VLAN_WORDS];
};

struct igbvf_section_rx_queue {
	__le64 base;		/* IOVA of the ring, 128-byte aligned */
	__le32 length;		/* bytes, a multiple of 128, at most 512 KiB */
	__le32 srrctl;
	__le32 head;		/* descriptors */
	__le32 tail;
	__le32 rxdctl;
	__le32 dca_rxctrl;	/* relaxed ordering and no-snoop bits only */
};

struct igbvf_section_tx_queue {
	__le64 base;
	__le64 head_writeback;	/* TDWBAH:TDWBAL; bit 0 enables it */
	__le32 length;
	__le32 head;
	__le32 tail;
	__le32 txdctl;
	__le32 dca_txctrl;
	__le32 reserved;
};

#define IGBVF_MSIX_VECTORS		3

struct igbvf_section_interrupts {
	__le32 eims;
	__le32 eiac;
	__le32 eiam;
	__le32 eitr[IGBVF_MSIX_VECTORS];
	__le32 ivar0;
	__le32 ivar_misc;
	__le32 psrtype;
	__le32 reserved;
};

/* In the order of the registers' offsets. */
enum igbvf_statistic {
	IGBVF_STAT_GPRC,	/* 0xf10 good packets received */
	IGBVF_STAT_GPTC,	/* 0xf14 good packets transmitted */
	IGBVF_STAT_GORC,	/* 0xf18 good octets received */
	IGBVF_STAT_GOTC,	/* 0xf34 good octets transmitted */
	IGBVF_STAT_MPRC,	/* 0xf3c multicast packets received */
	IGBVF_STAT_GPRLBC,	/* 0xf40 good packets received, loopback */
	IGBVF_STAT_GPTLBC,	/* 0xf44 good packets transmitted, loopback */
	IGBVF_STAT_GORLBC,	/* 0xf48 good octets received, loopback */
	IGBVF_STAT_GOTLBC,	/* 0xf50 good octets transmitted, loopback */
	IGBVF_STATISTICS,
};

struct igbvf_section_statistics {
	__le32 value[IGBVF_STATISTICS];	/* as the guest last could read them */
	__le32 reserved;
};

struct igbvf_section_end {
	__le32 sections;	/* number of sections before this one */
	__le32 length;		/* bytes before this section */
};

#endif
