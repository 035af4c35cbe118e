#!/usr/bin/python3
"""What bash offers after Tab: verbs and options of the accctl that was built, services and stacks of a stand-in."""
import pathlib
import subprocess
import sys
import tempfile

script, accctl = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
STATUS = '{"stacks":[{"name":"media"}],"services":[{"id":"media/grafana","stack":"media"},{"id":"home/db","stack":"home"}]}'
CASES = [  # words before the cursor, what must be offered, what may not
    (["accctl", "up"], {"up", "upgrade"}, {"status"}),
    (["accctl", "--socket", "/x", "sto"], {"stop"}, set()),
    (["accctl", "help", "mai"], {"maintenance"}, set()),
    (["accctl", "upgrade", "--"], {"--image", "--dry-run", "--timeout"}, {"--prune"}),
    (["accctl", "maintenance", ""], {"on", "off"}, set()),
    (["accctl", "why", ""], {"grafana", "media/grafana", "media", "home", "db"}, {"upgrade"}),
    (["accctl", "restart", "media", "gr"], {"grafana"}, {"db"}),
]
wrong = []
with tempfile.TemporaryDirectory() as folder:
    stand_in = pathlib.Path(folder) / "accctl"
    stand_in.write_text(f"#!/bin/sh\ncase \" $* \" in *' status '*) echo '{STATUS}' ;; *) exec {accctl} \"$@\" ;; esac\n")
    stand_in.chmod(0o755)
    for words, must, may_not in CASES:
        quoted = " ".join(f"'{w}'" for w in words)
        done = subprocess.run(["bash", "--norc", "-c", f"PATH={folder}:$PATH; . {script}; COMP_WORDS=({quoted}); "
                               f"COMP_CWORD={len(words) - 1}; _accctl; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
                              capture_output=True, text=True, check=False)
        offered = set(done.stdout.split())
        if done.stderr or must - offered or may_not & offered:
            wrong.append(f"{' '.join(words)}: offers {sorted(offered)}; lacks {sorted(must - offered)} {done.stderr}")
print("\n".join(wrong))
sys.exit(bool(wrong))
