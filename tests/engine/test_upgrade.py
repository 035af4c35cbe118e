"""Upgrades: the new one proves itself or the kept one comes back, whatever happens to accd."""
import shutil
import subprocess

from lib import BB, LAB, Skip, needs, run, service, wait

TIMING = {"upgrade_stable": "1s", "upgrade_monitor": "3s", "upgrade_timeout": "8s", "upgrade_drain": "0",
          "pull_retry": "200ms", "pull_retry_cap": "1s"}
IMAGE = "acc-up/app:1"


def image(w, ref=IMAGE, **env):
    """Make REF mean a new image: the controllable one with these variables."""
    made = w.docker.call("POST", "/containers/create", {"Image": BB, "Env": [f"{k}={v}" for k, v in env.items()]})
    repo, tag = ref.rsplit(":", 1)
    done = w.docker.call("POST", f"/commit?container={made['Id']}&repo={repo}&tag={tag}")
    w.docker.call("DELETE", f"/containers/{made['Id']}")
    return done["Id"]


def start(w, timing=None, services=None, **keys):
    image(w, VERSION="1")
    path = w.stack("s", services or {"a": service(interval="1s", image=IMAGE, **keys)})
    accd = w.accd(config=w.config([path], timing={**TIMING, **(timing or {})}))
    accd.ctl("up", "--all")
    return accd


def names(w):
    return sorted(c["Names"][0][1:] for c in w.docker.containers())


def version(w, name="s-a-1"):
    env = w.docker.inspect(name)["Config"]["Env"]
    return next(e.split("=", 1)[1] for e in env if e.startswith("VERSION="))


@needs(seconds=150)
def test_a_good_image_takes_over_without_a_gap(w):
    """Start-first: the new one is ready before the old one is stopped, and holds its name in the end."""
    accd = start(w)
    old, began = w.docker.inspect("s-a-1")["Id"], w.docker.started_at("s-a-1")
    new_image = image(w, VERSION="2")
    plan = accd.ctl("upgrade", "a", "--dry-run").stdout
    assert "start-first" in plan and names(w) == ["s-a-1"], plan
    record = w.record()
    out = accd.ctl("upgrade", "a").stdout
    assert "upgrading" in out and "done" in out, out
    assert names(w) == ["s-a-1"] and version(w) == "2"
    now = w.docker.inspect("s-a-1")
    assert now["Id"] != old and now["Image"] == new_image and now["State"]["Running"]
    assert now["Config"]["Image"] == IMAGE, "made of the file's reference, as Compose does"
    started = [t for t, c in record.of("start") if c]
    died = [t for t, c in record.of("die") if c]
    assert len(started) == 1 and len(died) == 1 and died[0] - started[0] > 0.9, (started, died)
    assert accd.service("a")["revision"] == 2 and "image_running" not in accd.service("a")
    rows = accd.json("history", "a")["revisions"]
    assert [(r["revision"], r["result"], r["changed"]) for r in rows] == \
        [(2, "stable", ["image"]), (1, "stable", [])], rows
    assert rows[1]["time"][:19] == began[:19], "r1 has been there since its container began to run"
    accd.ctl("rollback", "a")
    assert version(w) == "1" and names(w) == ["s-a-1"]


@needs(seconds=150)
def test_an_image_that_never_gets_ready_is_taken_back(w):
    """The old container is never touched, the exit code says so, and the same image isn't tried again."""
    accd = start(w)
    before = w.docker.identities()
    image(w, VERSION="2", HEALTH="fail")
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1 and "did not get ready" in done.stderr, done
    assert w.docker.identities() == before, "the old container was touched"
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 6 and "rolled back before" in done.stderr, done
    assert accd.json("history", "a")["revisions"][0]["result"] == "rolled-back"
    assert "It stays: this image was rolled back before" in accd.ctl("why", "a").stdout
    accd.wait_state("a", "up", seconds=10)


