// SPDX-License-Identifier: LGPL-2.1-or-later
#include "nic.h"

#include "check.h"

#include <regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_NS 2000000000ULL

/* Prefetch, host and write-back thresholds, as igbvf sets them. */
#define RX_THRESHOLDS (16 | 8 << 8 | 1 << 16)
#define TX_THRESHOLDS (8 | 1 << 8 | 16 << 16)

/* Write-back of receive descriptors: low half's upper word, and high half. */
#define RXD_VLAN_STRIPPED 0x08
#define RXD_LENGTH_SHIFT 32
#define RXD_VLAN_SHIFT 48

/* Advanced transmit data descriptor. */
#define TXD_EOP 0x01000000
#define TXD_INSERT_FCS 0x02000000
#define TXD_REPORT_STATUS 0x08000000
#define TXD_ADVANCED 0x20000000
#define TXD_DATA 0x00300000
#define TXD_LENGTH_SHIFT 46
#define TXD_DONE (1ULL << 32)

#define TX_SLOTS 64

#define IVAR_VALID 0x80

static void wait_register(struct vf *vf, uint32_t offset, uint32_t mask, uint32_t value)
{
	uint64_t deadline = now_ns() + WAIT_NS;

	while ((vf_read(vf, offset) & mask) != value)
		CHECK_IN(now_ns() < deadline, "register 0x%x of %s", offset, vf->address);
}

/* The PF's side of a reset: RESET, and the MAC if the administrator gave none.
 * False if the PF does not answer. */
static bool shake_hands(struct nic *nic)
{
	if (mailbox_reset(&nic->mailbox, nic->mac))
		return true;
	mac_random(nic->mac);
	return mailbox_try_mac(&nic->mailbox, nic->mac);
}

void nic_start(struct nic *nic, struct vf *vf, struct iommu *iommu)
{
	uint64_t deadline = now_ns() + WAIT_NS;

	*nic = (struct nic){ .vf = vf, .iommu = iommu, .mailbox = { .vf = vf } };
	vf_write(vf, IGBVF_CTRL, IGBVF_CTRL_RST);
	while (mailbox_bits(&nic->mailbox) & IGBVF_MBX_BIT_RSTI)
		CHECK_IN(now_ns() < deadline, "%s: the PF stays in reset", vf->address);
	nic->mailbox.latched = 0;
	/* igb may notice CTRL.RST after the RESET that follows it. Then it has
	 * forgotten the VF again and says nothing: a second RESET settles that. */
	if (!shake_hands(nic))
		CHECK_IN(shake_hands(nic), "%s: the PF does not answer", vf->address);
}

void nic_start_simple(struct nic *nic, struct vf *vf, struct iommu *iommu)
{
	nic_start(nic, vf, iommu);
	rx_open(nic, 0, 64, 2048, 0);
	rx_enable(nic, 0);
	rx_refill(nic, 0, dma_alloc(iommu, 64 * 2048, PAGE));
	tx_open(nic, false);
}

void nic_move(struct nic *nic, struct vf *vf)
{
	nic->vf = vf;
	nic->mailbox.vf = vf;
}

void rx_open(struct nic *nic, unsigned index, unsigned count, unsigned buffer_size,
	     unsigned header_size)
{
	struct rx_queue *queue = &nic->rx[index];

	*queue = (struct rx_queue){
		.index = index,
		.count = count,
		.buffer_size = buffer_size,
		.header_size = header_size,
		.ring = dma_alloc(nic->iommu, count * sizeof(struct descriptor), PAGE),
		.buffer = calloc(count, sizeof(uint64_t)),
		.header = calloc(count, sizeof(uint64_t)),
	};
	CHECK(queue->buffer && queue->header);
}

