#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every .pkt script of this directory's subdirectories, one TAP case each. Those of errors/ are
# wrong on purpose: they show what the runner says then.
here=$(cd "$(dirname "$0")" && pwd)
build=${GN_BUILD:-$here/../../build/dev}
exec "$build/bin/gannet-script" --tap "$here"/*/