@needs(seconds=150)
def test_what_was_named_is_told_and_outlives_the_record(w):
    """--image: status tells what runs beside what the file says. Without its state, history tells what the labels do."""
    accd = start(w)
    other = IMAGE.replace(":", "-named:")
    repo, tag = other.rsplit(":", 1)
    new = image(w, VERSION="2")
    w.docker.call("POST", f"/images/{new}/tag?repo={repo}&tag={tag}")
    accd.ctl("upgrade", "a", "--image", other)
    row = accd.service("a")
    assert row["image"] == IMAGE and row["image_running"] == other, row
    assert f"{other} (the file says {IMAGE})" in accd.ctl("status", "a").stdout, accd.ctl("status", "a").stdout
    plan = accd.ctl("upgrade", "a", "--dry-run").stdout
    assert f"{IMAGE}, as the file says, in place of {other}" in plan, plan
    table = accd.ctl("history", "a").stdout
    assert f", id {new[7:19]}" in table and "sha256:" not in table, table  # no registry is known to have it
    accd.kill()
    shutil.rmtree(accd.state)
    accd.start()
    wait(lambda: accd.state_of("a") == "up", 20, "it goes on by the labels")
    rows = accd.json("history", "a")["revisions"]
    assert [(r["revision"], r["image"]) for r in rows] == [(2, other)] and "lost" in rows[0]["reason"], rows


@needs(seconds=150)
def test_a_crash_while_it_is_watched_brings_the_kept_container_back(w):
    """It got ready and was committed; then it dies: the kept container runs again under its name."""
    accd = start(w, timing={"upgrade_monitor": "60s"})
    old = w.docker.inspect("s-a-1")["Id"]
    image(w, VERSION="2", CRASH_AFTER="6")
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1 and "exited with 1" in done.stderr, done
    wait(lambda: names(w) == ["s-a-1"], 20, "the failed one is gone")
    now = w.docker.inspect("s-a-1")
    assert now["Id"] == old and now["State"]["Running"] and version(w) == "1"
    accd.wait_state("a", "up", seconds=20)


@needs(seconds=150)
def test_who_stops_the_new_one_has_not_called_its_image_bad(w):
    """docker stop and docker kill of the new container, by both orders: taken back, told by whom, and tried again as it is."""
    for keys, verb, said in (({}, "stop?t=1", "was stopped by hand"),
                             ({"ports": ["18083:8080"]}, "kill", "after docker kill")):
        accd = start(w, timing={"upgrade_stable": "20s", "upgrade_timeout": "40s"}, **keys)
        image(w, VERSION="2")
        record = w.record()
        ordered = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "upgrade", "a"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait(lambda: record.count("start"), 30, "the new one runs")
        new = next(n for n in names(w) if n.startswith("s-a-1.c"))
        w.docker.call("POST", f"/containers/{new}/{verb}")
        out, err = ordered.communicate(timeout=60)
        assert ordered.returncode == 1 and said in err, (out, err)
        assert names(w) == ["s-a-1"] and version(w) == "1"
        row = accd.json("history", "a")["revisions"][0]
        assert row["result"] == "rolled-back" and said in row["reason"], row
        plan = accd.ctl("upgrade", "a", "--detach")
        assert plan.returncode == 0, plan
        wait(lambda: record.count("start") >= (3 if keys else 2), 30, "it is tried again")
        accd.stop()
        w.docker.wipe()


@needs(seconds=150)
def test_who_renames_the_new_one_makes_no_two(w):
    """docker rename of the new container, by both orders: one container in the end, under the name of the service."""
    for keys, step in (({}, "drain"), ({"ports": ["18084:8080"]}, "verify")):
        accd = start(w, timing={"upgrade_stable": "3s", "upgrade_drain": "4s"}, **keys)
        image(w, VERSION="2")
        ordered = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "upgrade", "a"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait(lambda: step in accd.service("a").get("reason", ""), 30, f"the step {step}")
        new = next(n for n in names(w) if n.startswith("s-a-1.c"))
        w.docker.call("POST", f"/containers/{new}/rename?name=mine")
        out, err = ordered.communicate(timeout=60)
        assert ordered.returncode == 0, (out, err)
        assert names(w) == ["s-a-1"] and version(w) == "2", names(w)
        accd.stop()
        w.docker.wipe()


