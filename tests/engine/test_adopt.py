"""It arrives softly: containers of `docker compose` are observed, adopted, handed back, respected."""
import json

from lib import SVC, compose_2_26, compose_v1, compose_v2, holds, needs, run, service, wait

FAST = {"external_stop_settle": "1s"}


def policies(w):
    return {c["Names"][0].lstrip("/"): w.docker.inspect(c["Id"])["HostConfig"]["RestartPolicy"]["Name"]
            for c in w.docker.containers()}


def arrives_softly(w, tool, v1=False):
    services = {"db": service(restart="always", interval="1s"),
                "app": service(*(() if v1 else ("db",)), restart="unless-stopped", interval="1s")}
    path = w.stack("s", services, **({"version": "3.7"} if v1 else {}))
    if v1:  # 1.29.2 knows no `name:` at the top
        path.write_text(path.read_text().replace('name: "s"\n', ""))
    w.engine.compose("up", "-d", cwd=path.parent, tool=tool)
    before = w.docker.identities()
    app, db = sorted(before)
    assert app == ("s_app_1" if v1 else "s-app-1")

    accd = w.accd(path)
    record = w.record()
    wait(lambda: accd.status()["stacks"][0]["mode"] == "observing", 20, "it was found running")
    wait(lambda: {s["state"] for s in accd.services().values()} == {"up"}, 20, "it sees them running")
    holds(lambda: not record.count("update") and not record.count("start"), 3, "observing touches nothing")
    assert w.docker.identities() == before and policies(w) == {db: "always", app: "unless-stopped"}

    for name, container in (("db", db), ("app", app)):  # since it runs, not since accd looks
        assert accd.service(name)["since"][:19] == before[container][1][:19], (accd.service(name), before)

    for what in ((), ("s",), ("app",)):
        assert "accctl adopt s" in accd.ctl("status", *what).stdout
    accd.ctl("adopt")
    assert accd.status()["stacks"][0]["mode"] == "managing"
    assert "s (managing): 2 of 2 up" in accd.ctl("status", "s").stdout
    assert "s, managed" in accd.ctl("status", "app").stdout
    wait(lambda: set(policies(w).values()) <= {"no", ""}, 20, "accd is the only one that restarts")
    assert w.docker.identities() == before, "adoption restarted something"

    w.docker.crash(app)
    wait(lambda: record.count("start", app) == 1, 20, "accd heals what it adopted")
    accd.wait_all_up(30)
    ids = {n: i for n, (i, _) in w.docker.identities().items()}
    assert ids == {n: i for n, (i, _) in before.items()}

    now = w.docker.identities()
    accd.stop()
    run(*accd.argv(), "--hand-back", cwd=accd.dir, timeout=30)
    assert policies(w) == {db: "always", app: "unless-stopped"}
    assert w.docker.identities() == now, "handing back restarted something"


@needs(seconds=120)
def test_compose_2_40_3_is_adopted_and_handed_back(w):
    """Real Compose v2: observed, adopted without a restart, healed, given back."""
    arrives_softly(w, compose_v2())


@needs(seconds=120)
def test_compose_2_26_1_is_adopted_and_handed_back(w):
    """Debian 13's Compose, whose config-hash is another one: the same."""
    arrives_softly(w, compose_2_26())


@needs(seconds=120)
def test_compose_1_29_2_is_adopted_and_handed_back(w):
    """Debian 12's Compose v1, whose containers have other names: the same."""
    arrives_softly(w, compose_v1(), v1=True)


@needs(seconds=120)
def test_a_finished_job_is_done_after_its_adoption(w):
    """A job that `docker compose` has run to its end is done, and isn't run again by adopt, up or a new accd."""
    path = w.stack("s", {"job": service(check=False, environment={"CRASH_AFTER": "1", "EXIT_CODE": "0"}, restart="no"),
                         "a": service("job", condition="service_completed_successfully")})
    w.engine.compose("up", "-d", cwd=path.parent)
    before = w.docker.identities()
    accd = w.accd(path)
    wait(lambda: accd.status()["stacks"][0]["mode"] == "observing", 20, "it was found running")
    wait(lambda: {n: s["state"] for n, s in accd.services().items()} == {"s/a": "up", "s/job": "done"}, 20, "it is done")
    accd.ctl("adopt")
    accd.ctl("up", "--all")
    accd.stop()
    accd.start()
    wait(lambda: accd.state_of("job") == "done" and accd.state_of("a") == "up", 20, "both are as they were")
    assert w.docker.identities() == before


