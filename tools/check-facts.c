/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-facts.h"

static void device_free(gpointer data)
{
	CheckDevice *device = data;

	g_free(device->pool);
	g_free(device->driver);
	g_free(device->best);
	vfio_features_clear(&device->features);
	g_free(device->network);
	g_free(device->said_network);
	g_free(device->pf_interface);
	g_free(device->left_behind);
	g_free(device);
}

CheckDevice *check_device_new(GPtrArray *devices)
{
	CheckDevice *device = g_new0(CheckDevice, 1);

	g_ptr_array_add(devices, device);
	return device;
}

CheckHere *check_here_new(void)
{
	CheckHere *here = g_new0(CheckHere, 1);

	here->devices = g_ptr_array_new_with_free_func(device_free);
	return here;
}

void check_here_free(CheckHere *here)
{
	g_free(here->name);
	g_free(here->uuid);
	g_ptr_array_unref(here->devices);
	domain_traits_clear(&here->traits);
	g_strfreev(here->blockers);
	g_free(here->host_uuid);
	g_free(here);
}

void check_function_free(CheckFunction *function)
{
	node_device_free(function->device);
	g_free(function->user);
	g_free(function);
}

CheckThere *check_there_new(const char *uri)
{
	CheckThere *there = g_new0(CheckThere, 1);

	there->uri = g_strdup(uri);
	there->functions = g_ptr_array_new_with_free_func((GDestroyNotify)check_function_free);
	there->interfaces = g_ptr_array_new_with_free_func((GDestroyNotify)node_device_free);
	there->pools = g_ptr_array_new_with_free_func(g_free);
	return there;
}

void check_there_free(CheckThere *there)
{
	g_free(there->uri);
	g_ptr_array_unref(there->functions);
	g_ptr_array_unref(there->interfaces);
	g_ptr_array_unref(there->pools);
	g_free(there->host_uuid);
	g_free(there);
}
