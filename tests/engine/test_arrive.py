"""What runs already when accd hears of it, and what is known of it without the state."""
import shutil

from lib import holds, needs, service, wait


def policies(w):
    return {c["Names"][0].lstrip("/"): w.docker.inspect(c["Id"])["HostConfig"]["RestartPolicy"]["Name"]
            for c in w.docker.containers()}


def modes(accd):
    return {s["name"]: s["mode"] for s in accd.status()["stacks"]}


@needs(seconds=150)
def test_a_running_stack_that_is_added_later_is_observed(w):
    """Three stacks join acc.yaml while accd runs: two that run are observed, by apply and by SIGHUP;
    the third has no containers and comes up at once. plan says so before."""
    mine = w.stack("m", {"a": service(check=False)})
    theirs = w.stack("s", {"web": service(check=False, restart="always"), "off": service(check=False)})
    again = w.stack("t", {"web": service(check=False, restart="unless-stopped")})
    fresh = w.stack("n", {"db": service(check=False)})
    w.engine.compose("up", "-d", "web", cwd=theirs.parent)
    w.engine.compose("up", "-d", cwd=again.parent)
    accd = w.accd(config=w.config([mine]))
    accd.ctl("up", "--all")
    before, record = w.docker.identities(), w.record()

    w.config([mine, theirs, fresh])
    planned = {c["service"]: (c["action"], c["reasons"][0]["text"]) for c in accd.json("plan")["changes"]}
    assert {s: a for s, (a, _) in planned.items()} == {
        "s": "observe", "s/web": "observe", "s/off": "observe", "n/db": "create"}, planned
    assert "accctl adopt s" in planned["s"][1] and "s-web-1" in planned["s/web"][1], planned
    assert "accctl adopt s" in accd.ctl("plan", "s/web").stdout
    said = accd.ctl("apply").stdout
    assert "stack s is only observed" in said and "accctl adopt s" in said, said
    assert "n/db: up, created" in said and "1 created" in said and "s/web" not in said.split("apply:")[1], said
    accd.wait_state("n/db", "up", seconds=20)
    assert modes(accd) == {"m": "managing", "s": "observing", "n": "managing"}

    w.config([mine, theirs, fresh, again])
    accd.hup()
    wait(lambda: modes(accd).get("t") == "observing", 20, "the other one is observed, too")
    assert accd.service("t/web")["state"] == "up" and accd.service("s/off")["state"] == "off"
    holds(lambda: not any(record.count(what, name) for what in ("update", "start", "stop", "destroy")
                          for name in before), 3, "nothing of them is touched")
    now = w.docker.identities()
    assert {n: now.get(n) for n in before} == before, now
    assert {n: p for n, p in policies(w).items() if p != "no"} == {
        "s-web-1": "always", "t-web-1": "unless-stopped"}, policies(w)

    said = accd.ctl("apply").stdout
    assert "apply: nothing to do" in said and "stack t is only observed" in said, said
    assert "observe" in accd.ctl("plan").stdout
    said = accd.ctl("adopt", "s").stdout
    assert "stack s was only observed" in said and "hand-back s" in said, said
    assert accd.ctl("adopt", "s").stdout == "adopt: nothing to do, all of it is managed already\n"
    said = accd.ctl("adopt").stdout
    assert "stack t" in said and "adopt: done, 1 service," in said, said
    assert set(modes(accd).values()) == {"managing"}
    assert {n: i for n, (i, _) in w.docker.identities().items() if n in before} == {
        n: i for n, (i, _) in before.items()}, "adoption made something anew"


