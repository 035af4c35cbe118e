"""What `apply` would do is told before, and `apply` does that and nothing else."""
import json

from lib import BB, holds, needs, service, wait


def changes(accd, *args):
    return {c["service"]: (c["action"], {r["text"]: r["live"] for r in c["reasons"]})
            for c in accd.json("plan", *args)["changes"]}


def applied(accd, *args):
    """What the last line of an apply says that was done; the lines before are its steps."""
    return sorted(json.loads(accd.ctl("--json", "apply", *args).stdout.splitlines()[-1])["changes"])


def limits(w, name):
    host = w.docker.inspect(name)["HostConfig"]
    return host["Memory"], host["NanoCpus"]


@needs(seconds=180)
def test_apply_does_what_plan_says_and_nothing_else(w):
    """One of three changes, one comes, one goes: plan says so and touches nothing; then apply."""
    old = {"a": service(), "b": service("a", environment={"TOKEN": "hunter1", "V": "1"}), "c": service("b"),
           "old": service()}
    path = w.stack("s", old)
    accd = w.accd(path)
    accd.ctl("up", "--all")
    assert changes(accd) == {}, changes(accd)
    assert "nothing would change" in accd.ctl("plan").stdout
    before, record = w.docker.identities(), w.record()
    w.stack("s", {"a": service(), "b": service("a", environment={"TOKEN": "hunter2", "TZ": "UTC", "V": "1"}),
                  "c": service("b"), "new": service("a")})
    planned = changes(accd)
    assert planned["s/b"] == ("recreate", {"environment TOKEN changed": False, "environment TZ added": False}), planned
    assert planned["s/new"][0] == "create" and planned["s/old"][0] == "stop" and len(planned) == 3, planned
    said = accd.ctl("plan").stdout
    assert "environment TZ added" in said and "hunter" not in said, said
    assert set(changes(accd, "b")) == {"s/b"}
    holds(lambda: not record.count("create") and not record.count("stop"), 2, "a plan touches nothing")
    assert w.docker.identities() == before

    said = accd.ctl("apply").stdout  # it waits: all is as it should be now
    assert "TZ=UTC" in w.docker.inspect("s-b-1")["Config"]["Env"]
    assert w.docker.running("s-new-1") and not w.docker.running("s-old-1")
    assert all(accd.state_of(name) == "up" for name in ("a", "b", "c", "new"))
    assert "recreated (environment TOKEN changed; environment TZ added), " in said and "hunter" not in said, said
    assert "apply: done, 3 services (1 created, 1 recreated, 1 stopped), " in said, said
    assert "s/a:" not in said, said
    now = w.docker.identities()
    assert accd.ctl("apply").stdout == "apply: nothing to do\n"
    assert w.docker.identities() == now
    assert now["s-a-1"] == before["s-a-1"] and now["s-c-1"] == before["s-c-1"], "an unchanged service was touched"
    assert w.docker.inspect("s-old-1")["State"]["Status"] == "exited", "what left the file is kept"
    assert changes(accd) == {"s/old": ("remove", {"gone from the files; with --prune only": False})}, changes(accd)
    assert applied(accd, "--prune") == ["removed s/old"]
    assert not w.docker.containers(name=["s-old-1"])
    assert changes(accd) == {}, changes(accd)
    assert w.docker.identities()["s-a-1"] == before["s-a-1"]


@needs(seconds=150)
def test_limits_are_changed_while_it_runs(w):
    """Other limits and another restart policy: the same run of the same container goes on."""
    path = w.stack("s", {"a": service(mem_limit="64m", cpus=0.5, restart="always")})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before = w.docker.identities()
    w.stack("s", {"a": service(mem_limit="96m", cpus=0.75, restart="on-failure")})
    planned = changes(accd)
    assert planned == {"s/a": ("update", {"memory 64 MiB -> 96 MiB": True, "cpus 0.5 -> 0.75": True})}, planned
    assert applied(accd) == ["updated s/a"]
    assert limits(w, "s-a-1") == (96 << 20, 750_000_000), limits(w, "s-a-1")
    assert changes(accd) == {}, changes(accd)
    accd.kill()  # its label is still of the old file; that means nothing
    accd.start()
    accd.wait_state("a", "up", seconds=20)
    holds(lambda: w.docker.identities() == before, 3, "it was restarted")
    w.stack("s", {"a": service(mem_limit="96m", restart="on-failure")})  # a limit is taken away
    assert changes(accd)["s/a"][0] == "recreate"
    assert "recreated" in accd.ctl("apply").stdout
    assert w.docker.identities()["s-a-1"][0] != before["s-a-1"][0] and accd.state_of("a") == "up"