@needs(seconds=150)
def test_who_removes_the_new_one_gets_the_kept_one(w):
    """docker kill and docker rm at once, and docker rm -f alone, while it is watched: the kept container serves again."""
    for is_killed in (True, False):
        accd = start(w, timing={"upgrade_monitor": "60s"})
        old = w.docker.inspect("s-a-1")["Id"]
        image(w, VERSION="2")
        ordered = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "upgrade", "a"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait(lambda: version(w) == "2" and len(names(w)) == 2 and accd.state_of("a") == "up", 40, "it is watched")
        if is_killed:
            w.docker.call("POST", "/containers/s-a-1/kill")
            wait(lambda: not w.docker.running("s-a-1"), 10, "it has ended")
        w.docker.call("DELETE", "/containers/s-a-1?force=1")
        out, err = ordered.communicate(timeout=60)
        assert ordered.returncode == 1 and "rolled back" in err, (out, err)
        wait(lambda: accd.state_of("a") == "up", 20, "the kept one serves")
        assert names(w) == ["s-a-1"] and w.docker.inspect("s-a-1")["Id"] == old and version(w) == "1"
        accd.stop()
        w.docker.wipe()


@needs(seconds=150)
def test_who_pauses_the_new_one_may_let_it_go_on(w):
    """docker pause of the new container before it is ready, the old one stopped for it: held, said so, and ended by accctl up."""
    accd = start(w, timing={"upgrade_stable": "3s", "upgrade_monitor": "60s"}, ports=["18085:8080"])
    image(w, VERSION="2")
    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: "verify" in accd.service("a").get("reason", ""), 30, "the new one is on trial")
    new = next(n for n in names(w) if n.startswith("s-a-1.c"))
    w.docker.call("POST", f"/containers/{new}/pause")
    wait(lambda: accd.state_of("a") == "held", 20, "it is held")
    assert "accctl up a" in accd.service("a")["reason"], accd.service("a")
    accd.kill()
    accd.start()
    wait(lambda: accd.state_of("a") == "held", 20, "it is held by the next accd, too")
    accd.ctl("up", "a")
    wait(lambda: accd.state_of("a") == "up", 30, "it goes on")
    assert version(w) == "2" and w.docker.inspect("s-a-1")["State"]["Status"] == "running"


@needs(seconds=200)
def test_replicas_go_back_one_at_a_time(w):
    """One of three gets ill while they are watched: the two that are well serve until the old ones do."""
    accd = start(w, timing={"upgrade_monitor": "60s"}, scale=3)
    image(w, VERSION="2")
    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: len(names(w)) == 6 and accd.state_of("a") == "up", 60, "all three are watched")
    record = w.record()
    w.docker.set_health("s-a-2", "fail")
    wait(lambda: len(names(w)) == 3 and version(w, "s-a-2") == "1" and accd.state_of("a") == "up", 90, "all three are back")
    assert [version(w, f"s-a-{k}") for k in (1, 2, 3)] == ["1"] * 3
    ended, began = ([(t, e["Actor"]["Attributes"]["name"][:5], e["Actor"]["ID"]) for t, e in record.of(what)]
                    for what in ("die", "start"))
    assert [who for _, who, _ in ended] == ["s-a-2", "s-a-1", "s-a-3"] == [who for _, who, _ in began], (ended, began)
    passed = {e["Actor"]["ID"]: t for t, e in reversed(record.of("exec_die")) if e["Actor"]["Attributes"]["exitCode"] == "0"}
    for (_, _, back), (died, *_) in zip(began, ended[1:]):
        assert passed[back] < died, ("stopped before what came back had passed a check", ended, began, passed)


@needs(seconds=150)
def test_a_fixed_port_is_freed_first(w):
    """Stop-first, forward and back: the plan names the port, and both ways end well."""
    accd = start(w, ports=["18081:8080"])
    old = w.docker.inspect("s-a-1")["Id"]
    plan = accd.ctl("upgrade", "a", "--dry-run").stdout
    assert "stop-first" in plan and "18081" in plan, plan
    image(w, VERSION="2", START_FAIL="3")
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1 and "exited with 3" in done.stderr, done
    now = w.docker.inspect("s-a-1")
    assert now["Id"] == old and now["State"]["Running"] and names(w) == ["s-a-1"]
    image(w, VERSION="3")
    accd.ctl("upgrade", "a")
    assert version(w) == "3" and names(w) == ["s-a-1"]


