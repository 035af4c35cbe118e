#!/usr/bin/python3
"""docs/compose.md says of every key of the Compose Specification what becomes of it."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
schema = (root / "lib" / "compose" / "schema_service.c").read_text()
text = (root / "docs" / "compose.md").read_text()
told = set(re.findall(r"`([a-z_]+)`", text[text.index("## Every key"):text.index("\n## ", text.index("## Every key"))]))
keys = set()
for table in ("service", "project"):
    rows = re.search(rf"^TABLE\({table}\) = {{(.*?)^}};", schema, re.M | re.S).group(1)
    keys |= set(re.findall(r"""[({]"([a-z_]+)",? ?""", rows))
missing = [f"docs/compose.md: the key {key} is missing in 'Every key'" for key in sorted(keys - told)]
if len(keys) < 90:
    missing.append(f"only {len(keys)} keys were found in the schema: its form has changed")
print("\n".join(missing))
sys.exit(bool(missing))
