"""Holds and maintenance: what a person forbids doesn't happen, and ends as it was told."""
import json
import os
import re
import subprocess
import time

from lib import SVC, holds, needs, service, wait


@needs(seconds=150)
def test_hold_down_is_not_started_again(w):
    """A crash under --down stays down, also over a restart of accd; release brings it back."""
    path = w.stack("s", {"db": service(), "web": service("db")})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("hold", "db", "--down", "--reason", "new disk", "--for", "2h")
    assert accd.service("db")["state"] == "up"
    record = w.record()
    w.docker.crash("s-db-1")
    held = accd.wait_state("db", "held", seconds=20)
    assert held["hold"]["kind"] == "down" and held["hold"]["reason"] == "new disk" and held["hold"]["until"]
    accd.kill()
    accd.start()
    wait(lambda: "held down by root, new disk" in accd.ctl("why", "db").stdout, 20, "why names who holds it")
    assert "accctl release db" in accd.ctl("why", "db").stdout
    done = accd.ctl("up", "db", check=False)
    assert done.returncode == 6 and "held down" in done.stdout + done.stderr, (done.returncode, done.stderr)
    holds(lambda: record.count("start", "s-db-1") == 0, 2, "nobody starts it")
    accd.ctl("release", "db")
    accd.wait_all_up(30)
    assert "hold" not in accd.service("db")


@needs(seconds=120)
def test_hold_up_is_not_stopped(w):
    """Neither stop nor restart nor its check ends what is held up; killed from outside it is healed."""
    path = w.stack("s", {"a": service(interval="1s", environment={"HEALTH": "ok"})})
    accd = w.accd(config=w.config([path], timing={"degraded_grace_min": "1s"}))
    accd.ctl("up", "--all")
    accd.ctl("hold", "a", "--up")
    record = w.record()
    for verb in ("stop", "restart", "down"):
        done = accd.ctl(verb, "a", check=False)
        assert done.returncode == 6 and "accctl release a" in done.stdout + done.stderr, (verb, done.stderr)
    w.docker.set_health("s-a-1", "fail")
    accd.wait_state("a", "impaired", seconds=30)
    wait(lambda: [i for i in accd.incidents() if i["root"] == "s/a"], 30, "an incident tells of it")
    assert record.count("stop") == record.count("die") == 0
    w.docker.set_health("s-a-1", "ok")
    w.docker.crash("s-a-1")
    wait(lambda: record.count("start", "s-a-1") == 1, 20, "it is started again")


@needs(seconds=120)
def test_freeze_ends_by_itself(w):
    """A frozen service follows its changed file, and is started, only when the time is over."""
    path = w.stack("s", {"a": service()})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before = w.docker.identities()
    accd.ctl("hold", "a", "--for", "6s")
    w.stack("s", {"a": service(environment={"NEW": "1"})})
    done = accd.ctl("apply", check=False)  # doesn't wait for the hold to end
    assert done.returncode == 6 and "s/a stays as it was: it is frozen by root" in done.stderr, done
    assert "a" in accd.ctl("status", "a").stdout and accd.service("a")["hold"]["kind"] == "freeze"
    assert w.docker.identities() == before
    wait(lambda: "NEW=1" in w.docker.inspect("s-a-1")["Config"]["Env"], 30, "it follows its file")
    accd.wait_all_up(30)


@needs(seconds=150)
def test_maintenance_changes_nothing(w):
    """On: verbs are refused, crashes stay; it outlives accd; off: all comes back."""
    path = w.stack("s", {"db": service(), "web": service("db")})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("maintenance", "on", "--reason", "new disk")
    record = w.record()
    done = accd.ctl("restart", "web", check=False)
    assert done.returncode == 6 and "new disk" in done.stderr, (done.returncode, done.stderr)
    w.docker.crash("s-db-1")
    w.docker.crash("s-web-1")
    accd.wait_state("db", "held", seconds=20)
    accd.kill()
    accd.start()
    accd.wait_state("web", "held", seconds=20)
    assert "maintenance by root: new disk" in accd.ctl("status").stdout
    assert accd.status()["maintenance"]["by"] == "root"
    holds(lambda: record.count("start") == 0, 2, "nothing is started")
    accd.ctl("maintenance", "off")
    accd.wait_all_up(40)
    assert "maintenance" not in accd.status()


