// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * BAR0 as the user reaches it: which pages can be mapped, and what reads and
 * writes of any width, offset and count do on the trapped ones.
 */
#include "rig.h"
#include "uapi.h"

#include <regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define DIRECT_MAP "/sys/module/igbvf_vfio_pci/parameters/direct_map"

/* The driver's parameter; skips on other drivers. */
static bool direct_map(const struct options *options)
{
	char driver[64];
	FILE *file;
	int value;

	vf_driver(options->vf[0], driver, sizeof(driver));
	if (strcmp(driver, "igbvf_vfio_pci"))
		check_skip("the driver is %s", driver);
	file = fopen(DIRECT_MAP, "r");
	CHECK_IN(file, "%s", DIRECT_MAP);
	value = fgetc(file);
	fclose(file);
	return value == 'Y' || value == '1';
}

static void test_areas(const struct options *options)
{
	bool direct = direct_map(options);
	struct rig rig;

	rig_open(&rig, options, 1);
	CHECK(rig.vf[0].bar0.flags & VFIO_REGION_INFO_FLAG_READ);
	CHECK(rig.vf[0].bar0.flags & VFIO_REGION_INFO_FLAG_WRITE);
	CHECK_EQ(!!(rig.vf[0].bar0.flags & VFIO_REGION_INFO_FLAG_MMAP), direct);
	if (direct) {
		CHECK(rig.vf[0].bar0.sparse);
		CHECK_EQ(rig.vf[0].bar0.areas, 2);
		CHECK_EQ(rig.vf[0].bar0.area[0].offset, IGBVF_PAGE_INTERRUPT);
		CHECK_EQ(rig.vf[0].bar0.area[0].size, PAGE);
		CHECK_EQ(rig.vf[0].bar0.area[1].offset, IGBVF_PAGE_TX);
		CHECK_EQ(rig.vf[0].bar0.area[1].size, PAGE);
	}
	rig_close(&rig);
}

/* A caller of old age, or one that lies about its space. */
static void test_region_info_sizes(const struct options *options)
{
	struct vfio_region_info info;
	struct rig rig;

	rig_open(&rig, options, 1);
	info = (struct vfio_region_info){ .argsz = sizeof(info) };
	CHECK_EQ(ioctl(rig.vf[0].device, VFIO_DEVICE_GET_REGION_INFO, &info), 0);
	CHECK_EQ(info.size, BAR0_PAGES * PAGE);
	if (info.flags & VFIO_REGION_INFO_FLAG_CAPS) {
		CHECK(info.argsz > sizeof(info));
		CHECK_EQ(info.cap_offset, 0);
	}
	info = (struct vfio_region_info){ .argsz = sizeof(info) - 8 };
	CHECK_EQ(ioctl(rig.vf[0].device, VFIO_DEVICE_GET_REGION_INFO, &info), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(ioctl(rig.vf[0].device, VFIO_DEVICE_GET_REGION_INFO, NULL), -1);
	CHECK_EQ(errno, EFAULT);
	rig_close(&rig);
}

static void test_mmap(const struct options *options)
{
	bool direct = direct_map(options);
	struct rig rig;

	rig_open(&rig, options, 1);
	for (unsigned first = 0; first < BAR0_PAGES + 1; first++)
		for (unsigned pages = 1; first + pages <= BAR0_PAGES + 1; pages++) {
			bool expected = direct && pages == 1 && (first == 1 || first == 3);
			void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
					MAP_SHARED, rig.vf[0].device,
					(off_t)(rig.vf[0].bar0.offset + first * PAGE));

			CHECK_EQ_IN(at != MAP_FAILED, expected, "%u pages from page %u",
				    pages, first);
			if (at == MAP_FAILED)
				CHECK_EQ(errno, EINVAL);
			else
				munmap(at, pages * PAGE);
		}
	rig_close(&rig);
}

/* A mapping may not grow over the trapped pages later. */
static void test_mremap(const struct options *options)
{
	struct rig rig;
	void *page, *grown;

	if (!direct_map(options))
		check_skip("direct_map is off");
	rig_open(&rig, options, 1);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rig.vf[0].device,
		    (off_t)(rig.vf[0].bar0.offset + IGBVF_PAGE_INTERRUPT));
	CHECK(page != MAP_FAILED);
	grown = mremap(page, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(grown == MAP_FAILED);
	rig_close(&rig);
}

