#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every static check, all of them even if one fails.
cd "$(dirname "$0")" || exit 1
bad=0
for check in check_layers.py check_size.py tidy.py check_format check_headers check_pure.sh \
    check_rfc.py check_security.py check_lint; do
    ./$check || bad=1
done
exit $bad
