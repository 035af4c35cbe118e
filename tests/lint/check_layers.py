#!/usr/bin/env python3
"""check_layers.py ROOT: fail when an include, or a call, goes through a wall of the house.

Arrows run one way (docs and DESIGN: base <- model <- graph, ledger <- plan <- engine <- codec <-
daemon | client, with compose beside them). A room may include itself and the rooms in its list;
the lists are transitive by hand, so that each line can be read alone.
"""
import pathlib
import re
import sys

CORE = ["lib/base", "lib/model", "lib/graph", "lib/ledger", "lib/plan", "lib/engine", "lib/drill"]
LIB = CORE + ["lib/codec", "lib/compose"]
# The parts of the daemon that carry: they know lib and each other, and nothing above them.
CARRIERS = [
    "daemon/pump", "daemon/uvx", "daemon/log", "daemon/curl_uv", "daemon/docker", "daemon/inspector",
    "daemon/sessions", "daemon/differences", "daemon/last_words", "daemon/image_news", "daemon/orphans",
    "daemon/departed",
]

ROOMS = {
    "lib/base": [],
    "lib/model": ["lib/base"],
    "lib/graph": ["lib/base", "lib/model"],
    "lib/ledger": ["lib/base", "lib/model"],
    "lib/plan": CORE[:4],
    "lib/engine": CORE[:5],
    "lib/drill": CORE[:6],  # a Docker of few words with the engine on top
    "lib/codec": CORE[:6],
    "lib/compose": ["lib/base", "lib/model"],
    **{carrier: LIB + CARRIERS for carrier in CARRIERS},
    "daemon/in": LIB + CARRIERS + ["load"],
    "daemon/out": LIB + CARRIERS,
    "load": LIB,  # files to model, for both programs (docs/adr/0002)
    "daemon": LIB + CARRIERS + ["load", "daemon/in", "daemon/out"],
    "client": LIB + ["load"],
    "tests": LIB + CARRIERS + ["load", "daemon", "daemon/in", "daemon/out", "client"],
}

# What of the C library lib may see: nothing that knows a clock, a file, a socket or a thread.
PURE_HEADERS = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdalign.h", "stdarg.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "stdnoreturn.h", "string.h",
    "strings.h",
}
LIBRARY_HEADERS = {
    "lib/codec": {"cjson/cJSON.h"},
    "lib/compose": {"yaml.h", "uthash.h", "sha2.h", "sha256.h"},
}
STEP_CALLERS = re.compile(r"daemon/pump\.c|lib/drill/world\.c|lib/engine/.*|tests/.*")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STEP = re.compile(r"\bacc_engine_step\b")


def room_of(name):
    """The longest room that holds this file; a carrier's room is the pair of its .c and .h."""
    stem = name.rsplit(".", 1)[0]
    if stem in CARRIERS:
        return stem
    folders = [room for room in ROOMS if room not in CARRIERS and name.startswith(room + "/")]
    return max(folders, key=len, default=None)


def check_system(name, room, target, bad):
    if not room.startswith("lib/"):
        return
    if target not in PURE_HEADERS and target not in LIBRARY_HEADERS.get(room, ()):
        bad.append(f"{name}: <{target}> does not belong in {room}")


def check_project(root, name, room, target, bad):
    if not (root / target).exists():
        if not target.endswith(".inc.h"):  # generated files live in the build folder
            bad.append(f'{name}: "{target}" is not a path from the top')
        return
    to = room_of(target)
    if to != room and to not in ROOMS[room]:
        bad.append(f"{name}: includes {target}; {room} may not know {to}")


def check_file(root, path, bad, uses):
    name = path.relative_to(root).as_posix()
    room = room_of(name)
    if room is None:
        bad.append(f"{name}: in no room; add its folder to ROOMS")
        return
    text = COMMENT.sub("", path.read_text())
    for kind, target in INCLUDE.findall(text):
        if kind == "<":
            check_system(name, room, target, bad)
        else:
            check_project(root, name, room, target, bad)
            uses.setdefault(name[:-2], set()).add(target[:-2])
    if STEP.search(text) and not STEP_CALLERS.fullmatch(name):
        bad.append(f"{name}: speaks of acc_engine_step(); daemon/pump.c is its only caller")


def main(root):
    root, bad, uses = pathlib.Path(root), [], {}
    files = sorted(p for top in ("lib", "load", "daemon", "client", "tests")
                   for p in root.glob(f"{top}/**/*.[ch]"))
    for path in files:
        check_file(root, path, bad, uses)
    # A header without a .c of its own is what several .c of one module share; it may include theirs.
    # The simulator's world and its oracle know each other by design; tests have no arrows among them.
    modules = {stem for stem in uses if (root / f"{stem}.c").exists() and not stem.startswith("tests/")}
    for a, targets in uses.items():
        bad += [f"{a} and {b} include each other" for b in sorted(targets)
                if a < b and a in uses.get(b, ()) and {a, b} <= modules]
    print("\n".join(bad) or f"{len(files)} files, all arrows point down")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
