"""dockerd goes down amid upgrades and takes all containers along: that says nothing about what is tried."""
import types

from lib import Engine, needs, service, wait
from test_upgrade import TIMING, image

TIMINGS = {**TIMING, "upgrade_stable": "6s", "upgrade_timeout": "60s"}
WAYS = {"killed": ("crash", "up"), "restarted": ("restart",)}


def stack(w, version):
    """a, b: their image is upgraded, start-first and stop-first; c, d: likewise, and their file is changed."""
    def one(tag, port, changed):
        keys = {"image": f"acc-up/{tag}:1", "restart": "always", "interval": "1s"}
        if port:
            keys["ports"] = [f"{port}:8080"]
        if changed and version > 1:
            keys["environment"] = {"TZ": f"UTC{version}"}
        return service(**keys)
    return w.stack("s", {"a": one("a", 0, False), "b": one("b", 18101, False),
                         "c": one("c", 0, True), "d": one("d", 18102, True)})


def amid_verify(w, how):
    """All four are at it when dockerd goes; all four come to their end, with the new one."""
    engine = Engine(w.dir.parent / f"e{w.dir.name}-{how}")
    w.extra.callback(engine.stop)
    engine.start("--no-live-restore")
    engine.need_image("bb")
    on = types.SimpleNamespace(docker=engine.docker)
    for tag in "abcd":
        image(on, f"acc-up/{tag}:1", VERSION="1")
    path = stack(w, 1)
    accd = w.accd(config=w.config([path], timing=TIMINGS), engine=engine)
    accd.ctl("up", "--all")
    for tag in "ab":
        image(on, f"acc-up/{tag}:1", VERSION="2")
    stack(w, 2)
    accd.ctl("apply", "--detach")
    accd.ctl("upgrade", "a", "b", "--detach")
    wait(lambda: all(": verify" in accd.service(n)["reason"] for n in "abcd"), 30, "all are at verify")
    for command in WAYS[how]:
        engine.lab(command)
    wait(lambda: accd.status()["engine"]["connected"], 30, "accd has found the engine again")
    accd.wait_all_up(60)
    rows = {}

    def ended():
        rows.update({n: accd.json("history", n)["revisions"][0] for n in "abcd"})
        return all(r["result"] != "trial" for r in rows.values())
    wait(ended, 60, "all have ended")
    assert all((r["revision"], r["result"]) == (2, "stable") for r in rows.values()), rows
    assert "by hand" not in accd.log.read_text() and "docker kill" not in accd.log.read_text()


@needs(seconds=240)
def test_killed_amid_verify(w):
    """Without live-restore the next one stops what was left running, and calls that a stop by hand."""
    amid_verify(w, "killed")


@needs(seconds=240)
def test_restarted_amid_verify(w):
    """SIGTERM: it stops all containers, and they answer that with 0."""
    amid_verify(w, "restarted")
