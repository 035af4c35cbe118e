#!/usr/bin/env python3
"""run.py ACCCTL [--write]: what `accctl check` says of each folder's *.yaml, all at once: want.txt.

The JSON form must have the same problems, and so must `accctl config` of each Compose file that is no
part of a whole: there what only accd refuses is a warning, and other stacks aren't asked. --write makes want.txt anew; read what has changed.
"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent
ENV = {"PATH": os.environ["PATH"], "HOME": "/root"}


def check(accctl, folder, *options):
    files = sorted(p.name for p in folder.glob("*.yaml"))
    return subprocess.run([accctl, *options, "check", *files], cwd=folder, env=ENV, capture_output=True, text=True)


def json_lines(run):
    reply = json.loads(run.stdout)
    for p in reply["problems"]:
        place = f":{p['line']}:{p['column']}" if p["line"] else ""
        yield f"{p['file']}{place}: {'warning: ' if p['severity'] == 'warning' else ''}{p['text']}"
    if "more" in reply:
        yield f"and {reply['more']} more"


def problems(run):
    lines = (line.replace(": warning: ", ": ") for line in run.stderr.splitlines())
    return [line for line in lines if "but there is no stack" not in line]


def differing(accctl, folder):
    """Where check and config don't say the same of one file, however it is named."""
    for path in sorted(folder.glob("*.y*ml")):
        option = "-c" if path.name == "acc.yaml" else "-f"
        first, *others = [subprocess.run([accctl, *args, path.name], cwd=folder, env=ENV,
                                         capture_output=True, text=True)
                          for args in (("check",), ("check", option), ("config", option))]
        for other in others[:1] if option == "-c" else others:
            if problems(first) != problems(other):
                yield f"{folder.name}/{path.name}: check says\n{first.stderr}{other.args} says\n{other.stderr}"


def one(accctl, folder, is_writing):
    run = check(accctl, folder)
    got = (run.stderr + run.stdout + f"exit {run.returncode}\n").replace(f"{folder}/", "")
    if is_writing:
        (folder / "want.txt").write_text(got)
    want = (folder / "want.txt").read_text()
    bad = [] if got == want else [f"{folder.name}:\n  want\n{want}  got\n{got}"]
    lines = list(json_lines(check(accctl, folder, "--json")))
    if lines != run.stderr.splitlines():
        bad.append(f"{folder.name}: --json says {lines}")
    return bad + list(differing(accctl, folder))


def main(accctl, is_writing):
    accctl = str(pathlib.Path(accctl).resolve())
    folders = sorted(p for p in ROOT.iterdir() if p.is_dir())
    bad = [line for folder in folders for line in one(accctl, folder, is_writing)]
    print("\n".join(bad) or f"{len(folders)} cases")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--write" in sys.argv))