def die_at(w, accd, action, nth, expect):
    """kill -9 of accd as soon as the engine tells of the n-th ACTION; what remains is ended."""
    record = w.record()
    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: record.count(action) >= nth, 30, f"{action} number {nth}")
    accd.kill()
    accd.start()
    wait(lambda: names(w) == ["s-a-1"], 60, f"one container after a death at {action} {nth}; there are {names(w)}")
    accd.wait_state("a", "up", seconds=30)
    assert w.docker.inspect("s-a-1")["State"]["Running"]
    assert version(w) in expect, f"version {version(w)} after a death at {action} {nth}"


def given_back(w, policy="always"):
    """One container a service, running under its name, with the restart policy of the file."""
    seen = {c["Names"][0][1:]: w.docker.inspect(c["Id"]) for c in w.docker.containers()}
    return sorted(seen) == ["s-a-1"] and all(
        c["State"]["Running"] and c["HostConfig"]["RestartPolicy"]["Name"] == policy for c in seen.values())


@needs(seconds=300)
def test_handed_back_amid_an_upgrade(w):
    """The upgrade is ended first, in both orders, with accctl and with accd: one container runs, and Docker restarts it."""
    for keys in ({}, {"ports": ["18087:8080"]}):
        accd = start(w, timing={"upgrade_stable": "5s", "upgrade_monitor": "60s", "upgrade_timeout": "20s"},
                     restart="always", **keys)
        for action in ("create", "die") if keys else ("create", "start"):
            image(w, VERSION="2")
            record = w.record()
            asked = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "upgrade", "a"],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            wait(lambda: record.count(action) >= 1, 30, f"the first {action}")
            done = accd.ctl("hand-back", "s", timeout=30)
            assert given_back(w) and version(w) == "1", (done, names(w))
            out = asked.communicate(timeout=10)[0]
            assert asked.returncode != 0 and "handed back" in out, out
            accd.ctl("adopt", "s")
        record = w.record()
        accd.ctl("upgrade", "a", "--detach")
        wait(lambda: record.count("die" if keys else "start") >= 1, 30, "it is amid")
        accd.stop()
        run(*accd.argv(), "--hand-back", cwd=accd.dir, timeout=60)
        assert given_back(w) and version(w) == "1", names(w)
        accd.start()
        accd.ctl("adopt", "s")
        accd.ctl("upgrade", "a", "--detach")
        wait(lambda: "is watched for" in accd.ctl("why", "a").stdout, 60, "it is watched")
        accd.ctl("hand-back", "s", timeout=30)
        assert given_back(w) and version(w) == "2", names(w)
        accd.ctl("adopt", "s")
        accd.ctl("down", "s")
        accd.stop()


@needs(seconds=200)
def test_handed_back_while_somebody_waits(w):
    """Who waits for an upgrade that is watched is told that it is done, and who watches on; a restart is brought to its end."""
    accd = start(w, timing={"upgrade_stable": "5s", "upgrade_monitor": "60s", "upgrade_timeout": "20s"}, restart="always",
                 environment={"STOP_DELAY": "3"})
    image(w, VERSION="2")
    asked = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "upgrade", "a"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait(lambda: "is watched for" in accd.ctl("why", "a").stdout, 60, "it is watched")
    accd.ctl("hand-back", "s", timeout=30)
    out = asked.communicate(timeout=20)[0]
    assert given_back(w) and version(w) == "2", names(w)
    assert asked.returncode == 0 and "handed back" in out and "refused" not in out, (asked.returncode, out)
    accd.ctl("adopt", "s")

    record = w.record()
    asked = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "restart", "a"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait(lambda: record.count("kill") >= 1, 30, "it is being stopped")
    accd.ctl("hand-back", "s", timeout=60)
    assert given_back(w), names(w)
    out = asked.communicate(timeout=20)[0]
    assert asked.returncode == 0 and "refused" not in out, (asked.returncode, out)
    assert record.count("start") == 1 and version(w) == "2"


