#!/usr/bin/env python3
"""plants.py [NAME...]: plant one bug at a time in lib/engine; the simulation must notice each.
plants.py --fits: only see whether each still fits the source.

A simulation is done when planted bugs die. Run by hand: it compiles the engine once per plant and
then simulates seeds until one of them fails (SEEDS=1000 at most). Exit 1 when a plant survives or
no longer fits the source; then bring it up to date, don't drop it.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEEDS = int(os.environ.get("SEEDS", "1000"))
CC = os.environ.get("CC", "gcc")
FLAGS = ["-std=c17", "-D_GNU_SOURCE", '-DACC_VERSION="0"', "-O1", "-w", "-I."]

# Not planted, because another guard does the same: freshness in acc_edge_met (nothing acts before the
# snapshot), `held` in may_start (decide_down asks first), bound_cid (a start in a namespace that is
# gone fails and recreates), is_our_doing of hints (resolve_exit asks first), acc_save in acc_command
# (each verb saves), the age of a health entry (Docker's own status begins anew with each run).
# name, file of lib/engine, what stands there, what the bug makes of it
PLANTS = [
    ("needs is met when it only runs", "gate.c", "return d->ready && d->is_fresh;", "return d->running && d->is_fresh;"),
    ("acts before the first whole picture", "engine.c", "return e->conn == CONN_UP && e->synced;\n}\n\nbool acc_may_act", "return e->conn == CONN_UP;\n}\n\nbool acc_may_act"),
    ("a completed milestone is met by readiness", "gate.c", "case ACC_COND_COMPLETED:\n        return acc_svc_is_done(d);", "case ACC_COND_COMPLETED:\n        return true;"),
    ("a planned stop asks nobody to go first", "gate.c", "any_running(e, dependent)) {\n            return false;", "any_running(e, dependent)) {\n            return true;"),
    ("a chain of stop-type edges waits for itself", "service.c", "(is_planned || acc_must_stop(e, s) || acc_may_swap(e, s, i))", "(is_planned || acc_may_swap(e, s, i))"),
    ("the hint of a leaving dockerd is believed", "engine.c", "inst->stop_hint_ns = 0;", ";"),
    ("a manual stop is never asked for", "instance.c", "*ret_by_hand = i->manual_answered && i->manual == ACC_YES;", "*ret_by_hand = false;"),
    ("a foreign stop is a crash", "instance.c", "bool is_told = acc_inst_is_stopped_by_hand(i);", "bool is_told = false;"),
    ("a breaker that never opens", "fail.c", "ring_weight(e, s) >= s->timing.budget", "false"),
    ("backoff isn't waited for", "gate.c", "return acc_due(e, s, s->backoff_ms);", "return true;"),
    ("the breaker gates nothing", "gate.c", "if (s->gave_up || s->breaker == BREAKER_OPEN) {", "if (s->gave_up) {"),
    ("wanted off starts all the same", "act.c", "if (!s->wanted_up || s->removed) {\n        return decide_unwanted", "if (s->removed) {\n        return decide_unwanted"),
    ("an observed stack is acted upon", "act.c", "if (acc_svc_observing(e, s) && what != ACC_ACT_SET_POLICY) {", "if (false) {"),
    ("starts are not limited", "engine.c", "case TOKEN_START:\n    case TOKEN_CREATE:\n        return e->timing.starts_in_flight;", "case TOKEN_START:\n    case TOKEN_CREATE:\n        return 64;"),
    ("two may run for one slot", "service.c", "acc_observe_slots(e, s);", ";"),
    ("a late answer is never settled", "op.c", "        acc_op_give_up(e, &e->inst[k]);", "        (void)e;"),
    ("the end of a run is forgotten by its dependents", "gate.c", "acc_reaction(event, edge) != REACT_RESTART ||", "true ||"),
    ("no restart after a dependency came back", "service.c", "acc_inst_end(e, i, END_RECOVERY);", ";"),
]


def objects(tree, out):
    files = sorted((tree / "lib/base").glob("*.c")) + sorted((tree / "lib/model").glob("*.c"))
    files += sorted((tree / "lib/graph").glob("*.c")) + [tree / "lib/codec/docker_error.c"]
    files += sorted((tree / "lib/drill").glob("model_*.c"))
    files += [f for f in sorted((tree / "tests/sim").glob("*.c")) if not f.name.startswith("test_")]
    made = []
    for source in files:
        obj = out / (str(source.relative_to(tree)).replace("/", "_") + ".o")
        subprocess.run([CC, *FLAGS, "-c", source, "-o", obj], cwd=tree, check=True)
        made.append(obj)
    return made


def simulate(tree, out, common):
    """The first complaint, or None."""
    program = out / "sim"
    engine = sorted((tree / "lib/engine").glob("*.c"))
    built = subprocess.run([CC, *FLAGS, *engine, *common, "-o", program], cwd=tree, capture_output=True, text=True)
    if built.returncode != 0:
        return "does not compile: " + built.stderr[:300]
    for first in range(0, SEEDS, 20):
        try:
            run = subprocess.run([program, "--from", str(first), "--to", str(first + 19)], capture_output=True,
                                 text=True, timeout=300)
        except subprocess.TimeoutExpired:
            return f"seed {first}..{first + 19}: hangs"
        if run.returncode != 0:
            return (run.stdout + run.stderr).strip().splitlines()[0]
    return None


def copy(out):
    tree = out / "tree"
    tree.mkdir()
    subprocess.run(["cp", "-r", ROOT / "lib", ROOT / "tests", "--target-directory", tree], check=True)
    return tree


def planted(out, wanted):
    """The simulator with one of the bugs in it."""
    tree = copy(out)
    for name, file, old, new in PLANTS:
        path = tree / "lib/engine" / file
        if name == wanted:
            text = path.read_text()
            if old not in text:
                raise SystemExit(f"{name}: {file} has changed")
            path.write_text(text.replace(old, new, 1))
    engine = sorted((tree / "lib/engine").glob("*.c"))
    subprocess.run([CC, *FLAGS, *engine, *objects(tree, out), "-o", out / "sim"], cwd=tree, check=True)
    return out / "sim"


def check_list():
    count = {p[0]: (ROOT / "lib/engine" / p[1]).read_text().count(p[2]) for p in PLANTS}
    bad = [f"{name}: what it replaces stands in its file {n} times" for name, n in count.items() if n != 1]
    print("\n".join(bad or [f"{len(PLANTS)} plants, each fits"]))
    return 1 if bad else 0


def main():
    wanted = sys.argv[1:]
    if wanted == ["--fits"]:
        return check_list()
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        tree = copy(out)
        common = objects(tree, out)
        for name, file, old, new in PLANTS:
            if wanted and not any(w in name for w in wanted):
                continue
            path = tree / "lib/engine" / file
            text = path.read_text()
            if text.count(old) < 1:
                print(f"STALE    {name}: {file} has changed")
                survivors += 1
                continue
            path.write_text(text.replace(old, new, 1))
            found = simulate(tree, out, common)
            path.write_text(text)
            survivors += found is None
            print(f"{'SURVIVES' if found is None else 'dies    '} {name}{'' if found is None else ': ' + re.sub(' +', ' ', found)[:150]}",
                  flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
