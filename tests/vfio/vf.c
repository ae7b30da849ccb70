// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vf.h"

#include "check.h"
#include "uapi.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYSFS_DEVICES "/sys/bus/pci/devices"

/* Above 4 GiB, so that the upper halves of address registers matter, and away
 * from the interrupt range of the IOMMU at 0xfee00000. */
#define DMA_IOVA 0x100000000ULL

void iommu_open(struct iommu *iommu, size_t size)
{
	*iommu = (struct iommu){ .iova = DMA_IOVA, .size = size };
	iommu->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	CHECK(iommu->container >= 0);
	CHECK_EQ(ioctl(iommu->container, VFIO_GET_API_VERSION), VFIO_API_VERSION);
	iommu->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(iommu->memory != MAP_FAILED);
}

void iommu_close(struct iommu *iommu)
{
	close(iommu->container);
	munmap(iommu->memory, iommu->size);
}

/* Type1 takes mappings only after the first group has joined. */
static void iommu_ready(struct iommu *iommu)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)iommu->memory,
		.iova = iommu->iova,
		.size = iommu->size,
	};

	if (iommu->ready)
		return;
	CHECK(ioctl(iommu->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) == 0);
	CHECK(ioctl(iommu->container, VFIO_IOMMU_MAP_DMA, &map) == 0);
	iommu->ready = true;
}

void *dma_alloc(struct iommu *iommu, size_t size, size_t align)
{
	size_t start = (iommu->used + align - 1) / align * align;

	CHECK_IN(start + size <= iommu->size, "%zu bytes of DMA memory", size);
	iommu->used = start + size;
	return iommu->memory + start;
}

uint64_t dma_iova(const struct iommu *iommu, const void *memory)
{
	return iommu->iova + (uint64_t)((const uint8_t *)memory - iommu->memory);
}

void *dma_memory(const struct iommu *iommu, uint64_t iova)
{
	CHECK_IN(iova >= iommu->iova && iova - iommu->iova < iommu->size, "IOVA 0x%llx",
		 (unsigned long long)iova);
	return iommu->memory + (iova - iommu->iova);
}

static void read_sparse_areas(struct region *region, const struct vfio_region_info *info)
{
	const uint8_t *bytes = (const uint8_t *)info;
	uint32_t at = info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;

	while (at) {
		const struct vfio_info_cap_header *header = (const void *)(bytes + at);

		if (header->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP) {
			const struct vfio_region_info_cap_sparse_mmap *sparse =
				(const void *)header;

			CHECK(sparse->nr_areas <= MAX_AREAS);
			region->sparse = true;
			region->areas = sparse->nr_areas;
			for (unsigned i = 0; i < sparse->nr_areas; i++) {
				region->area[i].offset = sparse->areas[i].offset;
				region->area[i].size = sparse->areas[i].size;
			}
		}
		at = header->next;
	}
}

static void region_read(struct region *region, int device, unsigned index)
{
	union {
		struct vfio_region_info info;
		uint64_t space[128];
	} buffer = { .info = { .argsz = sizeof(buffer), .index = index } };

	*region = (struct region){ 0 };
	CHECK(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &buffer) == 0);
	region->offset = buffer.info.offset;
	region->size = buffer.info.size;
	region->flags = buffer.info.flags;
	read_sparse_areas(region, &buffer.info);
}

