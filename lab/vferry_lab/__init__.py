# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual hosts with SR-IOV on one machine; see lab/README.md."""
