"""Cells of the crash matrix on a real engine: kill -9 after a step of an upgrade, in both orders, with what is left of the state."""
import concurrent.futures
import os
import re

from lib import needs, service, wait
from test_upgrade import image

TIMING = {"upgrade_stable": "1s", "upgrade_monitor": "3s", "upgrade_timeout": "20s", "upgrade_drain": "1s",
          "upgrade_settle": "0", "probe_confirm": "1s"}
STEPS = {"start-first": ("create", "verify", "switch", "watch"),
         "stop-first": ("create", "stop-old", "verify", "roll-back")}
STATES = ("intact", "torn", "lost")
CELLS = [(order, step, state) for order in STEPS for step in STEPS[order] for state in STATES]
AT_ONCE = 6  # each cell waits most of the time


def spoil(accd, state):
    """torn: the end of the write-ahead log never got to the disk. lost: there is no state at all."""
    for path in accd.state.glob("state.db*"):
        if state == "lost":
            path.unlink()
        elif state == "torn" and path.name.endswith("-wal"):
            os.truncate(path, path.stat().st_size * 2 // 3)


def cell(w, number, order, step, state):
    name, ref = f"m{number}", f"acc-m{number}/app:1"
    keys = {"ports": [f"{18200 + number}:8080"]} if order == "stop-first" else {}
    image(w, ref, VERSION="1")
    path = w.stack(name, {"a": service(interval="1s", image=ref, **keys, **{"x-acc": {"timing": TIMING}})})
    accd = w.accd(path, name=f"accd{number}")
    accd.ctl("up", "--all")
    image(w, ref, VERSION="2", **({"HEALTH": "fail"} if step == "roll-back" else {}))

    def mine():
        return [c for c in w.docker.containers() if c["Names"][0][1:].startswith(f"{name}-a-1")]

    def settled():
        left = mine()
        if order == "start-first":
            assert any(c["State"] == "running" for c in left), f"none runs; there are {left}"
        return [c["Names"][0][1:] for c in left] == [f"{name}-a-1"]

    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: re.search(rf"upgrade to r2: {step}\b", accd.log.read_text(errors="replace")), 60, f"step {step}")
    accd.kill()
    spoil(accd, state)
    accd.start()
    wait(settled, 90, f"one container; there are {[c['Names'] for c in mine()]}")
    accd.wait_state("a", "up", seconds=40)
    now = w.docker.inspect(f"{name}-a-1")
    version = next(e.split("=", 1)[1] for e in now["Config"]["Env"] if e.startswith("VERSION="))
    assert now["State"]["Running"] and version in (("1",) if step == "roll-back" else ("1", "2")), version
    accd.stop()


@needs(seconds=400, alone=True)
def test_the_matrix(w):
    """24 cells: committed or rolled back, never none running, never two left."""
    failed = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {pool.submit(cell, w, n, *what): what for n, what in enumerate(CELLS)}
        for run in concurrent.futures.as_completed(runs):
            if run.exception():
                failed.append(f"{' '.join(runs[run])}: {run.exception()}")
    assert not failed, f"{len(failed)} of {len(CELLS)} cells:\n" + "\n".join(failed)