@needs(seconds=120)
def test_observing_reports_what_it_would_have_done(w):
    """A missing service and a crash are reported, not mended."""
    path = w.stack("s", {"a": service(restart="no"), "b": service(restart="no")})
    w.engine.compose("up", "-d", "a", cwd=path.parent)
    accd = w.accd(path)
    record = w.record()
    wait(lambda: accd.state_of("a") == "up", 20, "a is seen")
    assert accd.state_of("b") == "off"
    w.docker.crash("s-a-1")
    wait(lambda: accd.state_of("a") not in ("up", "starting"), 20, "the crash is seen")
    holds(lambda: record.count("start") == 0 and record.count("create") == 0, 3, "nothing is mended")
    accd.ctl("up", "a")  # of a service: takes over
    wait(lambda: w.docker.running("s-a-1"), 20, "asked for, it comes up")


@needs(seconds=120)
def test_stopped_by_hand_stays_stopped(w):
    """`docker stop` is a person's wish: held, shown, and `up` clears it. `docker kill` is a crash."""
    path = w.stack("s", {"a": service(), "b": service("a")})
    accd = w.accd(config=w.config([path], timing=FAST))
    accd.ctl("up", "--all")
    record = w.record()
    w.docker.call("POST", "/containers/s-a-1/stop?t=2")
    held = accd.wait_state("a", "held", seconds=20)
    assert "hand" in held["reason"] or "stopped" in held["reason"], held["reason"]
    holds(lambda: record.count("start", "s-a-1") == 0, 3, "it stays stopped")
    assert accd.service("b")["root"] == ["s/a"]
    accd.kill()  # the wish survives accd
    accd.start()
    accd.wait_state("a", "held", seconds=20)
    holds(lambda: record.count("start", "s-a-1") == 0, 2, "still stopped")
    accd.ctl("up", "a")
    accd.wait_all_up(30)

    w.docker.call("POST", "/containers/s-a-1/kill")
    wait(lambda: record.count("start", "s-a-1") == 2, 20, "a kill is healed")


@needs(seconds=120)
def test_paused_by_hand_is_left_alone(w):
    """A paused container gets no verdict and no restart."""
    path = w.stack("s", {"a": service(interval="1s"), "b": service("a", interval="1s")})
    accd = w.accd(config=w.config([path], timing={**FAST, "degraded_grace_min": "1s"}))
    accd.ctl("up", "--all")
    before, record = w.docker.identities(), w.record()
    w.docker.call("POST", "/containers/s-a-1/pause")
    wait(lambda: "paused" in accd.service("a")["reason"], 20, "it is shown as paused")
    holds(lambda: record.count("restart") + record.count("die") + record.count("unpause") == 0, 5,
          "nothing is done to it")
    w.docker.call("POST", "/containers/s-a-1/unpause")
    accd.wait_all_up(30)
    assert w.docker.identities() == before


@needs(seconds=150)
def test_compose_down_and_up_beside_accd(w):
    """`docker compose down` is respected: off, not recreated. `compose up -d` brings it back."""
    path = w.stack("s", {"a": service(interval="1s"), "b": service("a", interval="1s")})
    accd = w.accd(config=w.config([path], timing=FAST))
    accd.ctl("up", "--all")
    record = w.record()
    w.engine.compose("down", cwd=path.parent)
    wait(lambda: {s["state"] for s in accd.services().values()} == {"off"}, 30, "both are off")
    holds(lambda: record.count("create") == 0, 3, "nothing is recreated")
    w.engine.compose("up", "-d", cwd=path.parent)
    ids = {n: i for n, (i, _) in w.docker.identities().items()}
    accd.wait_all_up(60)
    assert {n: i for n, (i, _) in w.docker.identities().items()} == ids

    w.engine.compose("down", cwd=path.parent)  # with the network, which accd knows to be there
    wait(lambda: {s["state"] for s in accd.services().values()} == {"off"}, 30, "both are off")
    accd.ctl("up", "--all")
    assert accd.incidents(open_only=False) == [], accd.incidents(open_only=False)
    told = accd.log.read_text()
    assert "could not be" not in told, told