@needs(seconds=120)
def test_what_is_forbidden_is_refused(w):
    """Exit 6 of every verb that a hold or maintenance forbids, also of one that doesn't wait."""
    path = w.stack("s", {"a": service(check=False), "b": service(check=False)})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("hold", "a")
    before = w.docker.identities()
    verbs = (["stop", "a"], ["down", "a"], ["restart", "a"], ["upgrade", "a"], ["rollback", "a"], ["stop", "--all"])
    for verb in verbs:
        for more in ([], ["--detach"]):
            if verb == ["stop", "--all"] and more:
                continue  # b is stopped by now, and isn't to be
            done = accd.ctl(*verb, *more, check=False)
            assert done.returncode == 6 and "refused: s/a is frozen by root" in done.stderr, (verb, more, done)
        accd.ctl("up", "b")
    assert w.docker.identities()["s-a-1"] == before["s-a-1"]
    accd.ctl("release", "a")
    accd.ctl("maintenance", "on")
    for verb in (["up", "a"], ["start", "a"], *verbs, ["adopt", "s"], ["hand-back", "s"], ["apply"], ["apply", "--prune"]):
        done = accd.ctl(*verb, check=False)
        assert done.returncode == 6 and "during maintenance" in done.stderr, (verb, done)
    for verb in ("stop", "down", "restart", "hand-back", "hold", "release", "upgrade", "rollback"):
        done = accd.ctl(verb, check=False)
        assert done.returncode == 2 and f"accctl help {verb}" in done.stderr, (verb, done)
    accd.ctl("maintenance", "off")
    accd.wait_all_up(30)


@needs("svc", seconds=120)
def test_who_shares_and_is_held_down_is_not_taken_down(w):
    """It would stop with what it shares a network with, and stay so: upgrade, plan and apply say so, and leave both."""
    services = {"a": service(check=False), "b": service(check=False, network_mode="service:a")}
    accd = w.accd(w.stack("s", services))
    accd.ctl("up", "--all")
    accd.ctl("hold", "b", "--down")
    before = w.docker.identities()
    why = "b, which shares with it, would stop with it and stay down and is held down by root (accctl release b)"
    assert f"s/a: {why}" in accd.ctl("upgrade", "a", "--dry-run").stdout
    done = accd.ctl("upgrade", "a", "--image", SVC, check=False)
    assert done.returncode == 1 and why in done.stderr, done
    services["a"]["environment"] = {"TZ": "UTC"}
    w.stack("s", services)
    plan = accd.ctl("plan", check=False).stdout
    assert why in plan and "recreate" not in plan, plan
    done = accd.ctl("apply", check=False)
    assert done.returncode == 6 and f"stays as it was: {why}" in done.stderr, done
    assert w.docker.identities() == before
    accd.ctl("release", "b")
    accd.ctl("apply")
    accd.wait_all_up(30)
    now = w.docker.identities()
    assert now["s-a-1"] != before["s-a-1"] and now["s-b-1"] != before["s-b-1"]


@needs("svc", seconds=120)
def test_an_order_that_is_held_meanwhile_stands_still(w):
    """An upgrade is frozen: it wasn't refused, and goes on with the release. Stopped by hand in its watch: the watch stands still."""
    path = w.stack("s", {"a": service(check=False, ports=["18080:8080"], **{"x-acc": {"probe": "none"}})})
    accd = w.accd(config=w.config([path], timing={"upgrade_stable": "3s", "upgrade_settle": "0s", "upgrade_monitor": "90s"}))
    accd.ctl("up", "--all")
    order = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "upgrade", "a", "--image", SVC],
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait(lambda: "stop-first: verify" in accd.ctl("why", "a").stdout, 30, "the new one is tried")
    accd.ctl("hold", "a")
    said = order.communicate(timeout=20)[1]
    assert order.returncode == 1, (order.returncode, said)
    assert said == ("accctl: s/a: stands still: it is frozen by root (accctl release a), and goes on after that\n"), said
    again = accd.ctl("upgrade", "a", check=False)
    assert again.returncode == 6 and "refused: s/a is frozen" in again.stderr, again
    accd.ctl("release", "a")
    wait(lambda: "r2 is watched" in accd.ctl("why", "a").stdout, 30, "it went on")
    w.docker.call("POST", "/containers/s-a-1/stop?t=1")
    accd.wait_state("a", "held", seconds=20)
    assert "; r2 isn't watched meanwhile, and the old one is kept" in accd.ctl("why", "a").stdout
    down = accd.ctl("down", "a").stdout
    assert "s/a: r2 was still watched and is taken back; the next up is r1" in down and "1 removed" in down, down