static bool may_map(const struct region *region, uint64_t offset)
{
	if (!(region->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return false;
	if (!region->sparse)
		return true;
	for (unsigned i = 0; i < region->areas; i++)
		if (offset >= region->area[i].offset &&
		    offset + PAGE <= region->area[i].offset + region->area[i].size)
			return true;
	return false;
}

static void map_bar0(struct vf *vf)
{
	for (unsigned i = 0; i < BAR0_PAGES; i++) {
		void *page;

		vf->page[i] = NULL;
		if (!may_map(&vf->bar0, i * PAGE))
			continue;
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vf->device,
			    (off_t)(vf->bar0.offset + i * PAGE));
		CHECK(page != MAP_FAILED);
		vf->page[i] = page;
	}
}

static int open_group(const char *address)
{
	char path[128], link[256];
	ssize_t length;

	snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/iommu_group", address);
	length = readlink(path, link, sizeof(link) - 1);
	CHECK_IN(length > 0, "%s: %s", path, strerror(errno));
	link[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", basename(link));
	return open(path, O_RDWR | O_CLOEXEC);
}

void vf_open(struct vf *vf, struct iommu *iommu, const char *address)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	uint16_t command;

	*vf = (struct vf){ 0 };
	snprintf(vf->address, sizeof(vf->address), "%s", address);
	vf->group = open_group(address);
	CHECK_IN(vf->group >= 0, "group of %s: %s", address, strerror(errno));
	CHECK(ioctl(vf->group, VFIO_GROUP_GET_STATUS, &status) == 0);
	CHECK(status.flags & VFIO_GROUP_FLAGS_VIABLE);
	CHECK(ioctl(vf->group, VFIO_GROUP_SET_CONTAINER, &iommu->container) == 0);
	iommu_ready(iommu);
	vf->device = ioctl(vf->group, VFIO_GROUP_GET_DEVICE_FD, address);
	CHECK_IN(vf->device >= 0, "device %s: %s", address, strerror(errno));

	region_read(&vf->bar0, vf->device, VFIO_PCI_BAR0_REGION_INDEX);
	region_read(&vf->config, vf->device, VFIO_PCI_CONFIG_REGION_INDEX);
	CHECK_EQ(vf->bar0.size, BAR0_PAGES * PAGE);
	map_bar0(vf);

	command = vf_config_read16(vf, PCI_COMMAND);
	vf_config_write16(vf, PCI_COMMAND,
			  command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void vf_close(struct vf *vf)
{
	for (unsigned i = 0; i < BAR0_PAGES; i++)
		if (vf->page[i])
			munmap((void *)vf->page[i], PAGE);
	close(vf->device);
	close(vf->group);
}

int vf_reset(struct vf *vf)
{
	return ioctl(vf->device, VFIO_DEVICE_RESET) ? -errno : 0;
}

int vf_feature(struct vf *vf, uint32_t flags, void *data, size_t size)
{
	uint64_t space[16];
	struct vfio_device_feature *feature = (void *)space;

	CHECK(sizeof(*feature) + size <= sizeof(space));
	memset(space, 0, sizeof(space));
	feature->argsz = (uint32_t)(sizeof(*feature) + size);
	feature->flags = flags;
	if (size)
		memcpy(feature->data, data, size);
	if (ioctl(vf->device, VFIO_DEVICE_FEATURE, feature))
		return -errno;
	if (size)
		memcpy(data, feature->data, size);
	return 0;
}

ssize_t vf_pread(struct vf *vf, uint64_t offset, void *data, size_t size)
{
	ssize_t done = pread(vf->device, data, size, (off_t)(vf->bar0.offset + offset));

	return done < 0 ? -errno : done;
}

ssize_t vf_pwrite(struct vf *vf, uint64_t offset, const void *data, size_t size)
{
	ssize_t done = pwrite(vf->device, data, size, (off_t)(vf->bar0.offset + offset));

	return done < 0 ? -errno : done;
}

uint32_t vf_read(struct vf *vf, uint32_t offset)
{
	volatile uint32_t *page = vf->page[offset / PAGE];
	uint32_t value;

	if (page)
		return page[offset % PAGE / 4];
	CHECK_EQ_IN(vf_pread(vf, offset, &value, 4), 4, "register 0x%x", offset);
	return value;
}

void vf_write(struct vf *vf, uint32_t offset, uint32_t value)
{
	volatile uint32_t *page = vf->page[offset / PAGE];

	if (page)
		page[offset % PAGE / 4] = value;
	else
		CHECK_EQ_IN(vf_pwrite(vf, offset, &value, 4), 4, "register 0x%x", offset);
}

uint16_t vf_config_read16(struct vf *vf, unsigned offset)
{
	uint16_t value;

	CHECK(pread(vf->device, &value, 2, (off_t)(vf->config.offset + offset)) == 2);
	return value;
}

void vf_config_write16(struct vf *vf, unsigned offset, uint16_t value)
{
	CHECK(pwrite(vf->device, &value, 2, (off_t)(vf->config.offset + offset)) == 2);
}

void vf_interrupts_open(struct vf *vf, int *fds, unsigned count)
{
	union {
		struct vfio_irq_set set;
		uint8_t space[sizeof(struct vfio_irq_set) + 8 * sizeof(int)];
	} buffer;

	CHECK(count <= 8);
	for (unsigned i = 0; i < count; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		CHECK(fds[i] >= 0);
	}
	buffer.set = (struct vfio_irq_set){
		.argsz = (uint32_t)(sizeof(struct vfio_irq_set) + count * sizeof(int)),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = count,
	};
	memcpy(buffer.space + sizeof(struct vfio_irq_set), fds, count * sizeof(int));
	CHECK(ioctl(vf->device, VFIO_DEVICE_SET_IRQS, &buffer) == 0);
}

bool interrupt_wait(int fd, int milliseconds)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	uint64_t count;

	if (poll(&event, 1, milliseconds) != 1)
		return false;
	return read(fd, &count, sizeof(count)) == sizeof(count);
}

bool interrupt_wait_any(const int *fds, unsigned count, int milliseconds)
{
	uint64_t deadline = now_ns() + (uint64_t)milliseconds * 1000000;

	do {
		for (unsigned i = 0; i < count; i++)
			if (interrupt_wait(fds[i], 1))
				return true;
	} while (now_ns() < deadline);
	return false;
}

void vf_driver(const char *address, char *name, size_t size)
{
	char path[128], link[256];
	ssize_t length;

	snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/driver", address);
	length = readlink(path, link, sizeof(link) - 1);
	link[length > 0 ? length : 0] = '\0';
	snprintf(name, size, "%s", length > 0 ? basename(link) : "");
}

int vf_debugfs_open(const struct vf *vf, const char *file)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/igbvf_vfio_pci/%s/%s", vf->address, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void vf_pf_interface(const char *address, char *name, size_t size)
{
	char path[128];
	struct dirent *entry;
	DIR *directory;

	*name = '\0';
	snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/physfn/net", address);
	directory = opendir(path);
	if (!directory)
		return;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			snprintf(name, size, "%s", entry->d_name);
	closedir(directory);
}

unsigned vf_number(const char *address)
{
	for (unsigned number = 0; number < 256; number++) {
		char path[128], link[256];
		ssize_t length;

		snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/physfn/virtfn%u", address,
			 number);
		length = readlink(path, link, sizeof(link) - 1);
		if (length <= 0)
			break;
		link[length] = '\0';
		if (!strcmp(basename(link), address))
			return number;
	}
	check_fail(__FILE__, __LINE__, "%s is no VF of its PF", address);
}