@needs(seconds=120)
def test_compose_up_beside_accd_finds_nothing_to_do(w):
    """Same names, labels and config-hash: `docker compose up -d` recreates nothing that accd made."""
    path = w.stack("s", {"a": service(interval="1s"), "b": service("a", interval="1s", environment={"X": "1"}),
                         "c": service(volumes=["vol:/data"], ports=["127.0.0.1:18081:8080"])}, volumes={"vol": {}})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before = w.docker.identities()
    out = w.engine.compose("up", "-d", cwd=path.parent).stderr
    assert w.docker.identities() == before, out
    accd.wait_all_up(20)


@needs(seconds=120)
def test_what_differs_from_the_file_is_told_and_left_alone(w):
    """A project of real Compose 1.29.2, then one of its files changes: status, why and adopt say in
    what it differs, by name and never by value; nothing is recreated, and what is equal is so."""
    tool = compose_v1()
    old = service(check=False, environment={"TOKEN": "hunter1", "MODE": "a"}, mem_limit="64m", restart="always")
    same = service(check=False, environment={"K": "v"}, volumes=["data:/data"], ports=["127.0.0.1:18099:8080"],
                   restart="unless-stopped")
    path = w.stack("s", {"web": old, "db": same}, version="2.4", volumes={"data": {}})
    path.write_text(path.read_text().replace('name: "s"\n', ""))
    w.engine.compose("up", "-d", cwd=path.parent, tool=tool)
    before = w.docker.identities()
    new = service(check=False, environment={"TOKEN": "hunter2", "TZ": "UTC"}, mem_limit="128m", restart="always",
                  volumes=["data:/srv"])
    w.stack("s", {"web": new, "db": same}, version="2.4", volumes={"data": {}})

    accd = w.accd(path)
    record = w.record()
    found = wait(lambda: accd.service("web")["instances"][0]["differences"], 20, "web was compared")
    texts = {d["text"]: d["live"] for d in found}
    assert texts.get("environment TOKEN changed") is False and texts.get("environment TZ added") is False, texts
    assert texts.get("memory 64 MiB -> 128 MiB") is True, texts
    assert any(t.startswith("environment MODE") for t in texts) and any("/srv" in t for t in texts), texts
    assert not accd.service("db")["instances"][0]["differs"], accd.service("db")
    full, one, why = accd.ctl("status", "s").stdout, accd.ctl("status", "web").stdout, accd.ctl("why", "web").stdout
    for said in full, one, why:
        assert "environment TZ added" in said and "memory 64 MiB -> 128 MiB" in said, said

    said = accd.ctl("adopt").stdout
    assert "environment TZ added" in said and "memory 64 MiB -> 128 MiB" in said and "db" not in said.split("say")[1], said
    answer = accd.call("Adopt", targets=["s"])
    web = next(p for p in answer["progress"] if p["service"] == "s/web")
    assert {d["text"] for d in web["differences"]} == set(texts), web
    accd.kill()  # what was adopted as it is stays so
    accd.start()
    wait(lambda: accd.service("web")["instances"][0]["differences"], 20, "compared again")
    holds(lambda: not any(record.count(what) for what in ("create", "start", "stop", "die", "destroy")), 3,
          "nothing was recreated")
    assert w.docker.identities() == before
    told = full + one + why + said + json.dumps(accd.status()) + accd.log.read_text()
    told += (accd.state / "state.db").read_bytes().decode(errors="replace")
    assert "hunter" not in told, "a secret was told"

    planned = {c["service"]: c["action"] for c in accd.json("plan")["changes"]}
    assert planned == {"s/web": "recreate"}, planned
    accd.ctl("apply")  # that is the asking
    wait(lambda: any("TZ=UTC" in (w.docker.inspect(c["Id"])["Config"]["Env"] or [])
                     for c in w.docker.containers()), 60, "web follows its file now")
    accd.wait_state("web", "up", seconds=30)
    now = w.docker.identities()
    assert now["s_db_1"] == before["s_db_1"] and sorted(now) == ["s_db_1", "s_web_1", "s_web_1.r1"], now
    assert accd.json("plan")["changes"] == [], accd.json("plan")


