/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration, vferry.conf(5): what the administrator wants of each PF and
 * of the host. It is good as a whole, or it is not used.
 */
#ifndef VFERRY_CONFIG_H
#define VFERRY_CONFIG_H

#include <glib.h>

#include "address.h"

#define VFERRY_CONFIG_FILE "/etc/vferry/vferry.conf"
#define VFERRY_CONFIG_FOLDER "/etc/vferry/conf.d"

/* Value of vfs where nobody set one: the number of VFs is none of our business. */
#define VFERRY_CONFIG_VFS_UNSET (-1)

/** VferryConfigDriver - what shall drive the VFs of a PF */
typedef enum {
	VFERRY_CONFIG_DRIVER_AUTO,	/* the best variant driver there is */
	VFERRY_CONFIG_DRIVER_KEEP,	/* none of our business */
	VFERRY_CONFIG_DRIVER_FORCE,	/* the driver that is named */
} VferryConfigDriver;

/** VferryConfigMigratable - the devlink port function attribute of that name */
typedef enum {
	VFERRY_CONFIG_MIGRATABLE_AUTO,	/* set it where the device has it */
	VFERRY_CONFIG_MIGRATABLE_YES,
	VFERRY_CONFIG_MIGRATABLE_NO,
} VferryConfigMigratable;

/* Keys of a [pf] section, in the order in which vferry.conf(5) has them. */
typedef enum {
	VFERRY_PF_KEY_VFS,
	VFERRY_PF_KEY_DRIVER,
	VFERRY_PF_KEY_NETWORK,
	VFERRY_PF_KEY_MIGRATABLE,
	VFERRY_PF_KEYS,
} VferryPfKey;

/* Keys of the [host] section. */
typedef enum {
	VFERRY_HOST_KEY_CLAIM_LIFETIME,
	VFERRY_HOST_KEY_ANNOUNCE,
	VFERRY_HOST_KEYS,
} VferryHostKey;

/**
 * VferryPfConfig - what is wanted of one PF, all its sections merged
 * @configured: a section matches the PF; where none does, leave the PF alone
 * @vfs: 0..256, or VFERRY_CONFIG_VFS_UNSET
 * @driver: what shall drive its VFs
 * @driver_name: [A-Za-z0-9_-]{1,63}; NULL unless @driver is VFERRY_CONFIG_DRIVER_FORCE
 * @network: [A-Za-z0-9._-]{1,63}, the physical network at the PF's port, or NULL
 * @migratable: what to do with the devlink attribute
 * @from: "FILE:LINE" that gave the value of each key, NULL for a default
 */
typedef struct {
	gboolean configured;
	int vfs;
	VferryConfigDriver driver;
	const char *driver_name;
	const char *network;
	VferryConfigMigratable migratable;
	const char *from[VFERRY_PF_KEYS];
} VferryPfConfig;

/**
 * VferryHostConfig - what is wanted of the host
 * @claim_lifetime: seconds, 30..3600, that a claim of a migration that never came is kept
 * @announce: announce a guest's MAC from the PF after it arrived
 * @from: as in VferryPfConfig
 */
typedef struct {
	guint claim_lifetime;
	gboolean announce;
	const char *from[VFERRY_HOST_KEYS];
} VferryHostConfig;

typedef struct VferryConfig VferryConfig;

/**
 * vferry_config_load() - read a file, then the *.conf of a folder in strcmp order
 * @file: VFERRY_CONFIG_FILE
 * @folder: VFERRY_CONFIG_FOLDER; names that begin with a dot are left out
 *
 * A file or folder that is missing is empty. A link is followed; one that leads
 * nowhere is an error.
 *
 * Return: the configuration, or NULL with the first error: VFERRY_ERROR_INVALID
 * with "FILE:LINE: what; what to do" for what a file holds, and "FILE: what; what to
 * do" with VFERRY_ERROR_REFUSED for a file or folder that others than root could
 * have written or that is of the wrong type or size, with VFERRY_ERROR_FAILED where
 * the kernel does not let it be read.
 */
VferryConfig *vferry_config_load(const char *file, const char *folder, GError **error);

/** vferry_config_new() - a configuration in which nothing is configured */
VferryConfig *vferry_config_new(void);

/**
 * vferry_config_parse() - add the text of one file, which overrides what is there
 * @config: of no more use after an error
 * @file: name of the file, for errors and @from
 * @text: may hold anything
 * @length: bytes at @text
 *
 * Return: FALSE with VFERRY_ERROR_INVALID, the message as for vferry_config_load().
 */
gboolean vferry_config_parse(VferryConfig *config, const char *file, const char *text,
			     gsize length, GError **error);

/**
 * vferry_config_for_pf() - what is wanted of one PF
 * @config: keeps the result, so one thread at a time
 * @address: of the PF
 * @interfaces: names of its network interfaces, NULL-terminated; may be NULL
 * @vendor: its PCI vendor ID
 * @device: its PCI device ID
 *
 * For each key the most specific section that has it wins: the address, then an
 * interface (of several the last in strcmp order), then vendor:device.
 *
 * Return: never NULL; it and its texts live as long as @config.
 */
const VferryPfConfig *vferry_config_for_pf(VferryConfig *config, const VferryAddress *address,
					   char **interfaces, guint16 vendor, guint16 device);

/**
 * vferry_config_pf_sections() - which PFs the sections name
 *
 * Return: sorted names, NULL-terminated, to be freed: an address as
 * vferry_address_parse() takes it, vendor:device (only these have one ":"), or an interface.
 */
char **vferry_config_pf_sections(const VferryConfig *config);

/**
 * vferry_config_host() - what is wanted of the host
 * @config: keeps the result, so one thread at a time
 *
 * Return: never NULL; it and its texts live as long as @config.
 */
const VferryHostConfig *vferry_config_host(VferryConfig *config);

/** vferry_config_pf_key_name() - a key as it stands in the file; @key below VFERRY_PF_KEYS */
const char *vferry_config_pf_key_name(VferryPfKey key);

/** vferry_config_host_key_name() - the same for [host]; @key below VFERRY_HOST_KEYS */
const char *vferry_config_host_key_name(VferryHostKey key);

void vferry_config_free(VferryConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryConfig, vferry_config_free)

#endif
