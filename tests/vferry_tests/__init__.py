# SPDX-License-Identifier: LGPL-2.1-or-later
"""What demo, check and the lab tests share: guests, VFs, traffic, moves and their figures."""
