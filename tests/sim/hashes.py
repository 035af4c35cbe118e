#!/usr/bin/env python3
"""hashes.py [--seeds N]: one seed has one story, whoever compiled it (I17).

Builds the simulator with gcc and clang, without and with optimisation, and with sanitizers, and compares
the hash over all actions of each seed. Exit 1 when two differ, or when a sanitizer complains.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
VARIANTS = {
    "gcc -O0": ["gcc", "-O0"],
    "gcc -O2": ["gcc", "-O2"],
    "clang -O0": ["clang", "-O0"],
    "clang -O2": ["clang", "-O2"],
    "gcc -O1, sanitizers": ["gcc", "-O1", "-g", *SANITIZERS],
    "clang -O1, sanitizers": ["clang", "-O1", "-g", *SANITIZERS],
}
FLAGS = ["-std=c17", "-D_GNU_SOURCE", '-DACC_VERSION="0"', "-DHASH_FUNCTION=HASH_OAT", "-w", "-I."]


def sources():
    files = [f for room in ("base", "model", "graph", "engine") for f in sorted((ROOT / "lib" / room).glob("*.c"))]
    files += [ROOT / "lib/codec/docker_error.c", *sorted((ROOT / "lib/drill").glob("model_*.c"))]
    return files + [f for f in sorted((ROOT / "tests/sim").glob("*.c")) if not f.name.startswith("test_")]


def hashes(compiler, folder, seeds):
    program = pathlib.Path(folder) / "sim"
    subprocess.run([*compiler, *FLAGS, *sources(), "-o", program], cwd=ROOT, check=True)
    run = subprocess.run([program, "--quick", "--hashes", "--from", "0", "--to", str(seeds - 1)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        print((run.stdout + run.stderr)[-2000:])
        sys.exit(1)
    return run.stdout.splitlines()[:-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=100)
    args = parser.parse_args()
    first, bad = None, 0
    for name, compiler in VARIANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            found = hashes(compiler, folder, args.seeds)
        first = first or found
        differ = [a for a, b in zip(first, found) if a != b]
        bad += bool(differ) or len(found) != len(first)
        print(f"{name}: {len(found)} seeds, {len(differ)} differ{': seed ' + differ[0] if differ else ''}", flush=True)
    return 1 if bad else 0


sys.exit(main())
