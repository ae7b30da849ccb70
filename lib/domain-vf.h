/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain's <metadata> say to vferry: the network identity of its VFs.
 *
 *   <metadata>
 *     <vferry:vfs xmlns:vferry='http://vferry.org/xmlns/domain/1.0'>
 *       <vferry:vf hostdev='ua-lan' network='lab' mac='52:54:00:12:34:56' vlan='42'
 *                  trust='yes' spoofchk='no' link-state='auto' max-tx-rate='1000'/>
 *       <vferry:vf interface='0' trust='yes'/>
 *     </vferry:vfs>
 *   </metadata>
 *
 * libvirt keeps one element of a namespace in <metadata>, so <vfs> holds them all;
 * virsh metadata --set '<vfs><vf .../></vfs>' adds the namespace by itself.
 *
 *   hostdev        the <hostdev> that it is about, or
 *   interface      the <interface>: its alias ("ua-lan"), or its position among the
 *                  domain's elements of that name, of whatever type, from 0
 *   network        the physical network, as vferry.conf(5) names it
 *   mac, vlan      of a <hostdev> only: an <interface> says them in libvirt's own words
 *   vlan-qos       priority in the tag, 0..7; needs vlan
 *   vlan-protocol  802.1Q (unless said) or 802.1ad; needs vlan
 *   trust, spoofchk            yes or no
 *   link-state                 auto, enable or disable
 *   min-tx-rate, max-tx-rate   Mb/s; 0 is without a limit, and what the other one is
 *                              where only one is said
 *
 * An attribute that is not there leaves to the PF what it has.
 */
#ifndef VFERRY_DOMAIN_VF_H
#define VFERRY_DOMAIN_VF_H

#include "identity.h"

/* libxml2's xmlNode: who includes this needs no libxml2. */
struct _xmlNode;

#define VFERRY_XML_NAMESPACE "http://vferry.org/xmlns/domain/1.0"

/* No host has more VFs to give. */
#define VFERRY_DOMAIN_VFS_MAX 1024

/**
 * VferryDomainVf - one <vferry:vf>
 * @line: where its start tag ends
 * @is_interface: it is about an <interface>, else about a <hostdev>
 * @alias: the device's alias; NULL where its position is said
 * @position: from 0; -1 where the alias is said
 * @device: index into VferryDomain.devices; -1: the domain has no such device
 * @network: physical network; NULL where none is said
 * @identity: the parts that are said, in their ranges; a MAC is not zero
 */
typedef struct {
	long line;
	gboolean is_interface;
	char *alias;
	int position;
	int device;
	char *network;
	VferryIdentity identity;
} VferryDomainVf;

/**
 * vferry_domain_vfs_parse() - all <vferry:vf> of a domain
 * @domain: the <domain>
 *
 * An element or attribute that is not known is an error: it may be a misspelt one.
 *
 * Return: VferryDomainVf, none matched with a device yet; NULL with
 * VFERRY_ERROR_INVALID.
 */
GPtrArray *vferry_domain_vfs_parse(const struct _xmlNode *domain, GError **error);

/** vferry_domain_orchestrator() - who made a domain, by the namespaces of its metadata; or NULL */
const char *vferry_domain_orchestrator(const struct _xmlNode *domain);

/** vferry_mac_parse() - "52:54:00:12:34:56"; FALSE for what is none, or is for more than one */
gboolean vferry_mac_parse(const char *text, guint8 *mac);

void vferry_domain_vf_free(VferryDomainVf *vf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryDomainVf, vferry_domain_vf_free)

#endif
