# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for vferry(1): verbs, options, PFs and VFs from sysfs, domains from libvirt.
# shellcheck shell=bash

_vferry_devices=/sys/bus/pci/devices

# Names of the folders of all devices that have the file "$1".
_vferry_having() {
	local path
	for path in "$_vferry_devices"/*/"$1"; do
		[[ -e $path ]] || continue
		path=${path%/*}
		echo "${path##*/}"
	done
}

_vferry_vfs() {
	_vferry_having physfn
}

# Addresses and network interfaces.
_vferry_pfs() {
	local pf path
	for pf in $(_vferry_having sriov_totalvfs); do
		echo "$pf"
		for path in "$_vferry_devices/$pf"/net/*; do
			[[ -e $path ]] && echo "${path##*/}"
		done
	done
}

_vferry_drivers() {
	local path
	for path in /sys/bus/pci/drivers/*; do
		[[ -e $path ]] && echo "${path##*/}"
	done
}

_vferry_domains() {
	virsh --readonly --connect qemu:///system list --all --name 2> /dev/null
}

_vferry_options() {
	case $1 in
	list | doctor) printf '%s\n' --connect --json --help ;;
	show | bind | unbind | detach | decode) printf '%s\n' --json --help ;;
	provision) printf '%s\n' --all --dry-run --json --help ;;
	export) printf '%s\n' --network --unmanaged --help ;;
	check) printf '%s\n' --ask-qemu --connect --json --help ;;
	migrate)
		printf '%s\n' --bandwidth --connect --json --migrate-uri --no-check --timeout --help
		;;
	esac
}

# Is the word after option "$2" of verb "$1" its value?
_vferry_takes_value() {
	case $1:$2 in
	*:--*=*) return 1 ;;
	*:-c | *:--connect | export:-n | export:--network) return 0 ;;
	migrate:-b | migrate:--bandwidth | migrate:-t | migrate:--timeout | migrate:--migrate-uri)
		return 0
		;;
	esac
	return 1
}

# What may stand as argument number $2 of verb $1, counted from 1.
_vferry_arguments() {
	case $1:$2 in
	show:1 | bind:1 | unbind:1) _vferry_vfs ;;
	bind:2) _vferry_drivers ;;
	provision:*) _vferry_pfs ;;
	export:1) printf '%s\n' libvirt-network nova sriov-device-plugin ;;
	export:*) _vferry_pfs ;;
	check:1 | migrate:1) _vferry_domains ;;
	decode:1) compgen -f -- "$3" ;;
	esac
}

# Lines that begin with the word "$1". Names come from other programs: what bash would
# expand or take apart once it is on the command line is not offered.
_vferry_matching() {
	local line
	while read -r line; do
		[[ -n $line && $line == "$1"* && $line != *[!a-zA-Z0-9._:@/+-]* ]] && echo "$line"
	done
}

# bash takes ":" for the end of a word, so the word is taken from the line, and what bash
# has already is taken off what is offered.
_vferry() {
	local line=${COMP_LINE:0:COMP_POINT} word current offered number=1 value=
	local -a words
	read -ra words <<< "$line"
	current=${line##* }
	[[ -n $current ]] && unset 'words[-1]'
	for word in "${words[@]:2}"; do
		[[ $value || $word == -* ]] || number=$((number + 1))
		value=
		if _vferry_takes_value "${words[1]}" "$word"; then value=yes; fi
	done

	if ((${#words[@]} < 2)); then
		offered=$(printf '%s\n' list show provision bind unbind detach export check migrate \
			doctor decode --help --version)
	elif [[ $value ]]; then
		offered=
	elif [[ $current == -* ]]; then
		offered=$(_vferry_options "${words[1]}")
	else
		offered=$(_vferry_arguments "${words[1]}" "$number" "$current")
	fi
	# As lspci prints them.
	[[ $current =~ ^[0-9a-f]{2}: ]] && offered=${offered//0000:/}

	mapfile -t COMPREPLY < <(_vferry_matching "$current" <<< "$offered")
	if [[ $current == *:* && ${COMP_WORDBREAKS-} == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
	fi
}

complete -F _vferry vferry