void rx_enable(struct nic *nic, unsigned index)
{
	struct rx_queue *queue = &nic->rx[index];
	uint64_t base = dma_iova(nic->iommu, queue->ring);
	uint32_t type = queue->header_size ? IGBVF_SRRCTL_DESCTYPE_MAX |
						     queue->header_size / 64
							     << IGBVF_SRRCTL_BSIZEHDR_SHIFT
					   : IGBVF_SRRCTL_DESCTYPE_ONEBUF;

	rx_disable(nic, index);
	vf_write(nic->vf, IGBVF_RDBAL(index), (uint32_t)base);
	vf_write(nic->vf, IGBVF_RDBAH(index), (uint32_t)(base >> 32));
	vf_write(nic->vf, IGBVF_RDLEN(index),
		 queue->count * (uint32_t)sizeof(struct descriptor));
	vf_write(nic->vf, IGBVF_RDH(index), 0);
	vf_write(nic->vf, IGBVF_RDT(index), 0);
	vf_write(nic->vf, IGBVF_SRRCTL(index), type | queue->buffer_size / 1024);
	vf_write(nic->vf, IGBVF_RXDCTL(index), RX_THRESHOLDS | IGBVF_QUEUE_ENABLE);
	wait_register(nic->vf, IGBVF_RXDCTL(index), IGBVF_QUEUE_ENABLE, IGBVF_QUEUE_ENABLE);
	queue->next = 0;
	queue->tail = 0;
}

void rx_disable(struct nic *nic, unsigned index)
{
	vf_write(nic->vf, IGBVF_RXDCTL(index), 0);
	wait_register(nic->vf, IGBVF_RXDCTL(index), IGBVF_QUEUE_ENABLE, 0);
}

unsigned rx_free(const struct rx_queue *queue)
{
	return (queue->next + queue->count - queue->tail - 1) % queue->count;
}

void rx_post(struct nic *nic, unsigned index, uint64_t buffer, uint64_t header)
{
	struct rx_queue *queue = &nic->rx[index];
	unsigned slot = queue->tail;

	CHECK(rx_free(queue) > 0);
	queue->buffer[slot] = buffer;
	queue->header[slot] = header;
	queue->ring[slot] = (struct descriptor){ .low = buffer, .high = header };
	queue->tail = (slot + 1) % queue->count;
}

void rx_doorbell(struct nic *nic, unsigned index)
{
	__sync_synchronize();
	vf_write(nic->vf, IGBVF_RDT(index), nic->rx[index].tail);
}

void rx_refill(struct nic *nic, unsigned index, uint8_t *buffers)
{
	struct rx_queue *queue = &nic->rx[index];

	while (rx_free(queue) > 0) {
		uint8_t *buffer = buffers + (size_t)queue->tail * queue->buffer_size;

		memset(buffer, POISON, queue->buffer_size);
		rx_post(nic, index, dma_iova(nic->iommu, buffer), 0);
	}
	rx_doorbell(nic, index);
}

bool rx_poll(struct nic *nic, unsigned index, struct frame *frame)
{
	struct rx_queue *queue = &nic->rx[index];
	unsigned slot = queue->next;
	unsigned taken = 0;
	uint64_t high;

	frame->slot = slot;
	frame->length = 0;
	do {
		size_t part;

		if (slot == queue->tail)
			return false;
		high = __atomic_load_n(&queue->ring[slot].high, __ATOMIC_ACQUIRE);
		if (!(high & IGBVF_RXD_DD))
			return false;
		part = (high >> RXD_LENGTH_SHIFT) & 0xffff;
		CHECK_IN(frame->length + part <= sizeof(frame->data), "%zu bytes more",
			 part);
		memcpy(frame->data + frame->length,
		       dma_memory(nic->iommu, queue->buffer[slot]), part);
		frame->length += part;
		slot = (slot + 1) % queue->count;
		taken++;
	} while (!(high & IGBVF_RXD_EOP));
	frame->slots = taken;
	frame->tagged = high & RXD_VLAN_STRIPPED;
	frame->vlan = (uint16_t)(high >> RXD_VLAN_SHIFT);
	queue->next = slot;
	return true;
}

