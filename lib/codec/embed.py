#!/usr/bin/env python3
"""embed.py IN OUT NAME: a text file as a C array with a NUL behind it.

Numbers, not a string: ISO C promises 4095 characters of a literal and the compiler warns beyond.
"""
import sys

source, target, name = sys.argv[1:]
data = open(source, "rb").read() + b"\0"
rows = [", ".join(str(b) for b in data[i:i + 20]) for i in range(0, len(data), 20)]
with open(target, "w", encoding="ascii") as out:
    out.write(f"extern const char {name}[];\nconst char {name}[] = {{\n    "
              + ",\n    ".join(rows) + "};\n")
