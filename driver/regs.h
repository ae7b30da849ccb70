/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of the 82576 and I350 virtual function as seen in its BAR0, and
 * the mailbox protocol that the igb PF driver speaks. Source: Intel 82576EB
 * data sheet sections 8.26 (VF registers) and 7.10.2.9 (mailbox), I350 data
 * sheet section 8.26.
 *
 * For each register the mask names the bits that this driver knows and that
 * migration data may therefore carry; everything else is left out when state
 * is saved and refused when it is loaded.
 */
#ifndef IGBVF_REGS_H
#define IGBVF_REGS_H

#define IGBVF_BAR0_SIZE			0x4000

#define IGBVF_PAGE_MAILBOX		0x0000	/* trapped: mailbox, control, statistics */
#define IGBVF_PAGE_INTERRUPT		0x1000	/* mapped */
#define IGBVF_PAGE_RX			0x2000	/* trapped: RX queues, for the dirty log */
#define IGBVF_PAGE_TX			0x3000	/* mapped */
#define IGBVF_PAGE_SIZE			0x1000

#define IGBVF_CTRL			0x0000
#define IGBVF_CTRL_DUP			0x0004
#define IGBVF_CTRL_RST			0x04000000
#define IGBVF_STATUS			0x0008
#define IGBVF_VMBMEM			0x0800
#define IGBVF_VMBMEM_END		0x0840
#define IGBVF_V2PMAILBOX		0x0c40
#define IGBVF_PSRTYPE			0x0f0c
#define IGBVF_PSRTYPE_MASK		0xe007fffe

#define IGBVF_VFGPRC			0x0f10
#define IGBVF_VFGPTC			0x0f14
#define IGBVF_VFGORC			0x0f18
#define IGBVF_VFGOTC			0x0f34
#define IGBVF_VFMPRC			0x0f3c
#define IGBVF_VFGPRLBC			0x0f40
#define IGBVF_VFGPTLBC			0x0f44
#define IGBVF_VFGORLBC			0x0f48
#define IGBVF_VFGOTLBC			0x0f50

#define IGBVF_EICS			0x1520
#define IGBVF_EIMS			0x1524
#define IGBVF_EIMC			0x1528
#define IGBVF_EIAC			0x152c
#define IGBVF_EIAM			0x1530
#define IGBVF_EICR			0x1580
#define IGBVF_VECTORS_MASK		0x00000007
#define IGBVF_EITR(n)			(0x1680 + 4 * (n))
#define IGBVF_EITR_MASK			0x0000fffc
#define IGBVF_IVAR0			0x1700
#define IGBVF_IVAR0_MASK		0x83838383
#define IGBVF_IVAR_MISC			0x1740
#define IGBVF_IVAR_MISC_MASK		0x00000083

#define IGBVF_RDBAL(q)			(0x2800 + 0x100 * (q))
#define IGBVF_RDBAH(q)			(0x2804 + 0x100 * (q))
#define IGBVF_RDLEN(q)			(0x2808 + 0x100 * (q))
#define IGBVF_SRRCTL(q)			(0x280c + 0x100 * (q))
#define IGBVF_RDH(q)			(0x2810 + 0x100 * (q))
#define IGBVF_DCA_RXCTRL(q)		(0x2814 + 0x100 * (q))
#define IGBVF_RDT(q)			(0x2818 + 0x100 * (q))
#define IGBVF_RXDCTL(q)			(0x2828 + 0x100 * (q))
#define IGBVF_RQDPC(q)			(0x2830 + 0x100 * (q))

#define IGBVF_TDBAL(q)			(0x3800 + 0x100 * (q))
#define IGBVF_TDBAH(q)			(0x3804 + 0x100 * (q))
#define IGBVF_TDLEN(q)			(0x3808 + 0x100 * (q))
#define IGBVF_TDH(q)			(0x3810 + 0x100 * (q))
#define IGBVF_DCA_TXCTRL(q)		(0x3814 + 0x100 * (q))
#define IGBVF_TDT(q)			(0x3818 + 0x100 * (q))
#define IGBVF_TXDCTL(q)			(0x3828 + 0x100 * (q))
#define IGBVF_TDWBAL(q)			(0x3838 + 0x100 * (q))
#define IGBVF_TDWBAH(q)			(0x383c + 0x100 * (q))

