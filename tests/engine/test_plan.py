"""What `apply` would do is told before, and `apply` does that and nothing else."""
import json
import re

from lib import BB, holds, needs, service, wait
from test_upgrade import IMAGE, image


def begin(w, path):
    """All of it up, under an accd that isn't long in believing a new container."""
    accd = w.accd(config=w.config([path], timing={"upgrade_stable": "1s", "upgrade_drain": "0"}))
    accd.ctl("up", "--all")
    return accd


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
    accd = begin(w, path)
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
    path = w.stack("s", {"a": service(mem_limit="64m", cpus=0.5, restart="always"), "b": service()})
    accd = begin(w, path)
    before = w.docker.identities()
    w.stack("s", {"a": service(mem_limit="96m", cpus=0.75, restart="on-failure"), "b": service(mem_limit="32m")})
    planned = changes(accd)
    assert planned == {"s/a": ("update", {"memory 64 MiB -> 96 MiB": True, "cpus 0.5 -> 0.75": True}),
                       "s/b": ("update", {"memory none -> 32 MiB": True})}, planned
    assert sorted(applied(accd)) == ["updated s/a", "updated s/b"]
    assert limits(w, "s-a-1") == (96 << 20, 750_000_000), limits(w, "s-a-1")
    assert limits(w, "s-b-1") == (32 << 20, 0), limits(w, "s-b-1")
    assert changes(accd) == {}, changes(accd)
    accd.kill()  # its label is still of the old file; that means nothing
    accd.start()
    accd.wait_state("a", "up", seconds=20)
    holds(lambda: w.docker.identities() == before, 3, "it was restarted")
    w.stack("s", {"a": service(mem_limit="96m", restart="on-failure"), "b": service(mem_limit="32m")})  # one is taken away
    assert changes(accd)["s/a"][0] == "recreate"
    assert "recreated" in accd.ctl("apply").stdout
    assert w.docker.identities()["s-a-1"][0] != before["s-a-1"][0] and accd.state_of("a") == "up"


@needs(seconds=150)
def test_apply_ends_as_the_verbs_do(w):
    """An image that isn't there: exit 1, the old one runs on; --detach and --timeout end the waiting only."""
    path = w.stack("s", {"a": service(restart="always"), "b": service("a")})
    accd = begin(w, path)
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
    accd = begin(w, files("1"))
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
    accd = begin(w, path)
    assert changes(accd) == {}, changes(accd)
    before = w.docker.identities()
    (path.parent / "token.txt").write_text("hunter2")
    assert changes(accd) == {"s/a": ("recreate", {"content of secrets/token changed": False})}, changes(accd)
    accd.ctl("apply")
    assert w.docker.identities()["s-a-1"][0] != before["s-a-1"][0] and w.docker.running("s-a-1")
    assert changes(accd) == {}, changes(accd)
    w.stack("s", services, **{**top, "configs": {"conf": {"content": "new"}}})
    why = {"content of configs/conf changed", "the container s-a-1.r1, kept while its upgrade is watched, goes"}
    assert changes(accd) == {"s/a": ("recreate", dict.fromkeys(why, False))}, changes(accd)
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
    assert {s: action for s, (action, _) in changes(accd).items()} == {"s": "observe"}, changes(accd)
    accd.ctl("adopt", "s")
    gone = {"s/old": ("stop", {"gone from the files; --prune removes its container, too": False})}
    assert changes(accd) == gone, changes(accd)
    holds(lambda: w.docker.running("s-old-1"), 2, "only who asks for apply gets it")
    assert accd.status()["left"] == ["s/old"] and "s/old left its file while" in accd.ctl("status").stdout
    assert applied(accd) == ["stopped s/old"]
    assert w.docker.inspect("s-old-1")["State"]["Status"] == "exited" and "left" not in accd.status()
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
    accd = w.accd(config=w.config([path], timing={"upgrade_stable": "1s", "upgrade_monitor": "20s", "upgrade_drain": "0"}))
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
    assert "kept network s_back: what was changed is still watched" in accd.ctl("apply", "--prune").stdout
    assert "s_back" in names("networks"), "the way back needs it"
    wait(lambda: len(w.docker.containers()) == 1, 40, "the container of before goes")
    said = accd.ctl("apply", "--prune").stdout
    assert said.startswith("removed network s_back\napply: done"), said
    assert "s_back" not in names("networks") and {"s_spare", "t_x"} <= names("networks")
    assert {"s_data", "s_spare"} <= names("volumes"), "a volume went without --volumes"
    assert accd.ctl("apply", "--volumes", check=False).returncode == 2
    assert applied(accd, "--prune", "--volumes") == ["removed volume s_data"]
    assert "s_data" not in names("volumes") and "s_spare" in names("volumes")
    assert changes(accd) == {}, changes(accd)
    assert accd.state_of("a") == "up"


