#!/usr/bin/env python3
"""run.py DUMP: our own Compose files, and what real Compose 2.40.3 made of them.

valid/ and merge/ must come out as in the goldens (dc240: `docker compose config --format json`),
whatever the order of keys. invalid/ must be refused exactly where 2.40.3 refuses (results.json),
with a place. DUMP is compose_dump.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent
ENV = {"PATH": os.environ["PATH"], "HOME": "/root", "SET": "set", "EMPTY": ""}
PLACE = re.compile(r"^/[^:]+:\d+:\d+: (?!warning)", re.M)

# Folder, files, golden, project name.
FURTHER = [
    ("merge", ["a.yml", "c.yml"], "o.240.json", "m"),
    ("merge", ["a.yml", "b.yml", "c.yml"], "abc.240.json", "m"),
    ("env", ["c.yml"], "c.240.json", "env"),
]


def load(dump, folder, files, project="t"):
    args = [dump, "-p", project, *files]
    return subprocess.run(args, cwd=ROOT / folder, env=ENV, capture_output=True, text=True)


def flat(node, path="", out=None):
    out = {} if out is None else out
    if isinstance(node, dict) and node:
        for key, value in node.items():
            flat(value, f"{path}.{key}", out)
    elif isinstance(node, list) and node:
        for i, value in enumerate(node):
            flat(value, f"{path}[{i}]", out)
    else:
        out[path] = node
    return out


def differences(want, got):
    want, got = flat(want), flat(got)
    return [f"    {path}: want {want.get(path, 'nothing')!r}, got {got.get(path, 'nothing')!r}"
            for path in sorted(want.keys() | got.keys())
            if path not in want or path not in got or want[path] != got[path]
            or type(want[path]) is not type(got[path])]


def check_valid(dump, name, golden, folder, files, project="t"):
    run = load(dump, folder, files, project)
    if run.returncode != 0:
        return [f"{name}: refused: {run.stderr.strip()}"]
    want = json.loads(golden.read_text().replace("@ROOT@", str(ROOT)))
    lines = differences(want, json.loads(run.stdout))
    return [f"{name}:", *lines] if lines else []


def check_invalid(dump, file, is_refused):
    run = load(dump, "invalid", [file.name])
    name = f"invalid/{file.name}"
    if run.returncode not in (0, 1):
        return [f"{name}: exit code {run.returncode}"]
    if bool(run.returncode) != is_refused:
        verdict = "refuses" if is_refused else "accepts"
        return [f"{name}: 2.40.3 {verdict} it; we said: {run.stderr.strip() or 'fine'}"]
    if is_refused and not PLACE.search(run.stderr):
        return [f"{name}: no place in: {run.stderr.strip()}"]
    return []


def main(dump):
    dump = str(pathlib.Path(dump).resolve())
    results = json.loads((ROOT / "results.json").read_text())
    bad, n = [], 0
    for file in sorted((ROOT / "valid").glob("*.yml")):
        golden = file.with_suffix(".dc240.json")
        bad += check_valid(dump, f"valid/{file.name}", golden, "valid", [file.name])
        n += 1
    for folder, files, golden, project in FURTHER:
        bad += check_valid(dump, f"{folder}/{golden}", ROOT / folder / golden, folder, files, project)
        n += 1
    for file in sorted((ROOT / "invalid").glob("*.yml")):
        is_refused = results[f"invalid/{file.name}"]["dc240"][0] != 0
        bad += check_invalid(dump, file, is_refused)
        n += 1
    print("\n".join(bad) or f"{n} cases as with Compose 2.40.3")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