/* Descriptor rings: 16-byte descriptors, 8.10.7 and 8.12.9. */
#define IGBVF_DESCRIPTOR_SIZE		16
#define IGBVF_RING_ALIGN		128
#define IGBVF_RING_MAX_LENGTH		0x80000
#define IGBVF_RING_MAX_DESCRIPTORS	(IGBVF_RING_MAX_LENGTH / IGBVF_DESCRIPTOR_SIZE)
#define IGBVF_HEAD_MASK			0x0000ffff

#define IGBVF_QUEUE_ENABLE		0x02000000
#define IGBVF_RXDCTL_MASK		0x021f1f1f	/* thresholds, enable */
#define IGBVF_TXDCTL_MASK		0x021f1f1f
#define IGBVF_DCA_RXCTRL_MASK		0x0000ff00	/* ordering bits, no DCA target */
#define IGBVF_DCA_TXCTRL_MASK		0x00003f00
#define IGBVF_TDWBAL_ENABLE		0x00000001
#define IGBVF_TDWBAL_FLAGS		0x00000003

#define IGBVF_SRRCTL_MASK		0xdff03f7f
#define IGBVF_SRRCTL_BSIZEPKT		0x0000007f	/* KiB; 0: the PF's RCTL decides */
#define IGBVF_SRRCTL_BSIZEHDR_SHIFT	8
#define IGBVF_SRRCTL_BSIZEHDR		0x0000003f	/* 64 bytes each */
#define IGBVF_SRRCTL_DESCTYPE		0x0e000000
#define IGBVF_SRRCTL_DESCTYPE_LEGACY	0x00000000
#define IGBVF_SRRCTL_DESCTYPE_ONEBUF	0x02000000
#define IGBVF_SRRCTL_DESCTYPE_MAX	0x0a000000	/* header split always */
#define IGBVF_RCTL_MAX_BUFFER		16384		/* RCTL.BSIZE at its largest */

/* Write-back form of a receive descriptor, second quadword: 7.1.5.2. */
#define IGBVF_RXD_DD			0x00000001ULL
#define IGBVF_RXD_EOP			0x00000002ULL

/* V2PMAILBOX. The read-to-clear bits vanish when anyone reads the register. */
#define IGBVF_MBX_BIT_REQ		0x00000001
#define IGBVF_MBX_BIT_ACK		0x00000002
#define IGBVF_MBX_BIT_VFU		0x00000004
#define IGBVF_MBX_BIT_PFU		0x00000008
#define IGBVF_MBX_BIT_PFSTS		0x00000010
#define IGBVF_MBX_BIT_PFACK		0x00000020
#define IGBVF_MBX_BIT_RSTI		0x00000040
#define IGBVF_MBX_BIT_RSTD		0x00000080
#define IGBVF_MBX_R2C			0x000000b0

/* Word 0 of a message. */
#define IGBVF_MSG_ACK			0x80000000
#define IGBVF_MSG_NACK			0x40000000
#define IGBVF_MSG_CTS			0x20000000
#define IGBVF_MSG_TYPE			0x0000ffff
#define IGBVF_MSG_INFO_SHIFT		16
#define IGBVF_MSG_INFO			0x00ff0000

#define IGBVF_MSG_RESET			0x01
#define IGBVF_MSG_SET_MAC		0x02
#define IGBVF_MSG_SET_MULTICAST		0x03
#define IGBVF_MSG_SET_VLAN		0x04
#define IGBVF_MSG_SET_LPE		0x05
#define IGBVF_MSG_SET_PROMISC		0x06
#define IGBVF_MSG_PF_CONTROL		0x0100

#define IGBVF_ANSWER_WORDS		3	/* the longest answer: RESET's */

/* Info byte of SET_MAC and SET_PROMISC. */
#define IGBVF_MAC_FILTER_CLEAR		1
#define IGBVF_MAC_FILTER_ADD		2
#define IGBVF_PROMISC_MULTICAST		2

#define IGBVF_MAX_FRAME			0x3f00	/* the PF caps SET_LPE here */

/* PCI ids: VFs of the 82576 and of the I350, bare metal and Hyper-V forms. */
#define IGBVF_DEV_82576_VF		0x10ca
#define IGBVF_DEV_82576_VF_HV		0x152d
#define IGBVF_DEV_I350_VF		0x1520
#define IGBVF_DEV_I350_VF_HV		0x152f

#endif
