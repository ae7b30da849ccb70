# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts of vfio-dirty-log share: exit codes, what is known about kernels, where things lie.

# Exit codes of every script here.
# shellcheck disable=SC2034 # used where this file is read
{
	readonly EX_REFUSED=1  # looked at, and it does not fit
	readonly EX_INPUT=2    # wrong usage, or a file or tool is missing
	readonly EX_NOTHING=77 # nothing to do: this kernel reports by itself (dkms and automake say skip by 77)
}

MODULES_DIR=${MODULES_DIR:-/lib/modules}
DKMS_TREE=${DKMS_TREE:-/var/lib/dkms}

say() { printf 'vfio-dirty-log: %s\n' "$*"; }

# die CODE TEXT...: one line on stderr
die() {
	local code=$1
	shift
	say "$*" >&2
	exit "$code"
}

need_tools() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || die "$EX_INPUT" "$tool is missing, install the package that has it"
	done
}

# version_code X.Y[.Z]: a number that orders versions, as the kernel's KERNEL_VERSION() does
version_code() {
	[[ $1 =~ ^([0-9]+)\.([0-9]+)(\.([0-9]+))?$ ]] || return 1
	echo $((BASH_REMATCH[1] * 16777216 + BASH_REMATCH[2] * 65536 + ${BASH_REMATCH[4]:-0}))
}

# kernel_version KDIR: X.Y.Z of the kernel that the headers in KDIR belong to
kernel_version() {
	local header=$1/include/generated/uapi/linux/version.h
	[[ -r $header ]] || return 1
	awk '$2 == "LINUX_VERSION_MAJOR" { a = $3 } $2 == "LINUX_VERSION_PATCHLEVEL" { b = $3 }
	     $2 == "LINUX_VERSION_SUBLEVEL" { c = $3 }
	     END { if (a == "" || b == "" || c == "") exit 1; print a "." b "." c }' "$header"
}

# makefile_version FILE: X.Y.Z that a kernel's top Makefile says
makefile_version() {
	awk '$2 == "=" && $1 == "VERSION" { a = $3 } $2 == "=" && $1 == "PATCHLEVEL" { b = $3 }
	     $2 == "=" && $1 == "SUBLEVEL" { c = $3; exit }
	     END { if (a == "" || b == "" || c == "") exit 1; print a "." b "." c }' "$1"
}

# config_value KDIR NAME: y, m, or nothing
config_value() {
	local file
	for file in "$1/include/config/auto.conf" "$1/.config"; do
		[[ -r $file ]] || continue
		sed -n "s/^$2=\([ym]\)\$/\1/p" "$file"
		return
	done
	return 1
}

# kernel_verdict VERSION VFIO IOMMUFD_DRIVER: one word for the kernel of that version (X.Y.Z)
# and those values of its configuration (y, m or nothing).
#
#   old        before 6.1: VFIO has no dirty log at all
#   reports    6.1 to 6.6 have iova_bitmap inside vfio.ko; later ones with CONFIG_IOMMUFD_DRIVER
#   rebuild    6.12 to 7.2 without it: what this package is for
#   unknown    any other version: nobody has tried
#   builtin    vfio is not a module, so it cannot be replaced
kernel_verdict() {
	local code vfio=$2 driver=$3
	code=$(version_code "$1") || return 1
	if ((code < $(version_code 6.1))); then
		echo old
	elif ((code < $(version_code 6.7))) || [[ $driver ]]; then
		echo reports
	elif ((code < $(version_code 6.12) || code >= $(version_code 7.3))); then
		echo unknown
	elif [[ $vfio != m ]]; then
		echo builtin
	else
		echo rebuild
	fi
}

# stock_module KVER: path of the kernel's own vfio.ko; later dkms versions move it aside while ours is installed
stock_module() {
	local file
	for file in "$MODULES_DIR/$1"/kernel/drivers/vfio/vfio.ko* \
		"$DKMS_TREE"/vfio-dirty-log/original_module/"$1"/*/vfio.ko*; do
		[[ -f $file && $file != *.origin ]] || continue
		echo "$file"
		return
	done
	return 1
}

# compare_exports KERNEL_SYMVERS BUILT_SYMVERS: a line for each way in which the rebuilt vfio.ko offers
# something else than the kernel's own, apart from iova_bitmap_*, which it has to export. Nothing printed: they agree.
# Lines of a Module.symvers are CRC, symbol, module, kind of export, namespace, with tabs between.
compare_exports() {
	awk -F '\t' '
		NR == FNR { if ($3 == "drivers/vfio/vfio") { want[$2] = $1 " " $4 ($5 ? " in " $5 : ""); wanted++ } next }
		{ have[$2] = $1 " " $4 ($5 ? " in " $5 : "") }
		END {
			if (!wanted) print "the kernel has no list of what vfio exports"
			for (s in want)
				if (!(s in have)) print s " is missing"
				else if (have[s] != want[s]) print s " is " have[s] ", the kernel has " want[s]
			for (s in have)
				if (!(s in want) && s !~ /^iova_bitmap_/) print s " is not a symbol of the kernel"
			split("alloc free for_each set", f, " ")
			for (i in f)
				if (!(("iova_bitmap_" f[i]) in have)) print "iova_bitmap_" f[i] " is not exported"
		}' "$1" "$2" | sort
}

# compare_imports KERNEL_SYMVERS IMPORTS: a line for each import (lines of CRC, tab, name) that the kernel does not
# export with that CRC. In a kernel without CONFIG_MODVERSIONS every CRC is 0x00000000.
compare_imports() {
	awk -F '\t' '
		NR == FNR { crc[$2] = $1; next }
		!($2 in crc) { print $2 " is not exported by the kernel"; next }
		crc[$2] != $1 { print $2 " is needed as " $1 ", the kernel has " crc[$2] }' "$1" "$2" | sort
}