@needs(seconds=150)
def test_what_a_stack_that_left_leaves_behind(w):
    """Its networks go with --prune, its volumes with --volumes; also by a new accd, and nothing of other projects."""
    keep = w.stack("s", {"a": service()})
    gone = w.stack("t", {"z": service(networks=["n"], volumes=["data:/data"])}, networks={"n": {}}, volumes={"data": {}})
    accd = w.accd(config=w.config([keep, gone]))
    accd.ctl("up", "--all")
    labels = {"com.docker.compose.project": "u", "com.docker.compose.network": "x"}
    other = w.docker.call("POST", "/networks/create", {"Name": "u_x", "Labels": labels})["Id"]
    w.extra.callback(w.docker.call, "DELETE", f"/networks/{other}")
    names = lambda: ({n["Name"] for n in w.docker.call("GET", "/networks")}  # noqa: E731
                     | {v["Name"] for v in w.docker.call("GET", "/volumes")["Volumes"] or ()})
    w.config([keep])
    volume = {"volume t_data": ("remove", {"gone from the files; with --prune --volumes only": False})}
    network = {"network t_n": ("remove", {"gone from the files; with --prune only": False})}
    assert changes(accd).items() >= {**network, **volume}.items(), changes(accd)
    w.stack("s", {"a": service(), "bad": {"image": "127.0.0.1:1/none:1"}})  # what fails elsewhere doesn't keep them
    failed = accd.ctl("apply", "--prune", check=False)
    assert failed.returncode == 1 and "removed network t_n\n" in failed.stdout, failed
    w.stack("s", {"a": service()})
    accd.ctl("apply")
    assert not w.docker.containers(name=["t-z-1"]) and not names() & {"t_n"} and names() >= {"t_data", "u_x"}
    accd.stop()
    accd.start()
    accd.wait_all_up(30)
    assert changes(accd) == volume, changes(accd)
    kept = {  # by somebody's container, and by one that goes by the stack's own name
        'error while removing volume: volume t_data is in use (name:"user")': {},
        "t is gone from the files and its container user is still there; remove that first": {
            "com.docker.compose.project": "t"}}
    for why, labels in kept.items():
        user = w.docker.call("POST", "/containers/create?name=user", {
            "Image": BB, "Labels": labels, "HostConfig": {"Binds": ["t_data:/data"]}})["Id"]
        said = accd.ctl("apply", "--prune", "--volumes").stdout
        assert f"kept volume t_data: {why}" in said and "t_data" in names(), said
        assert changes(accd) == ({} if labels else volume), changes(accd)
        w.docker.call("DELETE", f"/containers/{user}")
    assert applied(accd, "--prune", "--volumes") == ["removed volume t_data"]
    assert "u_x" in names() and "t_data" not in names() and changes(accd) == {}, changes(accd)


