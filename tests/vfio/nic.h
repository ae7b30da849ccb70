/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small driver for the 82576 VF in userspace: mailbox, receive queues with
 * advanced descriptors, one transmit queue. What it does follows the order of
 * igbvf; the data sheet's sections 7.1.5 and 7.2.2 have the descriptors.
 */
#ifndef NIC_H
#define NIC_H

#include "mailbox.h"

#define RX_QUEUES 2
#define TX_SLOT_SIZE 12288

/* What fresh receive buffers hold; no frame of ours has this byte. */
#define POISON 0xa5

struct descriptor {
	uint64_t low;  /* to the device: the buffer */
	uint64_t high; /* to the device: the header's buffer, or command and length */
};

struct rx_queue {
	unsigned index;
	unsigned count; /* descriptors */
	unsigned buffer_size;
	unsigned header_size; /* 0: one buffer a descriptor, else header split */
	struct descriptor *ring;
	uint64_t *buffer; /* IOVA of each slot's buffer */
	uint64_t *header; /* the same for the headers */
	unsigned next;	  /* the slot that the device fills next */
	unsigned tail;	  /* the first slot that it does not own */
};

struct tx_queue {
	unsigned count;
	struct descriptor *ring;
	uint8_t *buffers; /* `count` of TX_SLOT_SIZE */
	unsigned tail;
	volatile uint32_t *head_writeback; /* NULL: status in the descriptors */
};

struct nic {
	struct vf *vf;
	struct iommu *iommu;
	struct mailbox mailbox;
	uint8_t mac[MAC_LENGTH];
	struct rx_queue rx[RX_QUEUES];
	struct tx_queue tx;
};

/* A received frame. Where header split is on, `data` has only what is in the
 * packet's buffer. */
struct frame {
	unsigned slot; /* of its first descriptor */
	unsigned slots;
	size_t length;
	bool tagged; /* the NIC has taken a VLAN tag off */
	uint16_t vlan;
	uint8_t data[FRAME_JUMBO];
};

/* Resets the VF, shakes hands with the PF and sets an address; the queues
 * are not there yet. */
void nic_start(struct nic *nic, struct vf *vf, struct iommu *iommu);

/* The usual: nic_start(), queue 0 with 64 buffers of 2 KiB, transmit queue. */
void nic_start_simple(struct nic *nic, struct vf *vf, struct iommu *iommu);

/* The VF has moved: everything goes on with another one in the same memory. */
void nic_move(struct nic *nic, struct vf *vf);

/* A ring of `count` empty slots (a multiple of 8); buffers come with rx_post().
 * `buffer_size` is a multiple of 1024, `header_size` 0 or a multiple of 64. */
void rx_open(struct nic *nic, unsigned index, unsigned count, unsigned buffer_size,
	     unsigned header_size);

/* Programs the ring and enables the queue; RDH and RDT are 0. */
void rx_enable(struct nic *nic, unsigned index);
void rx_disable(struct nic *nic, unsigned index);

/* Slots that rx_post() may still fill. */
unsigned rx_free(const struct rx_queue *queue);

/* Gives the next slot a buffer; the device learns of it by rx_doorbell(). */
void rx_post(struct nic *nic, unsigned index, uint64_t buffer, uint64_t header);
void rx_doorbell(struct nic *nic, unsigned index);

/* Fills the queue's free slots with its own buffers, poisoned, and rings. */
void rx_refill(struct nic *nic, unsigned index, uint8_t *buffers);

/* Takes the next frame, if it is there. */
bool rx_poll(struct nic *nic, unsigned index, struct frame *frame);

/* Waits for the next frame of ours on queue 0; frames of others (neighbour
 * discovery, for instance) are passed over. Gives the sequence number, or -1
 * after `milliseconds`. */
int64_t nic_receive(struct nic *nic, struct frame *frame, int milliseconds);

/* Opens the transmit queue of 64 slots. */
void tx_open(struct nic *nic, bool head_writeback);

/* Sends a frame and waits until the device has read it. */
void nic_send(struct nic *nic, const uint8_t *frame, size_t length);
/* Puts a frame into the ring only; `ring` it later by nic_send(). */
void tx_post(struct nic *nic, const uint8_t *frame, size_t length);
void tx_doorbell(struct nic *nic);

/* Vectors: 0 receive, 1 transmit, 2 mailbox. */
enum { VECTOR_RX, VECTOR_TX, VECTOR_MAILBOX, VECTORS };
void nic_interrupts_enable(struct nic *nic, int fds[VECTORS]);

/* Registers that a move must keep, as a guest reads them. */
#define NIC_REGISTERS_MAX 80
struct nic_registers {
	unsigned count;
	struct {
		uint32_t offset, value;
	} at[NIC_REGISTERS_MAX];
};
void nic_registers_read(struct vf *vf, struct nic_registers *registers);

/* Fails unless both are the same. */
void nic_registers_compare(const struct nic_registers *before,
			   const struct nic_registers *after, const char *what);

#endif
