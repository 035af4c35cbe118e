"""Upgrades by themselves: in the window, what is old enough, one at a time; and what was taken back is told."""
from lib import needs, service, wait
from registry import Registry

TIMING = {"upgrade_drain": "0", "upgrade_stable": "1s", "upgrade_monitor": "3s", "upgrade_timeout": "6s",
          "boot_grace": "0", "auto_spread": "0", "incident_close": "2s"}
ALWAYS = ["00:00-24:00", "12:00-12:00"]  # the second is what is open when the first is about to close


def auto(min_age):
    return {"upgrade": {"auto": {"window": ALWAYS, "min_age": min_age}}}


def version(w, name):
    env = w.docker.inspect(name)["Config"]["Env"]
    return next((e.split("=", 1)[1] for e in env if e.startswith("VERSION=")), None)


def by(accd, name):
    return [(x["result"], x["by"]) for x in accd.json("history", name)["revisions"]]


@needs(seconds=200)
def test_what_the_registry_has_is_taken_in_the_window(w):
    """A digest is taken when it is old enough, by `auto`; one that fails is taken back, told, and left alone from then on."""
    r = Registry(w)
    told = w.dir / "told"
    r.push("app:1", VERSION="1"), r.push("young:1", VERSION="1")
    path = w.stack("s", {"a": service(interval="1s", image=f"{r.at}/app:1", **{"x-acc": auto("0")}),
                         "b": service("a", interval="1s", image=f"{r.at}/app:1", **{"x-acc": auto("0")}),
                         "y": service(interval="1s", image=f"{r.at}/young:1", **{"x-acc": auto("3d")})})
    accd = w.accd(config=w.config([path], timing=TIMING, on_incident=[
        f'echo "$ACC_PHASE $ACC_ROOT $ACC_CAUSE" >> {told}']))
    accd.ctl("up", "--all")
    wait(lambda: accd.service("a")["auto"]["next"], 20, "the clock is known")
    two = r.push("app:1", VERSION="2")
    r.push("young:1", VERSION="2")
    assert "s/y" in accd.ctl("outdated", check=False).stdout  # whoever asks: it is news
    wait(lambda: version(w, "s-a-1") == "2", 40, "a is upgraded by itself")
    assert version(w, "s-b-1") == "1", "both at once"
    wait(lambda: version(w, "s-b-1") == "2", 90, "then b, which needs it")
    wait(lambda: by(accd, "b")[0] == ("stable", "auto"), 30, by(accd, "b"))
    assert by(accd, "a")[0] == ("stable", "auto") and version(w, "s-y-1") == "1"
    assert accd.json("history", "a")["revisions"][0]["digest"] == two
    young = accd.service("y")["auto"]
    assert young["pending"] and young["taken"] > young["seen"] and not young["reason"], young
    line = next(x for x in accd.ctl("status").stdout.splitlines() if x.startswith("auto: open now"))
    assert "1 pending" in line and "min_age until" in line, line
    assert "min_age until" in accd.ctl("status", "y").stdout
    row = next(x for x in accd.ctl("outdated", check=False).stdout.splitlines() if "s/y" in x)
    assert "comes by itself" in row, row
    accd.kill()
    accd.start()
    wait(lambda: accd.service("y").get("auto", {}).get("seen"), 20, "what is known of it")
    assert accd.service("y")["auto"]["seen"] == young["seen"], "its age began anew"
    bad = r.push("app:1", VERSION="3", HEALTH="fail")
    accd.ctl("outdated", check=False)
    wait(lambda: by(accd, "a")[0] == ("rolled-back", "auto"), 60, "the bad one is taken back")
    wait(lambda: told.exists() and "its upgrade by itself was taken back" in told.read_text(), 30, "told")
    accd.wait_state("a", "up")
    assert version(w, "s-a-1") == "2"
    wait(lambda: "was taken back" in accd.service("a")["auto"]["reason"], 20, accd.service("a")["auto"])
    accd.ctl("outdated", check=False)
    assert len(by(accd, "a")) == 3 and version(w, "s-a-1") == "2" and bad != two


@needs(seconds=120)
def test_not_while_somebody_holds_it(w):
    """A hold keeps it away, with the reason in status; when it ends the upgrade comes."""
    r = Registry(w)
    r.push("app:1", VERSION="1")
    path = w.stack("s", {"a": service(interval="1s", image=f"{r.at}/app:1", **{"x-acc": auto("0")})})
    accd = w.accd(config=w.config([path], timing=TIMING))
    accd.ctl("up", "--all")
    accd.ctl("hold", "a", "--reason", "holiday")
    r.push("app:1", VERSION="2")
    wait(lambda: accd.service("a")["auto"]["next"], 20, "the clock is known")
    accd.ctl("outdated", check=False)
    wait(lambda: "holiday" in accd.service("a")["auto"]["reason"], 20, accd.service("a")["auto"])
    assert version(w, "s-a-1") == "1"
    accd.ctl("release", "a")
    accd.ctl("outdated", check=False)
    wait(lambda: version(w, "s-a-1") == "2", 40, "it comes when the hold is over")