@needs(seconds=150)
def test_what_somebody_took_over_is_his(w):
    """A stack that left and was brought up by plain Compose since: its volumes stay, also after his `down`."""
    keep = w.stack("s", {"a": service(check=False)})
    gone = w.stack("t", {"z": service(check=False, volumes=["data:/data"])}, volumes={"data": {}})
    accd = w.accd(config=w.config([keep, gone]))
    volume = {"volume t_data": ("remove", {"gone from the files; with --prune --volumes only": False})}
    for is_known in (True, False):  # to the accd that sees him come
        w.config([keep, gone])
        accd.ctl("apply")
        accd.ctl("up", "t", "s")
        w.config([keep])
        accd.ctl("apply", "--prune")
        assert changes(accd) == volume, changes(accd)
        if not is_known:
            accd.kill()
            accd.start()
            accd.wait_all_up(30)
        w.engine.compose("up", "-d", cwd=gone.parent)
        wait(lambda: changes(accd) == {}, 20, "his stack is no leftover")
        assert w.docker.inspect("t-z-1")["State"]["Running"]
        w.engine.compose("down", cwd=gone.parent)
        accd.kill()
        accd.start()
        accd.wait_all_up(30)
        assert changes(accd) == {} and applied(accd, "--prune", "--volumes") == [], changes(accd)
        assert [v for v in w.docker.call("GET", "/volumes")["Volumes"] if v["Name"] == "t_data"]


@needs(seconds=200)
def test_the_number_of_containers_is_a_change(w):
    """Up and down, alone and beside another change: told before, waited for, counted."""
    def files(a, b, value="1"):
        return w.stack("s", {"a": service(scale=a), "b": service(deploy={"replicas": b}), "c": service("b"),
                             "d": service(environment={"V": value})})
    names = lambda: sorted(c["Names"][0][1:] for c in w.docker.containers())  # noqa: E731
    accd = begin(w, files(1, 2))
    before = w.docker.identities()
    files(3, 1)
    scaled = {"s/a": ("update", {"scale 1 -> 3": True}), "s/b": ("update", {"scale 2 -> 1": True})}
    assert changes(accd) == scaled, changes(accd)
    said = accd.ctl("apply").stdout
    now = w.docker.identities()
    assert names() == ["s-a-1", "s-a-2", "s-a-3", "s-b-1", "s-c-1", "s-d-1"], names()
    assert accd.state_of("a") == "up" and all(w.docker.running(name) for name in now)
    assert "updated (scale 1 -> 3)" in said and "updated (scale 2 -> 1)" in said, said
    assert "apply: done, 2 services (2 updated), " in said, said
    assert all(now[name] == was for name, was in before.items() if name in now), "an unchanged container was touched"
    assert changes(accd) == {}, changes(accd)
    assert accd.ctl("apply").stdout == "apply: nothing to do\n"
    files(2, 1, "2")
    said = accd.ctl("apply").stdout
    assert "apply: done, 2 services (1 recreated, 1 updated), " in said, said
    assert names() == ["s-a-1", "s-a-2", "s-b-1", "s-c-1", "s-d-1", "s-d-1.r1"], names()  # d's old one is kept for a while
    w.stack("s", {"a": service(scale=3, environment={"V": "1"}), "b": service(deploy={"replicas": 1}), "c": service("b"),
                  "d": service(environment={"V": "2"})})
    assert changes(accd) == {"s/a": ("recreate", {"environment V added": False, "scale 2 -> 3": True})}, changes(accd)
    said = accd.ctl("apply").stdout
    assert "recreated (environment V added; scale 2 -> 3)" in said and "(1 recreated)" in said, said
    assert changes(accd) == {}, changes(accd)
    assert names() == ["s-a-1", "s-a-1.r1", "s-a-2", "s-a-2.r1", "s-a-3", "s-b-1", "s-c-1", "s-d-1", "s-d-1.r1"], names()