@needs(seconds=150)
def test_apply_ends_as_the_verbs_do(w):
    """An image that isn't there: exit 1, the old one runs on; --detach and --timeout end the waiting only."""
    path = w.stack("s", {"a": service(restart="always"), "b": service("a")})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before = w.docker.identities()
    w.stack("s", {"a": service(restart="always", image="acc-test/never:1", pull_policy="never"), "b": service("a")})
    done = accd.ctl("apply", check=False)
    assert done.returncode == 1 and "s/a: stays as it was: needs" in done.stderr, done
    assert w.docker.identities() == before
    w.stack("s", {"a": service(restart="always", environment={"SLOW": "1"}), "b": service("a")})
    done = accd.ctl("apply", "--detach").stdout
    assert done == "apply: asked for, 1 service\n", done
    wait(lambda: "SLOW=1" in w.docker.inspect("s-a-1")["Config"]["Env"], 60, "it was done all the same")
    accd.wait_all_up(60)
    w.stack("s", {"a": service(restart="always", environment={"SLOW": "2"}, image=BB, stop_signal="SIGCONT",
                               stop_grace_period="3s"), "b": service("a")})
    accd.ctl("apply")
    w.stack("s", {"a": service(restart="always"), "b": service("a")})
    done = accd.ctl("apply", "--timeout", "1s", check=False)
    assert done.returncode == 5 and "accd goes on with it" in done.stderr, done
    wait(lambda: "SLOW=2" not in w.docker.inspect("s-a-1")["Config"]["Env"], 60, "and so was this")
    accd.wait_all_up(60)


@needs(seconds=150)
def test_apply_waits_for_those_that_are_restarted_with_it(w):
    """A dependent with `restart: true` is stopped and started around the change, and told of; others are not."""
    def files(value):
        return w.stack("s", {"a": service(environment={"V": value}), "c": service(),
                             "b": service(depends_on={"a": {"condition": "service_healthy", "restart": True}})})
    accd = w.accd(files("1"))
    accd.ctl("up", "--all")
    before = w.docker.identities()
    files("2")
    said = accd.json("plan")
    assert {c["service"]: c["action"] for c in said["changes"]} == {"s/a": "recreate", "s/b": "restart"}, said
    assert applied(accd) == ["recreated s/a", "restarted s/b"]
    now = w.docker.identities()
    assert now["s-b-1"][0] == before["s-b-1"][0] and now["s-b-1"] != before["s-b-1"] and now["s-c-1"] == before["s-c-1"]
    assert all(accd.state_of(name) == "up" for name in "abc")


@needs(seconds=150)
def test_changed_content_of_secrets_and_configs_counts(w):
    """The text of a secret's file and of a config changes: who uses it is made anew, nobody else."""
    mine, top = {"secrets": ["token"], "configs": [{"source": "conf", "target": "/conf"}]}, {
        "secrets": {"token": {"file": "./token.txt"}}, "configs": {"conf": {"content": "old"}}}
    services = {"a": service(**mine), "b": service()}
    path = w.stack("s", services, **top)
    (path.parent / "token.txt").write_text("hunter1")
    accd = w.accd(path)
    accd.ctl("up", "--all")
    assert changes(accd) == {}, changes(accd)
    before = w.docker.identities()
    (path.parent / "token.txt").write_text("hunter2")
    assert changes(accd) == {"s/a": ("recreate", {"content of secrets/token changed": False})}, changes(accd)
    accd.ctl("apply")
    assert w.docker.identities()["s-a-1"][0] != before["s-a-1"][0] and w.docker.running("s-a-1")
    assert changes(accd) == {}, changes(accd)
    w.stack("s", services, **{**top, "configs": {"conf": {"content": "new"}}})
    assert changes(accd) == {"s/a": ("recreate", {"content of configs/conf changed": False})}, changes(accd)
    assert w.docker.identities()["s-b-1"] == before["s-b-1"]
    assert "hunter" not in str(w.docker.inspect("s-a-1")) + accd.log.read_text()