@needs(seconds=60)
def test_an_end_is_on_the_readers_clock(w):
    """status and maintenance tell it in the time zone of who reads, and how long yet; off twice is said."""
    accd = w.accd(w.stack("s", {"a": service(check=False)}))
    accd.ctl("up", "--all")
    tokyo = {**os.environ, "TZ": "JST-9"}
    when = time.strftime("%H:%M", time.gmtime(time.time() + 9 * 3600 + 5400))
    later = time.strftime("%H:%M", time.gmtime(time.time() + 9 * 3600 + 5460))
    end = rf"until ({when}|{later}) \(in 1 h (30|29) min\)"
    assert re.search(f"maintenance: on {end}", accd.ctl("maintenance", "on", "--for", "90m", env=tokyo).stdout)
    assert re.search(f"maintenance by root, {end}; accctl maintenance off ends it", accd.ctl("status", env=tokyo).stdout)
    assert accd.ctl("maintenance", "off").stdout.startswith("maintenance: off")
    assert accd.ctl("maintenance", "off").stdout == "maintenance: nothing to do, it was not on\n"
    accd.ctl("hold", "a", "--for", "90m")
    assert re.search(f"hold +freeze, by root, {end}", accd.ctl("status", "a", env=tokyo).stdout)
    overview = accd.ctl("status", env=tokyo).stdout
    assert re.search(rf"^s/a +frozen +by root, {end}; accctl release s/a ends it$", overview, re.M), overview


@needs(seconds=90)
def test_progress_is_told_in_sentences(w):
    """In a pipe: no state that contradicts its reason, nothing twice, and plurals as they are."""
    path = w.stack("s", {"db": service(check=False), "web": service("db", check=False, condition="service_started"),
                         "none": {"image": "127.0.0.1:1/none:1"},
                         "after": service("none", check=False, condition="service_started")})
    accd = w.accd(path)
    assert "1 stack, Docker at" in accd.tail() and "4 services in" in accd.tail()
    said = accd.ctl("up", "--all", check=False).stdout
    assert "after: created" not in said and "none: created" not in said, said
    said = accd.ctl("restart", "db", "--with-dependents").stdout
    assert "which is up" not in said and "is being started" not in said, said
    # who goes along is waited for, too
    assert re.search(r"^restart: done, 1 service and 1 that needs it \(2 restarted\), ", said, re.M), said
    said = accd.ctl("stop", "db").stdout
    assert re.match(r"s/db: stopped, [\d.]+ s\nstop: done, 1 service \(1 stopped\)", said), said


@needs(seconds=120)
def test_a_refusal_of_one_tells_of_the_others(w):
    """One of a stack is held: what was done with each of the others is said, and why it was not."""
    accd = w.accd(w.stack("s", {n: service(check=False) for n in ("db", "web", "other")}))
    accd.ctl("up", "--all")
    accd.ctl("hold", "db")
    for verb, change in ("stop", "stopped"), ("restart", "restarted"), ("down", "removed"):
        accd.ctl("up", "s")
        done = accd.ctl(verb, "s", check=False)
        assert done.returncode == 6 and done.stderr.count("refused: s/db is frozen by root") == 1, done
        for name in "web", "other":
            assert re.search(rf"^s/{name}: .*{change}, ", done.stdout, re.M), done.stdout
        assert re.search(rf"^{verb}: 2 of 3 services \(2 {change}\), 1 refused, [\d.]+ s$", done.stdout, re.M), done
    accd.ctl("up", "s")
    told = json.loads(accd.ctl("--json", "stop", "s", check=False).stdout)
    assert told["error"] == "io.acc.Refused" and [f["service"] for f in told["parameters"]["failures"]] == ["s/db"], told
    assert {p["service"]: p["change"] for p in told["parameters"]["progress"]} == {
        "s/db": "", "s/web": "stopped", "s/other": "stopped"}, told
    accd.ctl("up", "s")
    done = accd.ctl("stop", "s", "--detach", check=False)
    assert done.returncode == 6 and done.stdout == "stop: asked for, 2 of 3 services, 1 refused\n", done
    wait(lambda: accd.state_of("web") == accd.state_of("other") == "off", 20, "the others are stopped all the same")
    done = accd.ctl("stop", "db", check=False)
    assert done.returncode == 6 and done.stdout == "", done