@needs(seconds=150)
def test_what_an_upgrade_keeps_is_no_surplus(w):
    """While the old container of an upgrade is kept, plan has nothing to change."""
    image(w, VERSION="1")
    path = w.stack("s", {"a": service(interval="1s", image=IMAGE)})
    accd = w.accd(config=w.config([path], timing={"upgrade_stable": "1s", "upgrade_monitor": "90s"}))
    accd.ctl("up", "--all")
    image(w, VERSION="2")
    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: len(w.docker.containers(name=["s-a-1.r"])) == 1 and accd.state_of("a") == "up", 60, "one is kept")
    assert changes(accd) == {}, changes(accd)
    assert accd.ctl("apply").stdout == "apply: nothing to do\n"
    kept, = (c["Names"][0].lstrip("/") for c in w.docker.containers(name=["s-a-1.r"]))
    old, new = w.docker.inspect(kept)["Id"], w.docker.inspect("s-a-1")["Id"]
    w.docker.call("POST", "/networks/s_default/disconnect", {"Container": "s-a-1"})
    accd.wait_state("a", "impaired", seconds=10)  # it is to be mended, and watched on
    assert changes(accd) == {"s/a": ("recreate", {"network s_default added": False})}, changes(accd)
    accd.ctl("apply")
    assert w.docker.inspect(kept)["Id"] == old and w.docker.inspect("s-a-1")["Id"] != new
    w.stack("s", {"a": service(interval="1s", image=IMAGE, environment={"X": "1"})})
    action, why = changes(accd)["s/a"]
    assert action == "recreate" and f"the container {kept}, kept while its upgrade is watched, goes" in why, why
    accd.ctl("apply")
    said = accd.ctl("events").stdout
    assert "its file changed before its time was up: the kept container of r1 goes, its image stays" in said, said


@needs(seconds=150)
def test_a_chain_is_made_anew_from_its_beginning(w):
    """All of web -> api -> log (unchanged) -> db has changed: each new one begins when those below are ready."""
    def files(value):
        env = {"environment": {"V": value, "START_DELAY": "2"}}
        return w.stack("s", {"web": service("api", **env), "api": service("log", **env), "log": service("db"),
                             "db": service(**env)})
    accd = begin(w, files("1"))
    before, record = w.docker.identities(), w.record()
    files("2")
    assert list(changes(accd)) == ["s/db", "s/api", "s/web"]
    accd.ctl("apply")
    now = w.docker.identities()
    assert now["s-log-1"] == before["s-log-1"] and len([n for n in before if now[n] != before[n]]) == 3
    order = [(what, re.sub(r"\.c\d+$", ".new", e["Actor"]["Attributes"]["name"])) for t, what, e in sorted(
        ((t, what, e) for what in ("die", "start") for t, e in record.of(what)), key=lambda row: row[0])]
    assert order == [row for name in ("db", "api", "web")
                     for row in (("start", f"s-{name}-1.new"), ("die", f"s-{name}-1"))], order


@needs(seconds=150)
def test_prune_does_not_depend_on_who_waits(w):
    """With --detach the network and the volume go as well, once the container has gone."""
    top = {"networks": {"back": {}}, "volumes": {"data": {}}}
    path = w.stack("s", {"a": service(), "b": service(networks=["back"], volumes=["data:/data"], environment={"STOP_DELAY": "3"})}, **top)
    accd = begin(w, path)
    w.stack("s", {"a": service()})
    assert accd.ctl("apply", "--detach", "--prune", "--volumes").stdout == "apply: asked for, 1 service\n"
    assert w.docker.containers(name=["s-b-1"]), "it was waited for"
    wait(lambda: not w.docker.containers(name=["s-b-1"]), 30, "the container is gone")
    wait(lambda: changes(accd) == {}, 20, "network and volume are gone")
    assert not [n for n in w.docker.call("GET", "/networks") if n["Name"] == "s_back"]
    assert not [v for v in w.docker.call("GET", "/volumes")["Volumes"] or () if v["Name"] == "s_data"]