@needs(seconds=120)
def test_apply_touches_nothing_of_an_observed_stack_and_says_so(w):
    """Whatever changes in its file: no service is counted, the stack is named with the way out, exit 0."""
    first = {"one": service(check=False, restart="always"), "two": service(check=False)}
    path = w.stack("s", first)
    w.engine.compose("up", "-d", cwd=path.parent)
    accd = w.accd(path)
    before = w.docker.identities()
    accd.wait_all_up(30)
    said = "apply: nothing to do\nstack s is only observed, nothing of it was touched; take it over: accctl adopt s\n"
    assert accd.ctl("apply").stdout == said
    w.stack("s", {"one": {**first["one"], "restart": "unless-stopped"},
                  "two": {**first["two"], "environment": {"A": "b"}, "deploy": {"replicas": 2}}, "three": service(check=False)})
    done = accd.ctl("apply")
    assert done.stdout == said, done
    assert accd.service("three")["reason"] == "has no container; its stack is only observed", accd.service("three")
    assert accd.service("two")["reason"] == "1 of 2 containers run; its stack is only observed", accd.service("two")
    assert accd.json("apply")["observing"] == ["s"]
    assert w.docker.identities() == before


@needs(seconds=150)
def test_what_is_only_observed_is_not_said_to_be_started_again(w):
    """Handed back with a breaker that is open: nothing is tried, and its own restart policy is named. Without one nobody
    restarts it, which the head of status says, whenever it is so."""
    fails = service(check=False, restart="always", environment={"CRASH_AFTER": "1", "EXIT_CODE": "9"},
                    **{"x-acc": {"restart": {"backoff": "100ms..200ms", "budget": "1/10m"}}})
    path = w.stack("s", {"dead": fails, "a": service(check=False, restart="always")})
    accd = w.accd(config=w.config([path], timing={"resync": "1s"}))
    accd.ctl("up", "--all", check=False)
    accd.wait_state("dead", "open", seconds=60)
    accd.ctl("hand-back", "s")
    seen = accd.wait_state("dead", "failed", seconds=20)
    assert "exited with 9" in seen["reason"] and "only observed" in seen["reason"] and "always" in seen["reason"], seen
    assert not [word for word in ("next try", "gets a rest", "accctl up") if word in seen["reason"]], seen
    assert "next try" not in accd.ctl("why", "dead").stdout and "nobody restarts" not in accd.ctl("status").stdout
    for name in "s-dead-1", "s-a-1":
        w.docker.call("POST", f"/containers/{name}/update", {"RestartPolicy": {"Name": "no"}})
    wait(lambda: "nobody restarts s: " in accd.ctl("status").stdout, 20, "that is told")
    assert set(policies(w).values()) == {"no"}, "it was to be left alone"
    assert "nobody starts it again" in accd.service("dead")["reason"], accd.service("dead")
    w.docker.crash("s-a-1")
    assert "nobody starts it again" in accd.wait_state("a", "failed", seconds=20)["reason"]
    accd.stop()
    accd.start()
    wait(lambda: "nobody restarts s: " in accd.ctl("status").stdout, 20, "by the next accd, too")
    accd.ctl("adopt")
    assert "nobody restarts" not in accd.ctl("status").stdout


@needs(seconds=120)
def test_what_was_off_when_it_was_adopted_is_named(w):
    """It stays off; adopt, why and status say that it was so before, and how it is started."""
    path = w.stack("s", {"a": service("job", condition="service_completed_successfully", check=False),
                         "dead": service(check=False, restart="no"), "never": service(check=False),
                         "job": service(check=False, environment={"CRASH_AFTER": "1", "EXIT_CODE": "0"}, restart="no")})
    w.engine.compose("up", "-d", "a", "dead", "job", cwd=path.parent)
    w.docker.crash("s-dead-1")
    wait(lambda: not w.docker.running("s-job-1"), 20, "the job is over")
    accd = w.accd(path)
    wait(lambda: accd.status()["stacks"][0]["mode"] == "observing" and accd.state_of("a") == "up", 20, "it was found running")
    assert "was off" in accd.service("dead")["reason"]
    said = accd.ctl("adopt").stdout
    for name in "dead", "never":
        was_off = f"was off when its stack was taken over; start it: accctl up {name}"
        assert f"s/{name}: {was_off}" in said, said
        assert was_off in accd.ctl("why", name).stdout and was_off in accd.ctl("why", "s").stdout
        assert was_off in accd.ctl("status", "s").stdout
    assert "s/a" not in said and "s/job" not in said, said
    accd.stop()
    accd.start()
    wait(lambda: "was off when" in accd.service("dead")["reason"], 20, "the next accd knows it, too")
    accd.ctl("up", "dead")
    accd.ctl("stop", "dead")
    assert accd.service("dead")["reason"] == "asked by root"


