#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keep the inputs of a fuzz target in one file: each as its length, two octets with the higher one
first, and its octets.

    tools/corpus.py pack DIRECTORY FILE     what libFuzzer's -merge=1 has left, smallest first
    tools/corpus.py unpack FILE DIRECTORY   each to a file of its own, named by its hash
"""

import hashlib
import pathlib
import sys

LONGEST = 65535


def pack(directory, file):
    """All files of a directory into one."""
    inputs = {path.read_bytes() for path in pathlib.Path(directory).iterdir() if path.is_file()}
    out = bytearray()
    for data in sorted(inputs, key=lambda d: (len(d), d)):
        if len(data) <= LONGEST:
            out += len(data).to_bytes(2, "big") + data
    pathlib.Path(file).write_bytes(out)
    print(f"{file}: {len(inputs)} inputs, {len(out)} octets")


def unpack(file, directory):
    """And back."""
    packed = pathlib.Path(file).read_bytes()
    at = 0
    while at + 2 <= len(packed):
        length = int.from_bytes(packed[at:at + 2], "big")
        data = packed[at + 2:at + 2 + length]
        if len(data) != length:
            sys.exit(f"corpus.py: {file} is cut off")
        (pathlib.Path(directory) / hashlib.sha1(data).hexdigest()).write_bytes(data)
        at += 2 + length


def main():
    commands = {"pack": pack, "unpack": unpack}
    if len(sys.argv) != 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2], sys.argv[3])


if __name__ == "__main__":
    main()