static int ioeventfd(struct vf *vf, uint64_t offset, uint32_t width, int fd)
{
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request),
		.flags = width,
		.offset = vf->bar0.offset + offset,
		.data = 0,
		.fd = fd,
	};

	return ioctl(vf->device, VFIO_DEVICE_IOEVENTFD, &request) ? -errno : 0;
}

static void test_ioeventfd(const struct options *options)
{
	static const uint32_t offsets[] = { 0x0000, 0x0800, 0x0c40, 0x0ff8, 0x1524, 0x2000,
					    0x2810, 0x2818, 0x2918, 0x2ff8, 0x3818 };
	struct rig rig;
	int fd = eventfd(0, EFD_CLOEXEC);

	direct_map(options);
	rig_open(&rig, options, 1);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		for (uint32_t width = 1; width <= VFIO_DEVICE_IOEVENTFD_32; width <<= 1)
			CHECK_EQ_IN(ioeventfd(&rig.vf[0], offsets[i], width, fd), -EINVAL,
				    "offset 0x%x, width flag %u", offsets[i], width);
	close(fd);
	rig_close(&rig);
}

/* Any piece of the trapped registers is what the registers hold. */
static void check_bytes(struct vf *vf, uint32_t base, uint32_t size)
{
	uint8_t whole[64], part[64 + 1];

	CHECK(size <= sizeof(whole));
	for (uint32_t i = 0; i < size; i += 4) {
		uint32_t value = vf_read(vf, base + i);

		memcpy(whole + i, &value, 4);
	}
	for (uint32_t at = 0; at < size; at++)
		for (uint32_t length = 1; at + length <= size; length++) {
			memset(part, 0xee, sizeof(part));
			CHECK_EQ(vf_pread(vf, base + at, part, length), length);
			CHECK_IN(!memcmp(part, whole + at, length), "0x%x, %u bytes",
				 base + at, length);
			CHECK_EQ(part[length], 0xee);
		}
}

/* A write of any piece changes that piece only. */
static void check_merged(struct vf *vf, uint32_t base, uint32_t size)
{
	uint8_t whole[64], bytes[64];

	for (uint32_t at = 0; at < size; at++)
		for (uint32_t length = 1; at + length <= size; length += 1 + length / 8) {
			for (uint32_t i = 0; i < size; i++)
				whole[i] = (uint8_t)(i * 5 + 1);
			CHECK_EQ(vf_pwrite(vf, base, whole, size), size);
			for (uint32_t i = 0; i < length; i++)
				bytes[i] = (uint8_t)(0xc0 + i);
			CHECK_EQ(vf_pwrite(vf, base + at, bytes, length), length);
			memcpy(whole + at, bytes, length);
			CHECK_EQ(vf_pread(vf, base, bytes, size), size);
			CHECK_IN(!memcmp(whole, bytes, size), "0x%x, %u bytes", base + at,
				 length);
		}
}

static void test_mailbox_memory_widths(const struct options *options)
{
	struct rig rig;

	direct_map(options);
	rig_open(&rig, options, 1);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	CHECK_EQ(mailbox_lock(&rig.nic.mailbox), 0);
	check_merged(&rig.vf[0], IGBVF_VMBMEM, 32);
	check_bytes(&rig.vf[0], IGBVF_VMBMEM, 64);
	vf_write(&rig.vf[0], IGBVF_V2PMAILBOX, 0);
	rig_close(&rig);
}

static void test_queue_register_widths(const struct options *options)
{
	uint8_t byte = 0x12;
	uint16_t word = 0x3456;
	struct rig rig;

	direct_map(options);
	rig_open(&rig, options, 1);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	vf_write(&rig.vf[0], IGBVF_RDBAH(0), 0);
	CHECK_EQ(vf_pwrite(&rig.vf[0], IGBVF_RDBAH(0) + 1, &byte, 1), 1);
	CHECK_EQ(vf_read(&rig.vf[0], IGBVF_RDBAH(0)), 0x1200);
	CHECK_EQ(vf_pwrite(&rig.vf[0], IGBVF_RDBAH(0) + 2, &word, 2), 2);
	CHECK_EQ(vf_read(&rig.vf[0], IGBVF_RDBAH(0)), 0x34561200);
	vf_write(&rig.vf[0], IGBVF_RDBAH(0), 0x89abcdef);
	/* RDBAL to SRRCTL: plain registers. */
	check_bytes(&rig.vf[0], IGBVF_RDBAL(0), 16);
	rig_close(&rig);
}