@needs(seconds=120)
def test_no_accident_stops_whole_stacks(w):
    """A pattern that matches nothing any more, or an acc.yaml that was emptied, is refused; who means it can say so."""
    path = w.stack("s", {"a": service(check=False, stop_grace_period="1s")})
    config = w.config([w.dir / "*" / "compose.yaml"])
    accd = w.accd(config=config)
    accd.ctl("up", "--all")
    before = w.docker.identities()

    def refused(words):
        for verb in "plan", "apply":
            run = accd.ctl(verb, check=False)
            assert run.returncode == 4 and words in run.stderr, run
        assert w.docker.identities() == before and accd.service("s/a")["state"] == "up"

    aside = path.rename(path.with_suffix(".aside"))
    refused("any more, and stack s of it runs: is its disk not mounted?")
    aside.rename(path)
    text = config.read_text()
    config.write_text("")
    refused("names no stacks, and 1 runs")
    config.write_text(text)
    accd.ctl("apply")
    assert w.docker.identities() == before
    # a typo: the pattern is another one, and the files of the one before aren't named any more
    config.write_text(text.replace("/*/", "/typo/*/"))
    refused("typo/*/compose.yaml, and stack s of")
    checked = accd.ctl("check", "-c", config, check=False)
    assert checked.returncode == 4 and "no file matches" in checked.stderr, checked
    accd.hup()
    wait(lambda: accd.tail().count("the running one stays") >= 4, 10, "refused by SIGHUP, too")
    assert w.docker.identities() == before and accd.service("s/a")["state"] == "up"
    w.config([w.dir / "*" / "compose.yaml", w.dir / "new" / "*" / "compose.yaml"])
    assert "no file matches" in accd.ctl("apply").stderr  # one more, for later
    assert w.docker.identities() == before and accd.service("s/a")["state"] == "up"
    config.write_text("stacks: []\n")
    accd.ctl("apply")
    wait(lambda: not w.docker.inspect("s-a-1")["State"]["Running"], 20, "it was meant")


@needs(seconds=60)
def test_plan_and_apply_tell_the_warnings_of_the_files(w):
    """Each on stderr, or in the document; the log has the word once."""
    path = w.stack("s", {"a": service(environment={"V": "${NOT_SET}"})})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    place = r"compose\.yaml:\d+:\d+: "
    for verb in ("plan", "apply"):
        run = accd.ctl(verb)
        assert re.search(place + 'warning: The "NOT_SET" variable is not set', run.stderr), run.stderr
        assert "NOT_SET" not in run.stdout, run.stdout
        said = json.loads(accd.ctl("--json", verb).stdout.splitlines()[-1])
        assert [bool(re.search("NOT_SET", line)) for line in said["warnings"]] == [True], said
    line = next(line for line in accd.log.read_text().splitlines() if "NOT_SET" in line)
    assert line.count("warning") == 1, line


@needs(seconds=150)
def test_apply_waits_for_the_new_run_of_a_failed_job(w):
    """A job has failed for good and is mended in its file: apply waits for its new run, and for who waited for it."""
    def files(command):
        done = {"migrate": {"condition": "service_completed_successfully"}}
        return w.stack("s", {"migrate": {"image": BB, "command": ["sh", "-c", command], "restart": "on-failure:1"},
                             "app": service(interval="1s", depends_on=done)})
    accd = w.accd(config=w.config([files("exit 7")], timing={"backoff_base": "100ms"}))
    assert accd.ctl("up", "--all", check=False).returncode == 1 and accd.state_of("migrate") == "failed"
    files("sleep 2")
    done = accd.ctl("apply", check=False)
    states = accd.state_of("migrate"), accd.state_of("app")
    assert done.returncode == 0 and states == ("done", "up"), (states, done)
    assert "apply: done, 2 services (1 created, 1 recreated), " in done.stdout, done
    assert accd.ctl("apply").stdout == "apply: nothing to do\n"


