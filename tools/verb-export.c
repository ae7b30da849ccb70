/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vferry export: describe PFs and VFs to other programs. */
#include "verb.h"

#include "export.h"
#include "module-name.h"
#include "terminal.h"

#include <stdio.h>

static const VerbUsage usage = {
	"libvirt-network|nova|sriov-device-plugin [PF...]",
	"Describe this host's VFs to another program, in its own form.",
	"libvirt-network       a pool of VFs for each physical network, or PF without one\n"
	"nova                  options device_spec and alias of [pci] in nova.conf, for\n"
	"                      Nova 2025.1 and later\n"
	"sriov-device-plugin   the ConfigMap of Kubernetes' sriov-network-device-plugin\n"
	"\n"
	"PF is an address like 0000:01:00.0 or 01:00.0, or a network interface; without\n"
	"any it is every PF that has VFs and that vferry.conf(5) is about. Needs no\n"
	"privilege and changes nothing.\n"
	"\n"
	"Exit status: 0; 2 wrong arguments, or no such PF with VFs.\n"
	"\n"
	"Examples:\n"
	"  vferry export libvirt-network --network lab > lab.xml; virsh net-define lab.xml\n"
	"  vferry export nova > /etc/nova/nova.conf.d/vferry.conf\n"
	"  vferry export sriov-device-plugin | kubectl apply -f -",
	1, G_MAXINT,
};

/* The driver of which not every consumer knows that it is VFIO's; NULL for none. */
static const char *variant_driver(const GPtrArray *pfs)
{
	for (guint i = 0; i < pfs->len; i++) {
		const ExportPf *pf = g_ptr_array_index(pfs, i);

		if (pf->driver && !g_str_equal(pf->driver, VFERRY_FALLBACK_DRIVER))
			return pf->driver;
	}
	return NULL;
}

/* What is right and still will not do everything that one may expect of it. */
static void warn(const char *format, const GPtrArray *pfs)
{
	const char *driver = variant_driver(pfs);

	if (driver && g_str_equal(format, "sriov-device-plugin"))
		terminal_note("the plugin gives a container the device of /dev/vfio only if its "
			      "driver is " VFERRY_FALLBACK_DRIVER ", not %s", driver);
	if (driver && g_str_equal(format, "libvirt-network"))
		terminal_note("libvirt before 10.0 does not know <driver model=/> and binds "
			      VFERRY_FALLBACK_DRIVER ": give it --unmanaged");
}

static char *write_format(const char *format, const GPtrArray *pfs, gboolean unmanaged)
{
	if (g_str_equal(format, "libvirt-network"))
		return export_libvirt_network(pfs, !unmanaged);
	if (g_str_equal(format, "nova"))
		return export_nova(pfs);
	return export_device_plugin(pfs);
}

static gboolean check_format(const char *format, gboolean unmanaged, GError **error)
{
	static const char *const formats[] = {
		"libvirt-network", "nova", "sriov-device-plugin", NULL,
	};

	if (!g_strv_contains(formats, format)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
			    "there is no form '%s': see vferry export --help", format);
		return FALSE;
	}
	if (!unmanaged || g_str_equal(format, formats[0]))
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE, "--unmanaged is for %s alone",
		    formats[0]);
	return FALSE;
}

static gboolean run_export(int argc, char **argv, GError **error)
{
	g_autofree char *network = NULL;
	gboolean unmanaged = FALSE;
	const GOptionEntry entries[] = {
		{ "network", 'n', 0, G_OPTION_ARG_STRING, &network,
		  "Only PFs that are plugged into this physical network", "NAME" },
		{ "unmanaged", 'u', 0, G_OPTION_ARG_NONE, &unmanaged,
		  "libvirt-network: libvirt finds VFs bound, as vferry does at boot", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GPtrArray) pfs = NULL;
	g_autofree char *text = NULL;

	if (!verb_parse(&usage, entries, &argc, &argv, error) ||
	    !check_format(argv[0], unmanaged, error))
		return FALSE;
	pfs = export_read(argv + 1, (guint)argc - 1, network, error);
	if (!pfs)
		return FALSE;
	text = write_format(argv[0], pfs, unmanaged);
	fputs(text, stdout);
	if (!unmanaged)
		warn(argv[0], pfs);
	return TRUE;
}

const VferryVerb vferry_verb_export = {
	"export", "describe VFs to libvirt, Nova or Kubernetes", run_export,
};