/* A 64-bit write is two registers, low one first. */
static void test_quad_word(const struct options *options)
{
	uint64_t base = 0x0000000123456780ULL, read_back = 0;
	struct rig rig;

	direct_map(options);
	rig_open(&rig, options, 1);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	CHECK_EQ(vf_pwrite(&rig.vf[0], IGBVF_RDBAL(0), &base, 8), 8);
	CHECK_EQ(vf_read(&rig.vf[0], IGBVF_RDBAL(0)), 0x23456780);
	CHECK_EQ(vf_read(&rig.vf[0], IGBVF_RDBAH(0)), 1);
	CHECK_EQ(vf_pread(&rig.vf[0], IGBVF_RDBAL(0), &read_back, 8), 8);
	CHECK_EQ(read_back, base);
	rig_close(&rig);
}

static void test_counts(const struct options *options)
{
	static uint8_t data[2 * BAR0_PAGES * PAGE];
	static const struct {
		uint32_t offset, size;
	} spans[] = { { 0x0ffc, 8 },	 { 0x0ffe, 5 },	    { 0x1ffe, 4 },
		      { 0x2ffd, 6 },	 { 0x0f00, 0x200 }, { 0x1f00, 0x200 },
		      { 0x2f00, 0x200 }, { 0x0800, 0x1000 } };
	void *volatile nowhere = (void *)8;
	struct rig rig;

	direct_map(options);
	rig_open(&rig, options, 1);
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		CHECK_EQ_IN(vf_pread(&rig.vf[0], spans[i].offset, data, spans[i].size),
			    spans[i].size, "at 0x%x", spans[i].offset);
	CHECK_EQ(vf_pread(&rig.vf[0], 0, data, BAR0_PAGES * PAGE), BAR0_PAGES * PAGE);
	/* The end of the region ends a longer read; beyond there is nothing. */
	CHECK_EQ(vf_pread(&rig.vf[0], BAR0_PAGES * PAGE - 4, data, 64), 4);
	CHECK_EQ(vf_pread(&rig.vf[0], 0x2000, data, sizeof(data)), 0x2000);
	CHECK(vf_pread(&rig.vf[0], BAR0_PAGES * PAGE, data, 4) <= 0);
	CHECK_EQ(vf_pread(&rig.vf[0], 0, data, 0), 0);
	CHECK_EQ(vf_pread(&rig.vf[0], IGBVF_VMBMEM, nowhere, 4), -EFAULT);
	CHECK_EQ(vf_pwrite(&rig.vf[0], IGBVF_RDBAL(1), nowhere, 4), -EFAULT);
	CHECK_EQ(vf_read(&rig.vf[0], IGBVF_RDBAL(1)), 0);
	rig_close(&rig);
}

/* Both ways to a mapped page show the same registers. */
static void test_mapped_equals_trapped(const struct options *options)
{
	uint32_t value;
	struct rig rig;

	if (!direct_map(options))
		check_skip("direct_map is off");
	rig_open_nic(&rig, options, 1);
	CHECK(rig.vf[0].page[1] && rig.vf[0].page[3]);
	CHECK(!rig.vf[0].page[0] && !rig.vf[0].page[2]);
	for (uint32_t offset = IGBVF_TDBAL(0); offset <= IGBVF_TDLEN(0); offset += 4) {
		CHECK_EQ(vf_pread(&rig.vf[0], offset, &value, 4), 4);
		CHECK_EQ(vf_read(&rig.vf[0], offset), value);
	}
	rig_close(&rig);
}

const struct test access_tests[] = {
	{ "access.areas", test_areas, 0 },
	{ "access.region_info_sizes", test_region_info_sizes, 0 },
	{ "access.mmap", test_mmap, 0 },
	{ "access.mremap", test_mremap, 0 },
	{ "access.ioeventfd", test_ioeventfd, 0 },
	{ "access.mailbox_memory_widths", test_mailbox_memory_widths, 0 },
	{ "access.queue_register_widths", test_queue_register_widths, 0 },
	{ "access.quad_word", test_quad_word, 0 },
	{ "access.counts", test_counts, 0 },
	{ "access.mapped_equals_trapped", test_mapped_equals_trapped, 0 },
	{ 0 },
};
