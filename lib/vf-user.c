/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vf-user.h"

#include "interface.h"
#include "pf.h"
#include "sysfs.h"
#include "vfio.h"

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

static char *describe(pid_t process)
{
	g_autofree char *folder = g_strdup_printf("/proc/%d", (int)process);
	g_autofree char *command = vferry_sysfs_read(folder, "comm", NULL);

	return g_strdup_printf("process %d (%s) has it open", (int)process,
			       command ? command : "?");
}

char *vferry_vf_network_user(const VferryVf *vf)
{
	gboolean is_up;

	/* Gone is down. */
	if (vf->interface)
		return vferry_interface_up(vf->interface, &is_up) && is_up ?
			       g_strdup_printf("its network interface %s is up", vf->interface) :
			       NULL;
	if (vf->driver && !vf->vfio_dev && vf->pf->class_code >> 16 == CLASS_NETWORK)
		return g_strdup_printf("its driver is %s and it has no network interface here, "
				       "perhaps in another network namespace", vf->driver);
	return NULL;
}

char *vferry_vf_user_with(const VferryVf *vf, const VferryClaim *claim, pid_t process)
{
	char *user = claimant(claim);

	if (!user && process)
		user = describe(process);
	return user ? user : vferry_vf_network_user(vf);
}

char *vferry_vf_user(const VferryVf *vf, const VferryClaim *claim)
{
	g_autoptr(GError) failure = NULL;
	char *user = claimant(claim);
	pid_t process;

	if (user)
		return user;
	if (!vferry_vfio_users(&vf->address, 1, &process, &failure))
		return g_strdup(failure->message);
	return vferry_vf_user_with(vf, NULL, process);
}
