#!/usr/bin/python3
"""The manual pages know every verb of accctl and every option of accd."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
man = root / "packaging" / "man"
accctl = (man / "accctl.1").read_text()
accd = (man / "accd.8").read_text()
missing = [f"accctl.1: the verb {verb} is missing"
           for verb in re.findall(r'^    \{"([a-z-]+)", accctl_cmd_', (root / "client" / "cmd.c").read_text(), re.M)
           if verb != "help" and not re.search(rf"^\.It Cm .*\b{verb}\b", accctl, re.M)]
missing += [f"accd.8: --{option} is missing"
            for option in re.findall(r'\{"([a-z-]+)", (?:no|required)_argument', (root / "daemon" / "options.c").read_text())
            if option not in ("help", "version") and f"Fl -{option}" not in accd]
print("\n".join(missing))
sys.exit(bool(missing))