@needs("svc", seconds=150)
def test_replicas_scaled_by_hand_stay_until_somebody_asks(w):
    """`docker-compose up --scale`: adopt leaves them as they are, status and plan say so, apply takes them away."""
    path = w.stack("s", {"w": service(check=False, image=SVC, restart="always")}, version="2.4")
    path.write_text(path.read_text().replace('name: "s"\n', ""))
    w.engine.compose("up", "-d", "--scale", "w=3", cwd=path.parent, tool=compose_v1())
    before, record = w.docker.identities(), w.record()
    assert len(before) == 3, before
    scale = "scale 3 -> 1"

    accd = w.accd(path)
    accd.wait_all_up(30)
    assert scale in accd.ctl("status", "s").stdout, accd.ctl("status", "s").stdout
    assert scale in accd.ctl("why", "w").stdout, accd.ctl("why", "w").stdout
    said = accd.ctl("adopt").stdout
    assert scale in said and "updated" not in said, said
    accd.kill()
    accd.start()
    accd.wait_all_up(30)
    w.docker.crash("s_w_3")
    wait(lambda: record.count("start", "s_w_3") == 1, 20, "what isn't the file's is still Docker's")
    holds(lambda: not any(record.count(what) for what in ("create", "stop", "kill", "destroy")), 3, "nothing was touched")
    assert {n: i for n, (i, _) in w.docker.identities().items()} == {n: i for n, (i, _) in before.items()}
    assert scale in accd.ctl("status", "s").stdout and scale in accd.ctl("status", "w").stdout
    assert "s/w  update  " + scale in accd.ctl("plan").stdout, accd.ctl("plan").stdout

    accd.ctl("stop", "w")
    wait(lambda: not any(w.docker.running(name) for name in before), 30, "the service is off as a whole")
    assert sorted(w.docker.identities()) == sorted(before)
    accd.ctl("up", "w")
    wait(lambda: all(w.docker.running(name) for name in before), 30, "and comes back so")

    applied = accd.ctl("apply").stdout
    assert "updated (" + scale + ")" in applied, applied
    wait(lambda: sorted(w.docker.identities()) == ["s_w_1"], 30, "the file has one")
    assert accd.json("plan")["changes"] == [], accd.json("plan")

    w.engine.compose("up", "-d", "--scale", "w=2", cwd=path.parent, tool=compose_v1())  # beside accd, which manages it
    wait(lambda: "scale 2 -> 1" in accd.ctl("plan").stdout, 20, "it is seen")
    second = w.docker.identities()["s_w_2"]
    holds(lambda: w.docker.running("s_w_2"), 3, "somebody has asked for it")
    path.write_text(path.read_text().replace("restart:", "scale: 2\n    restart:"))
    accd.ctl("apply")
    wait(lambda: set(policies(w).values()) <= {"no", ""}, 20, "the file has two, and both are accd's")
    assert w.docker.identities()["s_w_2"] == second and accd.json("plan")["changes"] == [], accd.json("plan")


@needs(seconds=150)
def test_what_ended_while_it_was_observed_stays_off(w):
    """A job without `restart:` that Compose runs while accd only observes isn't run again by adopt, and isn't called failed."""
    job = service(check=False, environment={"CRASH_AFTER": "1", "EXIT_CODE": "0"})
    bad = service(check=False, environment={"CRASH_AFTER": "1", "EXIT_CODE": "3"})
    path = w.stack("s", {"a": service(check=False, restart="always"), "job": job, "bad": bad})
    w.engine.compose("up", "-d", "a", cwd=path.parent)
    accd = w.accd(path)
    wait(lambda: accd.state_of("a") == "up", 20, "a is seen")
    record = w.record()
    w.engine.compose("up", "-d", cwd=path.parent)
    wait(lambda: not w.docker.running("s-job-1") and not w.docker.running("s-bad-1"), 20, "both have ended")
    wait(lambda: accd.state_of("bad") == "failed", 20, "a failure is told")
    wait(lambda: accd.state_of("job") == "off", 20, "an end with 0 isn't one")
    assert accd.service("job")["reason"] == "exited with 0", accd.service("job")

    said = accd.ctl("adopt").stdout
    for name in "job", "bad":
        assert f"s/{name}: was off when its stack was taken over; start it: accctl up {name}" in said, said
    holds(lambda: record.count("start", "s-job-1") == 1 and record.count("start", "s-bad-1") == 1, 5, "neither is run again")
    assert accd.incidents() == []
    accd.stop()
    accd.start()
    wait(lambda: accd.state_of("a") == "up", 20, "it is seen again")
    holds(lambda: record.count("start") == 2, 3, "nor by the next accd")