int64_t nic_receive(struct nic *nic, struct frame *frame, int milliseconds)
{
	uint64_t deadline = now_ns() + (uint64_t)milliseconds * 1000000;

	do {
		while (rx_poll(nic, 0, frame)) {
			int64_t sequence = frame_sequence(frame->data, frame->length);

			if (sequence >= 0)
				return sequence;
		}
		usleep(20);
	} while (now_ns() < deadline);
	return -1;
}

void tx_open(struct nic *nic, bool head_writeback)
{
	struct tx_queue *queue = &nic->tx;
	uint64_t base, writeback = 0;

	*queue = (struct tx_queue){
		.count = TX_SLOTS,
		.ring = dma_alloc(nic->iommu, TX_SLOTS * sizeof(struct descriptor), PAGE),
		.buffers = dma_alloc(nic->iommu, TX_SLOTS * TX_SLOT_SIZE, PAGE),
	};
	if (head_writeback) {
		queue->head_writeback = dma_alloc(nic->iommu, 16, PAGE);
		writeback = dma_iova(nic->iommu, (const void *)queue->head_writeback) |
			    IGBVF_TDWBAL_ENABLE;
	}
	base = dma_iova(nic->iommu, queue->ring);
	vf_write(nic->vf, IGBVF_TXDCTL(0), 0);
	vf_write(nic->vf, IGBVF_TDBAL(0), (uint32_t)base);
	vf_write(nic->vf, IGBVF_TDBAH(0), (uint32_t)(base >> 32));
	vf_write(nic->vf, IGBVF_TDLEN(0), TX_SLOTS * sizeof(struct descriptor));
	vf_write(nic->vf, IGBVF_TDH(0), 0);
	vf_write(nic->vf, IGBVF_TDT(0), 0);
	vf_write(nic->vf, IGBVF_TDWBAH(0), (uint32_t)(writeback >> 32));
	vf_write(nic->vf, IGBVF_TDWBAL(0), (uint32_t)writeback);
	vf_write(nic->vf, IGBVF_TXDCTL(0), TX_THRESHOLDS | IGBVF_QUEUE_ENABLE);
	wait_register(nic->vf, IGBVF_TXDCTL(0), IGBVF_QUEUE_ENABLE, IGBVF_QUEUE_ENABLE);
}

/* One descriptor a page: pages that follow each other here need not do so for
 * the device, and QEMU's igb drops a frame that it cannot map in one go. */
void tx_post(struct nic *nic, const uint8_t *frame, size_t length)
{
	struct tx_queue *queue = &nic->tx;
	uint8_t *buffer = queue->buffers + (size_t)queue->tail * TX_SLOT_SIZE;

	CHECK(length <= TX_SLOT_SIZE);
	memcpy(buffer, frame, length);
	for (size_t at = 0; at < length; at += PAGE) {
		size_t part = length - at < PAGE ? length - at : PAGE;
		uint32_t last = at + part == length ? TXD_EOP | TXD_REPORT_STATUS : 0;

		queue->ring[queue->tail] = (struct descriptor){
			.low = dma_iova(nic->iommu, buffer + at),
			.high = (uint64_t)length << TXD_LENGTH_SHIFT | TXD_INSERT_FCS |
				TXD_ADVANCED | TXD_DATA | last | part,
		};
		queue->tail = (queue->tail + 1) % queue->count;
	}
}

void tx_doorbell(struct nic *nic)
{
	__sync_synchronize();
	vf_write(nic->vf, IGBVF_TDT(0), nic->tx.tail);
}

/* Has the device read all up to the tail? */
static bool tx_done(struct tx_queue *queue)
{
	unsigned last = (queue->tail + queue->count - 1) % queue->count;

	if (queue->head_writeback)
		return *queue->head_writeback == queue->tail;
	return __atomic_load_n(&queue->ring[last].high, __ATOMIC_ACQUIRE) & TXD_DONE;
}

