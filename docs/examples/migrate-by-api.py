# SPDX-License-Identifier: LGPL-2.1-or-later
"""Moves a domain to VFs that the caller has chosen, by libvirt's API, as Nova does.

The domain's hostdevs are managed='no': who chooses a VF has it bound before. vferry's hook at the
destination keeps the choice, or refuses the migration and says why. Needs python3-libvirt.
"""

import argparse
import sys
from xml.etree import ElementTree

import libvirt

FLAGS = (libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER
         | libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE)


def address(text: str) -> dict[str, str]:
    """ "0000:01:10.2" as the attributes of libvirt's <address>."""
    domain, bus, rest = text.split(":")
    slot, _, function = rest.partition(".")
    numbers = {"domain": domain, "bus": bus, "slot": slot, "function": function}
    return {key: f"{int(value, 16):#x}" for key, value in numbers.items()}


def choice(text: str) -> tuple[str, str]:
    """ "HERE=THERE" """
    here, separator, there = text.partition("=")
    try:
        address(here), address(there)
    except ValueError:
        separator = ""
    if not separator:
        raise argparse.ArgumentTypeError(f"'{text}' is not HERE=THERE, as 0000:01:10.0=0000:03:10.2")
    return here, there


def with_choices(xml: str, choices: list[tuple[str, str]]) -> str:
    """The domain with the destination's addresses. Raises ValueError for a VF that it has not."""
    domain = ElementTree.fromstring(xml)
    sources = domain.findall("devices/hostdev[@type='pci']/source/address")
    taken = {tuple(sorted((key, int(value, 16)) for key, value in source.attrib.items())): source
             for source in sources}
    for here, there in choices:
        wanted = tuple(sorted((key, int(value, 16)) for key, value in address(here).items()))
        if wanted not in taken:
            raise ValueError(f"the domain has no VF {here}")
        taken[wanted].attrib.update(address(there))
    return ElementTree.tostring(domain, encoding="unicode")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("domain")
    parser.add_argument("uri", help="of the other host's libvirt, as qemu+ssh://host2/system")
    parser.add_argument("choices", nargs="+", type=choice, metavar="HERE=THERE",
                        help="a VF of the domain, and the one that it is to have there")
    parser.add_argument("--migrate-uri", metavar="URI", help="where memory goes, as tcp://host2")
    options = parser.parse_args()
    try:
        domain = libvirt.open("qemu:///system").lookupByName(options.domain)
        there = with_choices(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE), options.choices)
        parameters = {libvirt.VIR_MIGRATE_PARAM_DEST_XML: there}
        if options.migrate_uri:
            parameters[libvirt.VIR_MIGRATE_PARAM_URI] = options.migrate_uri
        domain.migrateToURI3(options.uri, parameters, FLAGS)
    except (libvirt.libvirtError, ValueError) as error:
        print(f"migrate-by-api: {options.domain}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