@needs(seconds=120)
def test_up_takes_over_what_it_names_and_says_so(w):
    """A bare `up` leaves observed stacks alone; `up STACK` takes one over, and tells."""
    mine = w.stack("m", {"a": service(check=False)})
    theirs = w.stack("s", {"web": service(check=False, restart="always")})
    w.engine.compose("up", "-d", cwd=theirs.parent)
    accd = w.accd(config=w.config([mine, theirs]))
    wait(lambda: modes(accd) == {"m": "managing", "s": "observing"}, 20, "one of each")
    said = accd.ctl("up").stdout
    assert "stack s is only observed" in said and modes(accd)["s"] == "observing", said
    said = accd.ctl("up", "s").stdout
    assert said.startswith("stack s was only observed, and is managed from here on"), said
    assert modes(accd)["s"] == "managing" and policies(w)["s-web-1"] == "no"

    alone = w.accd(config=w.config([theirs]), name="alone")  # knows nothing of the other's doing
    wait(lambda: modes(alone) == {"s": "observing"}, 20, "it is observed")
    refused = alone.ctl("up", check=False)
    assert refused.returncode == 6 and "accctl adopt" in refused.stderr, refused


@needs(seconds=120)
def test_without_its_state_accd_goes_on_by_the_labels(w):
    """state.db is gone: what accd made is managed and healed, what was stopped stays so, the loss is
    shown. What it had given back is only observed."""
    path = w.stack("s", {"a": service(check=False, restart="always"), "b": service(check=False, restart="always"),
                         "c": service(check=False)})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("stop", "b")
    before = w.docker.identities()
    accd.kill()
    shutil.rmtree(accd.state)
    accd.start()
    record = w.record()
    wait(lambda: modes(accd) == {"s": "managing"}, 20, "the labels are enough")
    wait(lambda: "s went on by the labels" in accd.ctl("status").stdout, 20, "it has seen what is there")
    head = accd.ctl("status").stdout.splitlines()[1]
    assert "the state was lost" in head and "s went on by the labels" in head, head
    assert accd.status()["stacks"][0]["state_lost"] is True
    held = accd.wait_state("b", "held", seconds=20)
    assert "stopped by hand" in held["reason"], held
    holds(lambda: not record.count("start") and not record.count("create"), 3, "nothing is started")
    assert w.docker.identities() == before
    w.docker.crash("s-a-1")
    wait(lambda: record.count("start", "s-a-1") == 1, 20, "it heals what it made")
    accd.kill()
    accd.start()
    wait(lambda: modes(accd) == {"s": "managing"}, 20, "from now on it is known")
    assert "the state was lost" not in accd.ctl("status").stdout

    accd.ctl("hand-back", "s")
    accd.kill()
    (accd.state / "state.db").write_bytes(b"no database" * 1000)
    for more in accd.state.glob("state.db-*"):
        more.unlink()
    accd.start()
    wait(lambda: modes(accd) == {"s": "observing"}, 20, "what was given back is left alone")
    assert policies(w)["s-a-1"] == "always" and "nobody restarts" not in accd.ctl("status").stdout


@needs(seconds=120)
def test_an_adopted_stack_without_its_state_is_named(w):
    """state.db is gone: what `docker compose` made has no label of accd's. It is observed, and status says that nobody restarts it."""
    path = w.stack("s", {"a": service(check=False, restart="always")})
    w.engine.compose("up", "-d", cwd=path.parent)
    accd = w.accd(path)
    wait(lambda: modes(accd) == {"s": "observing"}, 20, "it was found running")
    assert "nobody restarts" not in accd.ctl("status").stdout
    accd.ctl("adopt")
    before = w.docker.identities()
    accd.kill()
    shutil.rmtree(accd.state)
    accd.start()
    wait(lambda: modes(accd) == {"s": "observing"}, 20, "nothing tells that it was adopted")
    head = accd.ctl("status").stdout.splitlines()[1]
    assert head.startswith("nobody restarts s: ") and head.endswith("accctl adopt s"), head
    accd.ctl("adopt")
    assert "nobody restarts" not in accd.ctl("status").stdout and w.docker.identities() == before