void nic_send(struct nic *nic, const uint8_t *frame, size_t length)
{
	struct tx_queue *queue = &nic->tx;
	uint64_t deadline = now_ns() + WAIT_NS;

	tx_post(nic, frame, length);
	tx_doorbell(nic);
	while (!tx_done(queue)) {
		CHECK_IN(now_ns() < deadline, "%s: TDH %u TDT %u TXDCTL 0x%x",
			 nic->vf->address, vf_read(nic->vf, IGBVF_TDH(0)),
			 vf_read(nic->vf, IGBVF_TDT(0)), vf_read(nic->vf, IGBVF_TXDCTL(0)));
		usleep(20);
	}
}

void nic_interrupts_enable(struct nic *nic, int fds[VECTORS])
{
	vf_interrupts_open(nic->vf, fds, VECTORS);
	vf_write(nic->vf, IGBVF_IVAR0,
		 (IVAR_VALID | VECTOR_RX) | (IVAR_VALID | VECTOR_TX) << 8);
	vf_write(nic->vf, IGBVF_IVAR_MISC, IVAR_VALID | VECTOR_MAILBOX);
	vf_write(nic->vf, IGBVF_EIAC, IGBVF_VECTORS_MASK);
	vf_write(nic->vf, IGBVF_EIAM, IGBVF_VECTORS_MASK);
	vf_write(nic->vf, IGBVF_EIMS, IGBVF_VECTORS_MASK);
}

static const uint32_t plain_registers[] = {
	IGBVF_EIMS,	IGBVF_EIAC,	IGBVF_EIAM,	 IGBVF_EITR(0),	 IGBVF_EITR(1),
	IGBVF_EITR(2),	IGBVF_IVAR0,	IGBVF_IVAR_MISC, IGBVF_VFGPRC,	 IGBVF_VFGPTC,
	IGBVF_VFGORC,	IGBVF_VFGOTC,	IGBVF_VFMPRC,	 IGBVF_VFGPRLBC, IGBVF_VFGPTLBC,
	IGBVF_VFGORLBC, IGBVF_VFGOTLBC,
};

static const uint32_t queue_registers[] = {
	IGBVF_RDBAL(0),	 IGBVF_RDBAH(0),  IGBVF_RDLEN(0),      IGBVF_SRRCTL(0),
	IGBVF_RDH(0),	 IGBVF_RDT(0),	  IGBVF_RXDCTL(0),     IGBVF_DCA_RXCTRL(0),
	IGBVF_TDBAL(0),	 IGBVF_TDBAH(0),  IGBVF_TDLEN(0),      IGBVF_TDH(0),
	IGBVF_TDT(0),	 IGBVF_TXDCTL(0), IGBVF_DCA_TXCTRL(0), IGBVF_TDWBAL(0),
	IGBVF_TDWBAH(0),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

_Static_assert(COUNT(plain_registers) + RX_QUEUES * COUNT(queue_registers) + 16 <=
		       NIC_REGISTERS_MAX,
	       "room for all registers");

static void take(struct vf *vf, struct nic_registers *registers, uint32_t offset)
{
	registers->at[registers->count].offset = offset;
	registers->at[registers->count].value = vf_read(vf, offset);
	registers->count++;
}

void nic_registers_read(struct vf *vf, struct nic_registers *registers)
{
	registers->count = 0;
	for (unsigned i = 0; i < COUNT(plain_registers); i++)
		take(vf, registers, plain_registers[i]);
	for (unsigned queue = 0; queue < RX_QUEUES; queue++)
		for (unsigned i = 0; i < COUNT(queue_registers); i++)
			take(vf, registers, queue_registers[i] + 0x100 * queue);
	for (unsigned word = 0; word < 16; word++)
		take(vf, registers, IGBVF_VMBMEM + 4 * word);
}

void nic_registers_compare(const struct nic_registers *before,
			   const struct nic_registers *after, const char *what)
{
	unsigned different = 0, first = 0;

	for (unsigned i = before->count; i-- > 0;)
		if (before->at[i].value != after->at[i].value) {
			different++;
			first = i;
		}
	CHECK_IN(!different, "%s: register 0x%04x is 0x%x, was 0x%x; %u are different",
		 what, before->at[first].offset, after->at[first].value,
		 before->at[first].value, different);
}