@needs(seconds=200)
def test_what_left_the_files_while_nobody_looked(w):
    """Orphans by their labels alone: told by plan, stopped by apply, removed with --prune; nothing else is touched."""
    w.stack("s", {"a": service(), "old": service(), "extra": service(profiles=["x"])})
    path = w.stack("t", {"z": service()})
    for folder, args in (("s", ("--profile", "x")), ("t", ())):
        w.engine.compose(*args, "up", "-d", cwd=w.dir / folder)
    w.engine.compose("run", "-d", "--name", "once", "old", cwd=w.dir / "s")
    s = w.stack("s", {"a": service(), "extra": service(profiles=["x"])})
    accd = w.accd(s)
    before = w.docker.identities()
    wait(lambda: accd.status()["stacks"][0]["mode"] == "observing", 20, "it was found running")
    assert changes(accd) == {}, changes(accd)
    accd.ctl("adopt", "s")
    gone = {"s/old": ("stop", {"gone from the files; --prune removes its container, too": False})}
    assert changes(accd) == gone, changes(accd)
    holds(lambda: w.docker.running("s-old-1"), 2, "only who asks for apply gets it")
    assert applied(accd) == ["stopped s/old"]
    assert w.docker.inspect("s-old-1")["State"]["Status"] == "exited"
    accd.stop()
    accd.start()  # it has forgotten
    accd.wait_all_up(30)
    assert changes(accd) == {"s/old": ("remove", {"gone from the files; with --prune only": False})}, changes(accd)
    assert applied(accd) == []
    assert applied(accd, "--prune") == ["removed s/old"]
    now = w.docker.identities()
    assert now == {name: was for name, was in before.items() if name != "s-old-1"}, (before, now)
    assert "once" in now and "s-extra-1" in now and "t-z-1" in now
    assert changes(accd) == {}, changes(accd)


@needs(seconds=150)
def test_networks_and_volumes_that_left_the_files(w):
    """Told by plan; --prune removes networks, volumes only with --volumes; what the files still name stays."""
    top = {"networks": {"back": {}, "spare": {}}, "volumes": {"data": {}, "spare": {}}}
    path = w.stack("s", {"a": service(networks=["back", "spare"], volumes=["data:/data", "spare:/spare"])}, **top)
    accd = w.accd(path)
    accd.ctl("up", "--all")
    other = w.docker.call("POST", "/networks/create", {"Name": "t_x", "Labels": {
        "com.docker.compose.project": "t", "com.docker.compose.network": "x"}})["Id"]
    w.extra.callback(w.docker.call, "DELETE", f"/networks/{other}")
    w.stack("s", {"a": service()}, networks={"spare": {}}, volumes={"spare": {}})  # declared, not used
    accd.ctl("apply")
    names = lambda what: {n["Name"] for n in (w.docker.call("GET", f"/{what}") if what == "networks" else  # noqa: E731
                                              w.docker.call("GET", "/volumes")["Volumes"])}
    assert changes(accd) == {
        "network s_back": ("remove", {"gone from the files; with --prune only": False}),
        "volume s_data": ("remove", {"gone from the files; with --prune --volumes only": False})}, changes(accd)
    assert {"s_back", "s_spare"} <= names("networks") and {"s_data", "s_spare"} <= names("volumes")
    said = accd.ctl("apply", "--prune").stdout
    assert said.startswith("removed network s_back\napply: done"), said
    assert "s_back" not in names("networks") and {"s_spare", "t_x"} <= names("networks")
    assert {"s_data", "s_spare"} <= names("volumes"), "a volume went without --volumes"
    assert accd.ctl("apply", "--volumes", check=False).returncode == 2
    assert applied(accd, "--prune", "--volumes") == ["removed volume s_data"]
    assert "s_data" not in names("volumes") and "s_spare" in names("volumes")
    assert changes(accd) == {}, changes(accd)
    assert accd.state_of("a") == "up"
