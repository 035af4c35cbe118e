#!/usr/bin/env python3
"""check_purity.py PREFIXES ARCHIVE: what a library of lib may ask of others, and what it may keep.

It may import the pure part of libc and the named prefixes (comma separated; "" for none), and it
may hold no variable that can change: no .data, no .bss. The include check sees headers; this one
sees what the linker sees, so a hand-written prototype of time() doesn't get through either.
"""
import re
import subprocess
import sys

LIBC = re.compile(r"""
    (c|m|re)alloc | reallocarray | free | abort
  | mem(chr|rchr|cmp|cpy|move|set|mem) | str(n?len|n?cmp|n?casecmp|n?dup|r?chr|chrnul|str|casestr|sep|tok_r|r?spn|cspn|pbrk|error(name|desc)_np)
  | v?snprintf | v?s?scanf | qsort(_r)? | bsearch | strto([df]|u?ll?|u?max) | __isoc99_\w+ | strerrordesc_np
  | (is|to)(alnum|alpha|digit|lower|print|punct|space|upper|xdigit) | __ctype_(b|tolower|toupper)_loc
  | fprintf | stderr | fwrite | fputs?        # the assertion's last words
  | __errno_location | __stack_chk_fail | __(v?snprintf|fprintf|mem(cpy|set|move)|explicit_bzero)_chk
  | explicit_bzero | f?(abs|floor|ceil|lround|llround|round|trunc|pow|ldexp|isnan|isfinite|modf|fmod)l?
""", re.X)
# Compilers' own helpers and the sanitizers' (whose builds are checked, too).
TOOLS = re.compile(r"_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|sanitizer|sancov|tsan|gcov|llvm|start___|stop___)\w*|__u?(div|mod|mul)[dt]i\w*|_*asan\w*|__unnamed_\d+")
CHANGING = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)(\..*)?|\*COM\*")


def nm(*args):
    out = subprocess.run(["nm", *args], capture_output=True, text=True, check=True).stdout
    return [line for line in out.splitlines() if line.strip() and not line.endswith(":")]


def main(prefixes, archive):
    allowed = tuple(p for p in ("acc_", *prefixes.split(",")) if p)
    wanted = {line.split()[-1] for line in nm("-u", archive)}
    bad = [f"{archive}: calls {name}(), which lib may not" for name in sorted(wanted)
           if not name.startswith(allowed) and not LIBC.fullmatch(name) and not TOOLS.fullmatch(name)]
    for line in nm("-f", "sysv", archive):
        fields = [f.strip() for f in line.split("|")]
        if len(fields) != 7 or fields[3] != "OBJECT" or TOOLS.match(fields[0]):
            continue
        if CHANGING.fullmatch(fields[6]):
            bad.append(f"{archive}: {fields[0]} can change ({fields[6]}); lib keeps no state of its own")
    print("\n".join(bad) or f"{len(wanted)} names, all pure")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