@needs(seconds=150)
def test_apply_waits_for_those_that_were_blocked_by_what_it_mends(w):
    """Who waits for a service that can't be made is waited for, too, once that can."""
    def files(volume):
        app = service("db", interval="3s", environment={"START_DELAY": "5"})
        return w.stack("s", {"db": service(volumes=[f"{volume}:/data"], interval="1s"), "slow": app,
                             "off": service("db", interval="1s"), "after": service("slow", interval="1s")},
                       volumes={"good": {}, "bad": {"driver": "nobody"}})
    accd = w.accd(config=w.config([files("bad")]))
    accd.ctl("stop", "off")
    assert accd.ctl("up", "slow", "after", check=False).returncode == 1
    assert accd.state_of("slow") == accd.state_of("after") == "blocked", accd.services()
    files("good")
    done = accd.ctl("apply", check=False)
    states = [accd.state_of(name) for name in ("db", "slow", "after", "off")]
    assert done.returncode == 0 and states == ["up", "up", "up", "off"], (states, done)
    assert "apply: done, 3 services (3 created), " in done.stdout, done


@needs(seconds=120)
def test_a_plan_amid_a_stop_first_upgrade_has_nothing_to_create(w):
    """The old container is stopped, the new one isn't ready: both are there, and the upgrade goes on with them."""
    keys = dict(interval="1s", **{"x-acc": {"upgrade": {"order": "stop-first", "health_timeout": "60s"}}})
    path = w.stack("s", {"a": service(**keys)})
    accd = w.accd(config=w.config([path], timing={"upgrade_drain": "0"}))
    accd.ctl("up", "--all")
    assert "nothing" in accd.ctl("plan").stdout
    w.stack("s", {"a": service(environment={"START_DELAY": "30"}, **keys)})
    accd.ctl("apply", "--detach")
    wait(lambda: "verify" in accd.service("a")["reason"], 40, "the new one is on trial")
    out = accd.ctl("plan").stdout
    assert "no container" not in out and "nothing" in out, out
    w.stack("s", {"a": service(environment={"START_DELAY": "30", "MORE": "1"}, **keys)})
    out = accd.ctl("plan").stdout
    assert "recreate" in out and "while it is upgraded" in out, out
    w.stack("s", {"other": service(check=False)})
    assert changes(accd)["s/a"][0] == "stop", "what is being upgraded leaves with its file, too"
    out = accd.ctl("apply").stdout
    assert "s/a: stopped" in out and "1 stopped" in out, out
    left = lambda: [c["Names"][0] for c in w.docker.containers() if "/s-a-" in c["Names"][0]]  # noqa: E731
    wait(lambda: left() == ["/s-a-1"], 20, "what was only tried goes")
    assert w.docker.inspect("s-a-1")["State"]["Status"] == "exited"


@needs(seconds=90)
def test_settings_that_no_container_shows_are_told(w):
    """x-acc and depends_on: plan and apply say that they are taken, the containers stay, and then there is no more to do."""
    def files(edge, **keys):
        return w.stack("s", {"a": service(**keys), "b": service(depends_on={"a": edge}), "c": service()})
    accd = begin(w, files({"condition": "service_healthy"}))
    before = w.docker.identities()
    files({"condition": "service_healthy", "restart": True}, **{"x-acc": {"stateful": True, "upgrade": {"monitor": "8s"}}})
    own = {"settings of accd's own: its container stays": True}
    planned = changes(accd)
    assert planned == {"s/a": ("update", {"x-acc stateful added; x-acc upgrade added": True, **own}),
                       "s/b": ("update", {"depends_on changed": True, **own})}, planned
    assert changes(accd, "c") == {}
    said = accd.ctl("apply").stdout
    assert "s/a: updated (x-acc stateful added; x-acc upgrade added), " in said, said
    assert "s/b: updated (depends_on changed), " in said and "s/c" not in said, said
    assert changes(accd) == {} and accd.ctl("apply").stdout == "apply: nothing to do\n"
    assert w.docker.identities() == before, "a container was touched"
    files({"condition": "service_healthy", "restart": True}, environment={"TZ": "UTC"})
    planned = changes(accd)
    assert planned == {"s/a": ("recreate", {"environment TZ added": False, "x-acc stateful removed; x-acc upgrade removed": True}),
                       "s/b": ("restart", {"it needs s/a": False})}, planned