@needs(seconds=400)
def test_accd_may_be_killed_at_any_step(w):
    """kill -9 at each action of both orders: committed or rolled back, never none, never two."""
    for k, keys in enumerate(({}, {"ports": ["18082:8080"]})):
        accd = start(w, **keys)
        for n, (action, nth) in enumerate((("create", 1), ("start", 1), ("die", 1), ("rename", 1), ("rename", 2))):
            new = str(10 * (k + 1) + n)
            old = version(w)
            image(w, VERSION=new)
            die_at(w, accd, action, nth, (old, new))
        accd.stop()
        w.docker.wipe()


@needs(seconds=200)
def test_a_tag_that_moves_in_a_registry(w):
    """Pulled by digest, known by it, and again nothing to do; a registry that is away changes nothing."""
    if subprocess.run(["sh", "-c", "command -v docker-registry"], capture_output=True).returncode:
        raise Skip("no docker-registry here")
    ref, folder = "127.0.0.1:5055/app:1", w.dir / "registry"
    inside = ["nsenter", f"--net={w.engine.netns}", LAB / "registry"]
    run(*inside, "start", folder, "5055")
    w.extra.callback(lambda: run(*inside, "stop", folder, check=False))

    def push(number):
        image(w, ref, VERSION=number)
        w.docker.call("POST", "/images/127.0.0.1:5055/app/push?tag=1", headers={"X-Registry-Auth": "e30="})

    push("1")
    path = w.stack("s", {"a": service(interval="1s", image=ref)})
    accd = w.accd(config=w.config([path], timing=TIMING))
    accd.ctl("up", "--all")
    push("2")
    w.docker.call("DELETE", f"/images/{ref}?force=1")
    accd.ctl("upgrade", "a")
    assert version(w) == "2"
    digest = accd.json("history", "a")["revisions"][0]["digest"]
    assert digest.startswith("sha256:"), digest
    accd.ctl("upgrade", "a")
    assert len(accd.json("history", "a")["revisions"]) == 2, "nothing was new"
    before = w.docker.identities()
    run(*inside, "stop", folder)
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1 and "nothing was changed" in done.stderr, done
    assert w.docker.identities() == before


@needs(seconds=150)
def test_a_port_that_was_served_has_to_be_served_again(w):
    """No health check: that the new one runs is no proof, as the old one had listened on the published port."""
    accd = start(w, services={"a": service(check=False, image=IMAGE, ports=["18086:8080"])})
    old = w.docker.inspect("s-a-1")["Id"]
    wait(lambda: accd.service("a")["evidence"] == "listens", 20, "it listens")
    image(w, VERSION="2", START_DELAY="900")
    done = accd.ctl("upgrade", "a", check=False, timeout=90)
    assert done.returncode == 1 and "no port of it listens any more" in done.stderr and "probe: none" in done.stderr, done
    assert w.docker.inspect("s-a-1")["Id"] == old and names(w) == ["s-a-1"]
    wait(lambda: accd.service("a")["evidence"] == "listens", 20, "the old one listens again")


@needs(seconds=150)
def test_the_last_words_of_what_was_taken_back(w):
    """Its container is gone, and its logs with it; what it said last is there while accd runs, and written nowhere."""
    command = ["sh", "-c", "[ $$VERSION = 1 ] || { echo FATAL: out of luck >&2; exit 42; }; exec /bin/app"]
    accd = start(w, services={"a": service(interval="1s", image=IMAGE, command=command)})
    none = accd.ctl("logs", "a", "--taken-back", check=False)
    assert none.returncode == 6 and "no container of it was taken back" in none.stderr, none
    image(w, VERSION="2")
    assert accd.ctl("upgrade", "a", check=False, timeout=90).returncode == 1
    wait(lambda: names(w) == ["s-a-1"] and accd.state_of("a") == "up", 30, "the old one serves alone")
    assert accd.ctl("logs", "a", "--taken-back").stdout == "FATAL: out of luck\n"
    assert "FATAL" not in accd.ctl("logs", "a").stdout
    accd.stop()
    for path in (accd.log, *accd.state.iterdir()):
        assert b"out of luck" not in path.read_bytes(), path
