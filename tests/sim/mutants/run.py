#!/usr/bin/env python3
"""run.py --build DIR [--seeds N] [NAME...]: make one fault at a time in lib/engine; something must notice.
run.py --fits: only see whether each fault still fits the source.

list.txt holds the faults: "file: name", then "- " what stands there and "+ " what the fault makes of it
(\\n for a line's end). Each is compiled alone, linked before the library, and given to the golden cases,
the unit tests of the engine, the seeds that have found something once and N others, plain and with upgrades
(default 40), in this order. Prints who noticed.
Exit 1 when one survives or no longer fits the source: then the tests must see better (UNSEEN says what they
lack), or the fault is no fault and belongs with its reason among EQUIVALENT. What a fault replaces stands in
its file once: else it would wander when the file changes.
"""
import argparse
import concurrent.futures
import pathlib
import resource
import shlex
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGETS = ["tests/golden/golden", "tests/unit/test_engine_fail", "tests/unit/test_engine_up",
           "tests/unit/test_engine_hand", "tests/unit/test_engine_hold", "tests/unit/test_engine_rollout",
           "tests/unit/test_engine_rollout_change", "tests/unit/test_engine_change",
           "tests/unit/test_engine_contact", "tests/unit/test_engine_drift", "tests/unit/test_engine_auto",
           "tests/unit/test_engine_confirm", "tests/unit/test_engine_network", "tests/unit/test_engine_shutdown",
           "tests/sim/sim"]
CPU_S = 300  # of its own: how long that takes on a busy machine says nothing
FLAGS = ["-std=c17", "-D_GNU_SOURCE", '-DACC_VERSION="0"', "-DHASH_FUNCTION=HASH_OAT", "-O1", "-w"]

# Faults that change nothing that can be seen, and why.
EQUIVALENT = {
    "who gave up starts again": "who gave up gets no trial, so its breaker stays OPEN, which is asked, too",
    "waiting for a person is restarted": "who waits for somebody has been told before it comes to that",
    "a frozen one is decided on": "what is decided is refused once more before it is done",
    "post-recovery restarts without end": "a run that began after the dependency's return is spared, too",
    "it goes on beside the old one": "a start beside the old one goes back to the stop of the old one",
    "time off counts as proof": "a container that was started anew since is watched from then on, too",
}
# Faults that would be seen, and why nothing here sees them.
LATE = "that a drain comes true after it was taken back happens in few seeds, and no golden case can say it"
UNSEEN = {
    "a drain that came late is never taken back": LATE,
    "a drain of another run comes late": LATE,
    "a late drain is taken back without end": LATE,
    "what was taken back once can't come late": LATE,
}


def read_list():
    faults, name, file, old = [], None, None, None
    for line in (pathlib.Path(__file__).parent / "list.txt").read_text().splitlines():
        if line.startswith("- "):
            old = line[2:].replace("\\n", "\n")
        elif line.startswith("+"):
            faults.append((name, file, old, line[2:].replace("\\n", "\n")))
        elif line and not line.startswith("#"):
            file, name = line.split(": ", 1)
    return faults


def fits(fault):
    """None, or why it doesn't."""
    name, file, old, _ = fault
    n = (ROOT / "lib/engine" / file).read_text().count(old)
    return None if n == 1 else f"{file}: {name}: what it replaces stands there {n} times"


def check_list(faults):
    names = [fault[0] for fault in faults]
    bad = [text for fault in faults if (text := fits(fault))]
    bad += [f"there are two faults of the name {name}" for name in sorted(set(names)) if names.count(name) > 1]
    bad += [f"{name} is explained, and not in the list" for name in (EQUIVALENT | UNSEEN) if name not in names]
    print("\n".join(bad or [f"{len(faults)} faults, each fits"]))
    return 1 if bad else 0


def link_command(build, target):
    out = subprocess.run(["ninja", "-C", build, "-t", "commands", target], capture_output=True, text=True, check=True)
    return shlex.split(out.stdout.strip().splitlines()[-1])


def link(command, obj, program, build):
    at = command.index("-o")
    return subprocess.run([*command[:at], "-o", str(program), str(obj), *command[at + 2:]], cwd=build,
                          capture_output=True, text=True)


def says(program, *args):
    """What it says when it notices the fault, or None."""
    run = subprocess.run([program, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S)))
    if run.returncode == 0:
        return None
    if run.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "hangs"
    lines = [line for line in run.stdout.splitlines() if line.strip() and not line.startswith("Running")]
    return " ".join((lines or ["dies"])[0].replace(str(ROOT) + "/", "").split())[:120]


def notices(target, program, seeds):
    if target.endswith("golden"):  # the days of a whole platform last longer than all the others together
        cases = sorted(map(str, (ROOT / "tests/golden").glob("*.txt")))
        large = [case for case in cases if "/platform-" in case]
        return says(program, *(case for case in cases if case not in large)) or says(program, *large)
    if target.endswith("/sim"):
        return says(program, "--list", str(ROOT / "tests/sim/regressions.txt")) or \
            says(program, "--from", "0", "--to", str(seeds)) or \
            says(program, "--from", "0", "--to", str(seeds), "--upgrades")
    return says(program)


def try_fault(fault, links, build, seeds):
    name, file, old, new = fault
    text = (ROOT / "lib/engine" / file).read_text()
    if why := fits(fault):
        return name, "STALE", why
    with tempfile.TemporaryDirectory() as folder:
        source, obj = pathlib.Path(folder) / file, pathlib.Path(folder) / "fault.o"
        source.write_text(text.replace(old, new, 1))
        made = subprocess.run(["gcc", *FLAGS, "-I", ROOT, "-c", source, "-o", obj], capture_output=True, text=True)
        if made.returncode != 0:
            return name, "STALE", "does not compile: " + made.stderr[:200]
        for target, command in links.items():
            program = pathlib.Path(folder) / target.split("/")[-1]
            made = link(command, obj, program, build)
            if made.returncode != 0:
                return name, "STALE", "does not link: " + made.stderr[:300]
            said = notices(target, program, seeds)
            if said:
                return name, "dies", f"{target.split('/')[-1]}: {said}"
    return (name, "equal", EQUIVALENT[name]) if name in EQUIVALENT else (name, "SURVIVES", UNSEEN.get(name, ""))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.add_argument("--fits", action="store_true")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--after", type=int, default=0, help="skip so many")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.fits:
        return check_list(read_list())
    if not args.build:
        parser.error("--build DIR is missing")
    faults = [f for f in read_list() if not args.names or any(n in f[0] for n in args.names)]
    faults = faults[args.after:]
    links = {target: link_command(args.build, target) for target in TARGETS}
    count = {}
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        for name, verdict, text in pool.map(lambda f: try_fault(f, links, args.build, args.seeds), faults):
            count[verdict] = count.get(verdict, 0) + 1
            print(f"{verdict:8} {name}{': ' if text else ''}{text}", flush=True)
    print(f"{len(faults)} faults: " + ", ".join(f"{n} {verdict}" for verdict, n in sorted(count.items())))
    return 1 if count.get("SURVIVES") or count.get("STALE") else 0


sys.exit(main())
