/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VF opened through a VFIO group in a type1 container, with its registers
 * and memory that it can reach. Functions that give int give 0 or -errno;
 * the others end the test where they fail.
 */
#ifndef VF_H
#define VF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096
#define BAR0_PAGES 4

/* Memory that all VFs of one container reach: one block, allocated from the
 * start to the end and given back as a whole. */
struct iommu {
	int container;
	bool ready; /* the first group is in, the memory is mapped */
	uint8_t *memory;
	uint64_t iova;
	size_t size;
	size_t used;
};

void iommu_open(struct iommu *iommu, size_t size);
void iommu_close(struct iommu *iommu);

/* `size` zeroed bytes on an `align` boundary, or the end of the test. */
void *dma_alloc(struct iommu *iommu, size_t size, size_t align);

/* The device's address of a byte from dma_alloc(), and back. */
uint64_t dma_iova(const struct iommu *iommu, const void *memory);
void *dma_memory(const struct iommu *iommu, uint64_t iova);

#define MAX_AREAS 4

struct region {
	uint64_t offset; /* in the device's file */
	uint64_t size;
	uint32_t flags; /* VFIO_REGION_INFO_FLAG_* */
	bool sparse;	/* the areas are all that may be mapped */
	unsigned areas;
	struct {
		uint64_t offset, size;
	} area[MAX_AREAS];
};

struct vf {
	char address[16];
	int group;
	int device;
	struct region bar0;
	struct region config;
	volatile uint32_t *page[BAR0_PAGES]; /* mapped pages of BAR0, else NULL */
};

/* Opens the VF, enables bus mastering, maps what BAR0 offers. */
void vf_open(struct vf *vf, struct iommu *iommu, const char *address);
void vf_close(struct vf *vf);

/* VFIO_DEVICE_RESET. */
int vf_reset(struct vf *vf);

/* VFIO_DEVICE_FEATURE: `flags` are the feature and GET, SET or PROBE, `data`
 * its structure of `size` bytes. */
int vf_feature(struct vf *vf, uint32_t flags, void *data, size_t size);

/* BAR0 by pread/pwrite: bytes moved or -errno. */
ssize_t vf_pread(struct vf *vf, uint64_t offset, void *data, size_t size);
ssize_t vf_pwrite(struct vf *vf, uint64_t offset, const void *data, size_t size);

/* A register of BAR0: through the mapping where there is one. */
uint32_t vf_read(struct vf *vf, uint32_t offset);
void vf_write(struct vf *vf, uint32_t offset, uint32_t value);

/* PCI configuration space. */
uint16_t vf_config_read16(struct vf *vf, unsigned offset);
void vf_config_write16(struct vf *vf, unsigned offset, uint16_t value);

/* Connects MSI-X vectors 0 to count-1 to eventfds, put into `fds`. */
void vf_interrupts_open(struct vf *vf, int *fds, unsigned count);

/* True once the eventfd has been signalled, false after `milliseconds`. */
bool interrupt_wait(int fd, int milliseconds);

/* The same for any of `count` eventfds. */
bool interrupt_wait_any(const int *fds, unsigned count, int milliseconds);

/* Name of the VF's driver: the link /sys/bus/pci/devices/ADDRESS/driver. */
void vf_driver(const char *address, char *name, size_t size);

/* Opens a file that the driver has in debugfs for the VF; -errno if that fails. */
int vf_debugfs_open(const struct vf *vf, const char *file);

/* Name of the PF's network interface, and the VF's number there. */
void vf_pf_interface(const char *address, char *name, size_t size);
unsigned vf_number(const char *address);

#endif
