#!/usr/bin/env python3
"""shrink.py: what a planted bug takes is found, small, and the same each time.

Compiles the simulator with one bug of plants.py, looks for the first seed that notices it, and has that
made small. Exit 1 when too much is left of it, or what is left depends on anything but the seed.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import plants  # noqa: E402

PLANT = "a planned stop asks nobody to go first"  # takes two services, an edge, and a stop
SEEDS_MAX = 100
SERVICES_MAX, EDGES_MAX, FAULTS_MAX = 4, 4, 6
LEFT = re.compile(r"(\d+) services, (\d+) edges and (\d+) faults are left after (\d+) runs")


def run(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True, check=False).stdout


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = plants.planted(pathlib.Path(folder), PLANT)
        found = re.search(r"to make it small: sim (.*)", run(program, "--from", "0", "--to", str(SEEDS_MAX)))
        if not found:
            print(f"no seed below {SEEDS_MAX} notices: {PLANT}")
            return 1
        story = run(program, *found[1].split())
        again = run(program, *found[1].split())
    left = LEFT.search(story)
    if not left or "VIOLATION" not in story:
        print(story[:2000])
        return 1
    services, edges, faults = (int(n) for n in left.groups()[:3])
    print(f"{found[1]}: {left[0]}")
    print("\n".join(line for line in story.splitlines() if "VIOLATION" in line))
    is_small = services <= SERVICES_MAX and edges <= EDGES_MAX and faults <= FAULTS_MAX
    if not is_small:
        print(f"more than {SERVICES_MAX} services, {EDGES_MAX} edges or {FAULTS_MAX} faults are left")
    if story != again:
        print("another story the second time")
    return 0 if is_small and story == again else 1


sys.exit(main())
