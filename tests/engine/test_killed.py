"""accd may die at any moment: kill -9 in the middle of an up, a down, a restart; then start it again."""
import random
import subprocess

from lib import needs, service, wait

MOMENTS = 10


def twelve(w):
    services = {}
    for layer in range(4):
        for i in range(3):
            above = [f"l{layer - 1}s{i}"] if layer else []
            services[f"l{layer}s{i}"] = service(*above)
    return w.stack("s", services)


def begin(accd, *verb):
    return subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), *verb],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_amid(accd, record, verb, actions, at):
    """Give the order, kill accd when the engine has reported `at` of `actions`, start it again."""
    seen = sum(record.count(a) for a in actions)
    client = begin(accd, *verb)
    wait(lambda: sum(record.count(a) for a in actions) - seen >= at, 60, f"{at} of {actions} seen")
    accd.kill()
    client.wait(30)
    accd.start()


@needs(seconds=400)
def test_amid_an_up(w):
    """Ten random moments of an `up` of 12: nothing is created or started twice, all come up."""
    path, rng = twelve(w), random.Random(1)
    for moment in range(MOMENTS):
        accd = w.accd(path, name=f"accd{moment}")
        record = w.record()
        kill_amid(accd, record, ("up", "--all"), ("create", "start"), rng.randint(1, 23))
        accd.wait_all_up(60)
        for action in ("create", "start"):
            counts = {n: record.count(action, n) for n in set(record.order(action)) if n.startswith("s-l")}
            assert set(counts.values()) == {1} and len(counts) == 12, f"moment {moment}, {action}: {counts}"
        assert record.count("die") == 0, f"moment {moment}: something was stopped"
        accd.stop()
        record.close()
        w.docker.wipe()


@needs(seconds=400)
def test_amid_a_down(w):
    """Ten random moments of a `down`: it is finished by the next accd, nothing is started."""
    path, rng = twelve(w), random.Random(2)
    for moment in range(MOMENTS):
        accd = w.accd(path, name=f"accd{moment}")
        accd.ctl("up", "--all")
        record = w.record()
        kill_amid(accd, record, ("down", "--all"), ("die", "destroy"), rng.randint(1, 22))
        wait(lambda: not w.docker.containers(), 60, "everything is removed")
        assert record.count("start") == 0, f"moment {moment}: {record.order('start')} started by a down"
        accd.stop()
        record.close()
        w.docker.wipe()


@needs(seconds=500)
def test_amid_a_restart(w):
    """Ten random moments of a `restart` of all 12: each stops and starts at most once more."""
    path, rng = twelve(w), random.Random(3)
    accd = w.accd(path)
    accd.ctl("up", "--all")
    ids = {n: i for n, (i, _) in w.docker.identities().items()}
    for moment in range(MOMENTS):
        record = w.record()
        kill_amid(accd, record, ("restart", "s"), ("die", "start"), rng.randint(1, 20))
        accd.wait_all_up(60)
        for action in ("die", "start"):
            counts = {n: record.count(action, n) for n in set(record.order(action))}
            assert set(counts.values()) <= {1}, f"moment {moment}, {action}: {counts}"
        assert {n: i for n, (i, _) in w.docker.identities().items()} == ids, "a container was recreated"
        record.close()


@needs(seconds=120)
def test_while_nothing_happens(w):
    """accd killed and started beside a quiet stack: not one action; a crash meanwhile is healed."""
    path = twelve(w)
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before, record = w.docker.identities(), w.record()
    accd.kill()
    accd.start()
    accd.wait_all_up(30)
    assert w.docker.identities() == before
    accd.kill()
    w.docker.crash("s-l1s1-1")
    wait(lambda: record.count("die", "s-l1s1-1"), 10, "it died while accd was away")
    accd.start()
    accd.wait_all_up(60)
    assert record.count("start") == 1, record.order("start")


@needs(seconds=150)
def test_an_incident_and_a_rest_go_on(w):
    """A crash loop rests and was told: after kill -9 it goes on with its number and its rest, and is told once it is over."""
    told = w.dir / "told"
    path = w.stack("s", {"a": service(check=False, volumes=["ctl:/ctl"], environment={"FAIL_FIRST": "99"})}, volumes={"ctl": {}})
    accd = w.accd(config=w.config([path], on_incident=[f"echo $ACC_PHASE $ACC_INCIDENT >>{told}"], timing={
        "backoff_base": "100ms", "backoff_cap": "200ms", "open": "20m", "incident_notify": "1s", "incident_close": "2s"}))
    accd.ctl("up", "--all", "--detach", check=False)
    accd.wait_state("a", "open", seconds=60)
    wait(told.exists, 20, "it is told as opened")
    number = accd.incidents()[0]["id"]
    assert told.read_text().split() == ["opened", str(number)], told.read_text()
    for _ in range(2):
        accd.kill()
        accd.start()
        wait(lambda: "next try in" in accd.service("a")["reason"], 30, "it rests on")
        assert accd.service("a")["reason"].startswith("exited with 1") and accd.state_of("a") == "open", accd.service("a")
        assert [i["id"] for i in accd.incidents()] == [number], accd.incidents()
    accd.ctl("down", "a")
    wait(lambda: told.read_text().split() == ["opened", str(number), "closed", str(number)], 30, "it is told as over, once")
