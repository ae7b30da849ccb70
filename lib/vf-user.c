/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vf-user.h"

#include "pf.h"
#include "sysfs.h"
#include "vfio.h"

#include <net/if.h>

#define CLASS_NETWORK 0x02

static char *claimant(const VferryClaim *claim)
{
	VferryInstant now;

	if (!claim || (vferry_instant_now(&now, NULL) && vferry_claim_expired(claim, &now)))
		return NULL;
	if (claim->problem)
		return g_strdup_printf("whose it is cannot be told: %s", claim->problem);
	return g_strdup_printf("domain '%s' (%s, %s) has claimed it", claim->name, claim->uuid,
			       vferry_claim_purpose_text(claim->purpose));
}

static char *vfio_user(const VferryVf *vf)
{
	g_autoptr(GError) failure = NULL;
	g_autofree char *folder = NULL, *command = NULL;
	pid_t user;

	if (!vferry_vfio_in_use(&vf->address, &user, &failure))
		return failure ? g_strdup(failure->message) : NULL;
	folder = g_strdup_printf("/proc/%d", (int)user);
	command = vferry_sysfs_read(folder, "comm", NULL);
	return g_strdup_printf("process %d (%s) has it open", (int)user, command ? command : "?");
}

static gboolean is_up(const char *interface)
{
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_NET, interface, NULL);
	g_autofree char *flags = vferry_sysfs_read(folder, "flags", NULL);

	/* Gone is down. */
	return flags && g_ascii_strtoull(flags, NULL, 16) & IFF_UP;
}

char *vferry_vf_network_user(const VferryVf *vf)
{
	if (vf->interface)
		return is_up(vf->interface) ? g_strdup_printf("its network interface %s is up",
							      vf->interface) : NULL;
	if (vf->driver && !vf->vfio_dev && vf->pf->class_code >> 16 == CLASS_NETWORK)
		return g_strdup_printf("its driver is %s and it has no network interface here, "
				       "perhaps in another network namespace", vf->driver);
	return NULL;
}

char *vferry_vf_user(const VferryVf *vf, const VferryClaim *claim)
{
	char *user = claimant(claim);

	if (!user)
		user = vfio_user(vf);
	return user ? user : vferry_vf_network_user(vf);
}
