"""Upgrades from a registry that fails: what runs is never touched, the reason is clear, what passes is tried again."""
import re
import subprocess

from lib import needs, service, wait
from registry import Registry

TIMING = {"upgrade_drain": "0", "upgrade_stable": "1s", "upgrade_monitor": "3s", "upgrade_timeout": "8s"}


def start(w, r):
    r.push("app:1", VERSION="1")
    path = w.stack("s", {"a": service(interval="1s", image=f"{r.at}/app:1")})
    accd = w.accd(config=w.config([path], timing=TIMING))
    accd.ctl("up", "--all")
    return accd


def version(w):
    env = w.docker.inspect("s-a-1")["Config"]["Env"]
    return next(e.split("=", 1)[1] for e in env if e.startswith("VERSION="))


def names(w):
    return sorted(c["Names"][0][1:] for c in w.docker.containers())


@needs(seconds=150)
def test_what_waiting_wont_mend_ends_at_once(w):
    """401, 403, 404: the upgrade fails with the reason after one question, and nothing was touched."""
    r = Registry(w)
    accd = start(w, r)
    before = w.docker.identities()
    r.push("app:1", VERSION="2")
    for what, words in (("401", "docker login"), ("403", "docker login"), ("404", "has no")):
        r.fault(what)
        r.forget_requests()
        done = accd.ctl("upgrade", "a", check=False)
        assert done.returncode == 1 and words in done.stderr and "nothing was changed" in done.stderr, (what, done)
        assert len(r.requests("/manifests/")) <= 2, (what, r.requests())
    assert w.docker.identities() == before and accd.state_of("a") == "up"
    r.fault()
    accd.ctl("upgrade", "a")
    assert version(w) == "2" and names(w) == ["s-a-1"]
    rows = accd.json("history", "a")["revisions"]
    assert [(x["revision"], x["result"], x["attempt"]) for x in rows] == \
        [(2, "stable", False)] + 3 * [(2, "failed", True)] + [(1, "stable", False)], rows
    assert "has no" in rows[1]["reason"] and rows[1]["changed"] == [] and rows[0]["changed"] == ["image"], rows


@needs(seconds=240)
def test_what_passes_is_tried_again_with_pauses(w):
    """429, 500, cut off, silent: status says which try and why, what runs goes on; when it is over the upgrade goes through."""
    r = Registry(w)
    accd = start(w, r)
    for n, (what, words) in enumerate((("429", "limits how often"), ("503", "is broken"),
                                       ("reset", "can't be reached"), ("hang", "doesn't answer"))):
        before = w.docker.identities()
        r.push("app:1", VERSION=str(n + 2))
        r.fault(what)
        follower = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "upgrade", "a"],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        w.extra.callback(follower.kill)
        wait(lambda: "; try 2 in" in accd.service("a")["reason"] and words in accd.service("a")["reason"], 40,
             f"{what}: the reason and the next try")
        assert accd.state_of("a") == "upgrading" and w.docker.identities() == before, what
        r.fault()
        wait(lambda: version(w) == str(n + 2) and names(w) == ["s-a-1"], 60, f"{what}: over, and upgraded")
        accd.wait_state("a", "up", seconds=30)
        said = follower.communicate(timeout=60)[0]
        assert re.search(rf"s/a: upgrading, pulls .*; try 2 in \d+ s: .*{words}", said), (what, said)
    assert [x["result"] for x in accd.json("history", "a")["revisions"]] == ["stable"] * 5


def prune_images(w):
    """As `docker image prune -a`: it takes the tags of what runs, too."""
    w.docker.call("POST", "/images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D")


@needs(seconds=120)
def test_no_registry_holds_up_a_way_back_to_an_image_that_is_here(w):
    """`docker image prune -a` took the tag that the file names, accd begins anew, and the registry is broken."""
    r = Registry(w)
    accd = start(w, r)
    w.docker.call("POST", "/containers/create?name=user-of-r1", {"Image": w.docker.inspect("s-a-1")["Image"]})
    r.push("app:1", VERSION="2")
    accd.ctl("upgrade", "a")
    wait(lambda: names(w) == ["s-a-1", "user-of-r1"], 20, "r2 is proven")
    prune_images(w)
    r.fault("503")
    accd.kill()
    accd.start()
    accd.ctl("rollback", "a")
    assert version(w) == "1"


@needs(seconds=120)
def test_a_way_back_whose_image_is_to_be_pulled_says_why_it_waits(w):
    """The image was pruned and the registry is broken: the verb, status, why and the log say that, and when the next try is."""
    r = Registry(w)
    accd = start(w, r)
    r.push("app:1", VERSION="2")
    accd.ctl("upgrade", "a")
    wait(lambda: names(w) == ["s-a-1"], 20, "r2 is proven")
    prune_images(w)
    r.fault("503")
    follower = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "rollback", "a"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    w.extra.callback(follower.kill)
    wait(lambda: re.search(r"back to r1: pulls .*; try 2 in \d+ s: .*is broken", accd.ctl("why", "a").stdout), 40, "why")
    assert "is broken" in accd.ctl("status").stdout and version(w) == "2"
    r.fault()
    wait(lambda: version(w) == "1", 60, "it is back")
    said = follower.communicate(timeout=60)[0]
    assert follower.returncode == 0 and re.search(r"s/a: rolling-back, back to r1: pulls .*; try 2 in", said), said
