#!/usr/bin/python3
"""The manual pages and accctl's help know every verb, and of each the options that it takes and no others."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
man = root / "packaging" / "man"
accctl = (man / "accctl.1").read_text()
accd = (man / "accd.8").read_text()
cmd = (root / "client" / "cmd.c").read_text()
wrong = []

# accctl: which options there are, and which each verb takes
letters, by_bit = {}, {}
for name, letter, bit in re.findall(r'\{"--([a-z-]+)", (0|\'.\'), ACCCTL_O_(\w+),', (root / "client" / "options.c").read_text()):
    letters[name] = letter.strip("'")
    by_bit.setdefault(bit, []).append(name)
COMMON = {"timeout"}  # said once for all verbs that ask
ONCE = {"detach", "all", "phase"}  # by the page for all that act
# bits that several verbs share, of which each takes a part (client/cmd_act.c)
PART = {"upgrade": {"yes"}, "rollback": {"keep"}}
macros = {"ACTS": "ACCCTL_O_ALL | ACCCTL_O_DETACH | ACCCTL_O_TIMEOUT", "ASKS": "ACCCTL_O_TIMEOUT",
          "SELECTS": re.search(r"#define SELECTS(.*?)\n#", cmd, re.S).group(1)}
selection = re.search(r"#define SELECTION\b(.*?)\n#", cmd, re.S).group(1)
waits = re.search(r"#define WAITS(.*?)\n/\*", cmd, re.S).group(1)
named = "--phase P --all"


def taken(expression):
    drop = set(re.findall(r"~ACCCTL_O_(\w+)", expression))
    for macro, bits in macros.items():
        expression = re.sub(rf"\b{macro}\b", bits, expression)
    return {name for bit in re.findall(r"ACCCTL_O_(\w+)", expression) if bit not in drop for name in by_bit[bit]}


def mentions(text, name):
    letter = letters[name]
    return re.search(rf"--{name}\b", text) or (letter != "0" and re.search(rf"(?<![\w-])-{letter}\b", text))


table = cmd[cmd.index("static const struct accctl_cmd cmds[]"):cmd.index("const struct accctl_cmd *accctl_cmd_find")]
for row in re.split(r'\n    (?=\{"[a-z-]+", accctl_cmd_)', table)[1:]:
    verb, options, rest = re.match(r'\{"([a-z-]+)", accctl_cmd_\w+,(.*?),\s*\d+,\s*(?:\d+|ACCCTL_ARGS_MAX),(.*)', row, re.S).groups()
    options = taken(options) - PART.get(verb, set()) - COMMON
    text = " ".join(re.findall(r'"((?:[^"\\]|\\.)*)"', rest)).replace("\\n", " ")
    text += selection if re.search(r"\bSELECTION\b", rest) else ""
    text += waits if "WAITS" in rest else ""
    text += named if re.search(r"\b(NAMED|TARGETS)\b", rest) else ""
    wrong += [f"accctl help {verb}: --{name} is missing" for name in sorted(options) if not mentions(text, name)]
    wrong += [f"accctl help {verb}: it takes no --{name}" for name in sorted(set(re.findall(r"--([a-z-]+)", text)))
              if name not in options | COMMON | {"json"} and name in letters and not re.search(rf"accctl [a-z-]+ (?:\w+ )?--{name}", text)]
    if verb == "help":
        continue
    items = re.findall(rf"^\.It Cm (?:[a-z-]+ [|,] )*{verb}\b.*?(?=^\.It |^\.El)", accctl, re.M | re.S)
    if not items:
        wrong.append(f"accctl.1: the verb {verb} is missing")
        continue
    said = set()
    for line in "\n".join(items).splitlines():
        if not re.match(rf"\.Cm (?!{verb}\b)", line):  # of another verb
            said |= {o for group in re.findall(r"\bFl ((?:-?[a-z][a-z-]*(?: \| )?)+)", line) for o in re.findall(r"[a-z][a-z-]*", group)}
    said = {next((name for name in options if letters[name] == o), o) for o in said}
    wrong += [f"accctl.1: {verb}: --{name} is missing" for name in sorted(options - ONCE - said)]
    wrong += [f"accctl.1: {verb} takes no --{name}" for name in sorted(said - options - COMMON)]

wrong += [f"accd.8: --{option} is missing"
          for option in re.findall(r'\{"([a-z-]+)", (?:no|required)_argument', (root / "daemon" / "options.c").read_text())
          if option not in ("help", "version") and f"Fl -{option}" not in accd]
print("\n".join(wrong))
sys.exit(bool(wrong))