@needs(seconds=180)
def test_who_misses_what_was_taken_off_its_network_is_its_victim(w):
    """`docker network disconnect` of a database: who can't reach it is neither restarted nor blamed."""
    path = w.stack("s", {"db": service(), "auth": service(
        "db", interval="1s", environment={"NEEDS": "db:8080"}, **{"x-acc": {"timing": {"degraded_grace": "3s"}}})})
    accd = w.accd(config=w.config([path]))
    accd.ctl("up", "--all")
    before, record = w.docker.identities(), w.record()
    w.docker.call("POST", "/networks/s_default/disconnect", {"Container": "s-db-1"})
    shown = accd.wait_state("auth", "impaired", seconds=20)
    assert shown["reason"].startswith("needs db, which was taken off its network s_default by hand"), shown
    wait(lambda: [i["root"] for i in accd.incidents()] == ["s/db"], 20, "db is the root")
    holds(lambda: not any(record.count(what) for what in ("die", "create", "start", "destroy")), 8,
          "nothing is restarted")
    accd.ctl("restart", "db")
    accd.wait_state("auth", "up", seconds=30)
    now = w.docker.identities()
    assert now["s-db-1"] != before["s-db-1"] and now["s-auth-1"] == before["s-auth-1"], now


@needs(seconds=180)
def test_a_network_that_is_taken_away_by_hand_is_shown_and_mended_when_asked(w):
    """`docker network disconnect`: shown, not fought; `apply` and `restart` make it anew. `connect` to
    another one is no reason for anything."""
    port = {"ports": ["127.0.0.1:18077:8080"]}
    path = w.stack("s", {"web": service(check=False, **port), "db": service(check=False)})
    accd = w.accd(config=w.config([path]))
    accd.ctl("up", "--all")
    before, record = w.docker.identities(), w.record()
    lab = w.docker.call("POST", "/networks/create", {"Name": "lab"})["Id"]
    try:
        w.docker.call("POST", "/networks/lab/connect", {"Container": "s-db-1"})
        wait(lambda: accd.service("db")["instances"][0]["differences"], 20, "the other network is told")
        assert accd.service("db")["instances"][0]["differences"] == [
            {"text": "network lab connected by hand, it stays", "live": True}]
        assert accd.state_of("db") == "up" and accd.json("plan")["changes"] == []

        w.docker.call("POST", "/networks/s_default/disconnect", {"Container": "s-web-1"})
        shown = accd.wait_state("web", "impaired", seconds=10)
        assert "taken off its network s_default by hand" in shown["reason"], shown
        wait(lambda: "network s_default added" in str(accd.service("web")["instances"]), 20, "and compared")
        assert "accctl restart web" in accd.ctl("why", "web").stdout
        holds(lambda: not any(record.count(what) for what in ("die", "create", "start", "destroy")), 5,
              "nobody fights it")
        w.docker.call("POST", "/networks/s_default/connect",
                      {"Container": "s-web-1", "EndpointConfig": {"Aliases": ["web"]}})
        accd.wait_state("web", "up", seconds=10)  # mended by hand, too
        assert w.docker.identities() == before

        w.docker.call("POST", "/networks/s_default/disconnect", {"Container": "s-web-1"})
        accd.wait_state("web", "impaired", seconds=10)
        planned = {c["service"]: c["action"] for c in accd.json("plan")["changes"]}
        assert planned == {"s/web": "recreate"}, planned
        said = accd.ctl("apply").stdout
        assert "recreated" in said and "network s_default added" in said, said
        now = w.docker.identities()
        assert now["s-web-1"] != before["s-web-1"] and now["s-db-1"] == before["s-db-1"], now
        found = w.docker.inspect("s-web-1")["NetworkSettings"]
        assert list(found["Networks"]) == ["s_default"] and found["Ports"]["8080/tcp"], found

        w.docker.call("POST", "/networks/s_default/disconnect", {"Container": "s-web-1"})
        accd.wait_state("web", "impaired", seconds=10)
        assert "recreated" in accd.ctl("restart", "web").stdout
        assert w.docker.identities()["s-web-1"] != now["s-web-1"]
        assert "lab" in w.docker.inspect("s-db-1")["NetworkSettings"]["Networks"]
    finally:
        w.docker.call("POST", "/networks/lab/disconnect", {"Container": "s-db-1", "Force": True})
        w.docker.call("DELETE", f"/networks/{lab}")
