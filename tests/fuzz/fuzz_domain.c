/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's XML as a hostile host would send it. What is taken comes out again
 * byte for byte; with another VF for every device it differs in those VFs only.
 */
#include "always.h"

#include "domain-xml.h"

#include <string.h>

static const char driver[] = "igbvf_vfio_pci";

static void check_unchanged(const VferryDomain *domain, const char *text, size_t size)
{
	gsize length;
	g_autofree char *same = vferry_domain_change(domain, NULL, 0, &length, NULL);

	ALWAYS(same && length == size && memcmp(same, text, size) == 0);
}

/* An address of which every number differs from the device's. */
static VferryAddress other_than(const VferryAddress *address)
{
	return (VferryAddress){
		address->domain ^ 0x10203,
		address->bus ^ 0xa5,
		address->device ^ 0x15,
		address->function ^ 5,
	};
}

static void check_device(const VferryDomainDevice *before, const VferryDomainDevice *after)
{
	VferryAddress wanted = other_than(&before->source);

	ALWAYS(after->kind == before->kind && after->position == before->position);
	ALWAYS(after->managed == before->managed);
	ALWAYS(g_strcmp0(after->alias, before->alias) == 0);
	ALWAYS(g_strcmp0(after->driver_name, before->driver_name) == 0);
	if (before->kind == VFERRY_DOMAIN_NETWORK)
		return;
	ALWAYS(vferry_address_equal(&after->source, &wanted));
	ALWAYS(g_str_equal(after->driver_model, driver));
}

static void check_changed(const VferryDomain *domain)
{
	const guint n = domain->devices->len;
	g_autofree VferryAddress *wanted = g_new0(VferryAddress, n);
	g_autofree VferryDomainChange *changes = g_new0(VferryDomainChange, n);
	g_autofree char *text = NULL;
	g_autoptr(VferryDomain) after = NULL;
	gsize used = 0, length;

	for (guint i = 0; i < n; i++) {
		const VferryDomainDevice *device = domain->devices->pdata[i];

		if (device->kind == VFERRY_DOMAIN_NETWORK)
			continue;
		wanted[i] = other_than(&device->source);
		changes[used++] = (VferryDomainChange){ i, &wanted[i], driver };
	}
	text = vferry_domain_change(domain, changes, used, &length, NULL);
	ALWAYS(text);
	after = vferry_domain_parse(text, length, NULL);
	ALWAYS(after && after->devices->len == n);
	for (guint i = 0; i < n; i++)
		check_device(domain->devices->pdata[i], after->devices->pdata[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the exact size, for ASan. */
	g_autofree char *text = g_memdup2(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(VferryDomain) domain = vferry_domain_parse(text, size, &error);

	ALWAYS(!domain == (error != NULL));
	if (!domain) {
		ALWAYS(error->message[0] && !strchr(error->message, '\n'));
		return 0;
	}
	ALWAYS(g_uuid_string_is_valid(domain->uuid) && domain->name[0]);
	check_unchanged(domain, text, size);
	check_changed(domain);
	return 0;
}
