"""Many stacks, edges between them, and what a reload may touch."""
import subprocess

from lib import holds, needs, service, wait


@needs(seconds=150)
def test_three_stacks_may_each_have_a_db(w):
    """Same short names, different projects; edges reach from one stack into another."""
    paths = [w.stack("one", {"db": service(), "app": service("db")}),
             w.stack("two", {"db": service(), "app": {**service("db"), "x-acc": {"edges": {"one/app": {"kind": "needs"}}}}}),
             w.stack("three", {"db": service(**{"x-acc": {"edges": {"two/db": {"kind": "needs"}}}})})]
    record = w.record()
    accd = w.accd(config=w.config(paths))
    accd.ctl("up", "--all")
    assert {s["id"] for s in accd.status()["services"]} == {"one/db", "one/app", "two/db", "two/app", "three/db"}
    order = record.order("start")
    assert order.index("one-app-1") < order.index("two-app-1")
    assert order.index("two-db-1") < order.index("three-db-1")
    # A short name that is not unique is refused, with the choices.
    said = accd.ctl("why", "db", check=False)
    assert said.returncode != 0 and "one/db" in said.stderr + said.stdout, said
    accd.ctl("restart", "two/db")
    accd.wait_all_up(30)
    w.docker.crash("one-db-1")
    wait(lambda: accd.service("one/db")["restarts"] == 1, 20, "the right db is healed")
    accd.ctl("down", "three")
    wait(lambda: not w.docker.containers(name=["three-db"]), 20, "three is gone")
    assert w.docker.running("one-db-1") and w.docker.running("two-db-1")


@needs(seconds=150)
def test_reload_applies_changes_only(w):
    """SIGHUP: an added service comes, a changed one is replaced, a removed one goes; the rest stays."""
    path = w.stack("s", {"a": service(), "b": service(environment={"V": "1"}), "c": service()})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before = w.docker.identities()
    w.stack("s", {"a": service(), "b": service(environment={"V": "2"}), "d": service("a")})
    accd.hup()
    wait(lambda: {s["name"] for s in accd.status()["services"]} >= {"a", "b", "d"}, 20, "the new service is known")
    wait(lambda: w.docker.running("s-d-1"), 30, "the added service runs")
    wait(lambda: "V=2" in w.docker.inspect("s-b-1")["Config"]["Env"], 40, "the changed service is replaced")
    wait(lambda: not w.docker.running("s-c-1"), 30, "the removed service is stopped")
    for name in ("a", "b", "d"):
        accd.wait_state(name, "up", seconds=40)
    assert w.docker.identities()["s-a-1"] == before["s-a-1"], "an unchanged service was touched"


@needs(seconds=120)
def test_refused_reload_leaves_everything_alone(w):
    """A broken file: `apply` says where and leaves with 4; what runs goes on under the old one."""
    path = w.stack("s", {"a": service(), "b": service("a")})
    good = path.read_text()
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before = w.docker.identities()
    path.write_text(good.replace("  b:\n", "  b:\n    depnds_on: [a]\n"))
    said = accd.ctl("apply", check=False)
    text = said.stdout + said.stderr
    assert said.returncode == 4, (said.returncode, text)
    line = path.read_text().splitlines().index("    depnds_on: [a]") + 1
    assert f"compose.yaml:{line}:" in text and "depends_on" in text, text
    assert w.docker.identities() == before
    w.docker.crash("s-a-1")
    wait(lambda: accd.service("a")["restarts"] == 1, 20, "it still heals")
    path.write_text(good)
    accd.ctl("apply")
    accd.wait_all_up(30)


@needs(seconds=120)
def test_what_the_operator_asked_for_survives(w):
    """stop is remembered over a restart of accd; down removes containers and keeps volumes."""
    path = w.stack("s", {"a": service(volumes=["vol:/data"]), "b": service()}, volumes={"vol": {}})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("stop", "b")
    assert not w.docker.running("s-b-1")
    accd.stop()
    accd.start()
    accd.wait_state("a", "up", seconds=20)
    assert accd.state_of("b") == "off" and not w.docker.running("s-b-1")
    accd.ctl("down", "--all")
    assert not w.docker.containers()
    assert [v["Name"] for v in w.docker.call("GET", "/volumes")["Volumes"]] == ["s_vol"]
    accd.ctl("up", "--all")
    accd.ctl("down", "--all", "--volumes")
    assert not w.docker.call("GET", "/volumes")["Volumes"]


def modes(accd):
    return {s["name"]: s["mode"] for s in accd.status()["stacks"]}


def begin_two(w, top, **timing):
    """`m` of accd's own, with one service that was stopped by hand, and `t`, adopted; both below a folder that a pattern names."""
    mine = w.stack("m", {"a": service(check=False, restart="always"), "b": service(check=False)})
    theirs = w.stack("t", {"web": service(check=False, restart="always")})
    w.engine.compose("up", "-d", cwd=theirs.parent)
    for path in mine, theirs:
        top.mkdir(exist_ok=True)
        path.parent.rename(top / path.parent.name)
    accd = w.accd(config=w.config([top / "*" / "compose.yaml"], timing=timing))
    wait(lambda: modes(accd) == {"m": "managing", "t": "observing"}, 20, "one of each")
    accd.ctl("adopt", "t")
    accd.ctl("up", "--all")
    accd.ctl("stop", "b")
    return accd


def is_as_before(w, accd, before, record, **more):
    """Both are managed, nothing was made anew or started, what was asked for is known, and what dies is healed."""
    wait(lambda: modes(accd) == {"m": "managing", "t": "managing", **more}, 20, "they are managed as before")
    accd.wait_state("web", "up", seconds=20)
    assert accd.state_of("b") == "off" and accd.state_of("a") == "up", accd.services()
    holds(lambda: not any(record.count(what) for what in ("create", "start", "destroy", "die")), 3, "nothing is touched")
    assert w.docker.identities() == before
    for name in "m-a-1", "t-web-1":
        w.docker.crash(name)
        wait(lambda name=name: record.count("start", name) == 1, 20, "it is restarted")


@needs(seconds=150)
def test_what_no_file_names_for_a_while_stays_managed(w):
    """accd is started while a pattern matches nothing (a disk that isn't mounted, a typo): status says so and that nobody
    restarts the containers, nothing of them is touched, and when the files are back all is as before."""
    top, aside = w.dir / "stacks", w.dir / "aside"
    accd = begin_two(w, top)
    accd.stop()
    before, record = w.docker.identities(), w.record()
    top.rename(aside)
    accd.start()
    wait(lambda: "nobody restarts" in accd.ctl("status").stdout, 20, "it has seen the containers")
    head = accd.ctl("status").stdout.splitlines()[1]
    assert "m, t" in head and "no file" in head and "3 containers" in head and "accctl apply" in head, head
    assert str(top / "*" / "compose.yaml") in head, head
    lost = {s["name"]: (s["containers"], s["running"]) for s in accd.status()["unlisted"]}
    assert lost == {"m": (2, 1), "t": (1, 1)}, lost
    assert "in no file" in accd.tail(), accd.tail()
    accd.ctl("apply", "--prune", "--volumes")  # of what it doesn't know it takes nothing
    holds(lambda: w.docker.identities() == before, 3, "nothing is touched")
    accd.stop()
    aside.rename(top)
    accd.start()
    is_as_before(w, accd, before, record)
    assert "nobody restarts" not in accd.ctl("status").stdout


@needs(seconds=150)
def test_a_file_that_is_away_keeps_nobody_else_down(w):
    """accd is started while one file of acc.yaml isn't there: the other stack is healed, of this one it is said that nobody
    restarts it, and with the file back all is as before. An accd that has never run has a wrong path."""
    m, t = w.stack("m", {"a": service(check=False)}), w.stack("t", {"web": service(check=False)})
    config = w.config([m, t], timing={"resync": "1s"})
    aside = t.parent / "aside"
    t.rename(aside)
    accd = w.accd(config=config, start=False)
    accd.start(ready=False)
    assert accd.process.wait(20) == 4 and "cannot read it" in accd.tail(), accd.tail()
    aside.rename(t)
    accd.start()
    accd.ctl("up", "--all")
    accd.stop()
    before, record = w.docker.identities(), w.record()
    t.rename(aside)
    accd.start()
    wait(lambda: "nobody restarts" in accd.ctl("status").stdout, 20, "it has seen the containers")
    head = accd.ctl("status").stdout.splitlines()[1]
    assert head.startswith("t is managed, and no file is there of it") and str(t) in head, head
    accd.wait_state("a", "up", seconds=20)
    w.docker.crash("m-a-1")
    wait(lambda: record.count("start", "m-a-1") == 1, 20, "the other one is healed")
    done = accd.ctl("apply", check=False)
    assert done.returncode == 4 and str(t) in done.stderr, done
    assert w.docker.identities()["t-web-1"] == before["t-web-1"]
    for name in "t", "t/web":
        done = accd.ctl("up", name, check=False)
        assert done.returncode == 2 and "no file is there of stack t any more" in done.stderr, done
    aside.rename(t)
    wait(lambda: modes(accd) == {"m": "managing", "t": "managing"}, 20, "it comes back by itself")
    w.docker.crash("t-web-1")
    wait(lambda: record.count("start", "t-web-1") == 1, 20, "it is healed")


@needs(seconds=150)
def test_what_no_file_names_for_a_while_comes_back_by_apply(w):
    """The same, mended while that accd runs."""
    top, aside = w.dir / "stacks", w.dir / "aside"
    accd = begin_two(w, top)
    accd.ctl("hold", "web", "--reason", "new disk")
    accd.stop()
    before, record = w.docker.identities(), w.record()
    top.rename(aside)
    accd.start()
    wait(lambda: "nobody restarts" in accd.ctl("status").stdout, 20, "it has seen the containers")
    aside.rename(top)
    said = accd.ctl("apply").stdout
    assert "only observed" not in said, said
    wait(lambda: modes(accd) == {"m": "managing", "t": "managing"}, 20, "they are managed as before")
    assert "new disk" in accd.ctl("status", "t").stdout
    accd.ctl("release", "web")
    is_as_before(w, accd, before, record)
    assert "unlisted" not in accd.status()


@needs(seconds=150)
def test_what_no_file_names_for_a_while_comes_back_by_itself(w):
    """A disk that comes late. What was edited meanwhile waits for who asks for it."""
    top, aside = w.dir / "stacks", w.dir / "aside"
    accd = begin_two(w, top, resync="1s")
    other = w.stack("o", {"c": service(check=False)})
    names = [top / "*" / "compose.yaml", other]
    w.config(names, timing={"resync": "1s"})
    accd.ctl("apply")
    accd.stop()
    before, record = w.docker.identities(), w.record()
    top.rename(aside)
    accd.start()
    wait(lambda: accd.status().get("unlisted"), 20, "it has seen the containers")
    accd.wait_state("c", "up", seconds=20)
    w.stack("o", {"c": service(check=False, environment={"V": "2"})})
    aside.rename(top)
    holds(lambda: modes(accd) == {"o": "managing"}, 4, "somebody edits the files")
    w.stack("o", {"c": service(check=False)})
    is_as_before(w, accd, before, record, o="managing")
    assert "there again" in accd.tail() and "unlisted" not in accd.status()


@needs(seconds=120)
def test_what_left_the_files_while_no_accd_ran_is_told(w):
    """It may have been meant: it runs on, status says that nobody restarts it, and when it is back all is as before."""
    top = w.dir / "stacks"
    accd = begin_two(w, top)
    accd.stop()
    before, record = w.docker.identities(), w.record()
    w.config([])
    accd.start()
    wait(lambda: "nobody restarts" in accd.ctl("status").stdout, 20, "that is told")
    assert "no file matches" not in accd.ctl("status").stdout
    accd.stop()
    w.config([top / "*" / "compose.yaml"])
    accd.start()
    is_as_before(w, accd, before, record)


@needs(seconds=120)
def test_what_left_and_is_in_the_files_again_at_the_next_start_is_up_again(w):
    """A stack leaves acc.yaml and is stopped; accd ends; the stack is put back, and accd is started."""
    stays, leaves = w.stack("s", {"a": service(check=False)}), w.stack("t", {"b": service(check=False, restart="always")})
    accd = w.accd(config=w.config([stays, leaves]))
    accd.ctl("up", "--all")
    w.config([stays])
    accd.ctl("apply")
    wait(lambda: not w.docker.running("t-b-1"), 20, "it is stopped")
    accd.stop()
    accd.start()
    holds(lambda: "unlisted" not in accd.status() and not w.docker.running("t-b-1"), 2, "that was meant")
    accd.stop()
    w.config([stays, leaves])
    for _ in range(2):
        accd.start()
        accd.wait_state("b", "up", seconds=20)
        accd.stop()


@needs(seconds=150)
def test_what_takes_the_place_of_another_starts_after_its_end(w):
    """A service under another name, or in another stack, has the volume, port or name of the old one: never both at once."""
    volumes = {"data": {"name": "acc-data"}}
    slow = {"environment": {"STOP_DELAY": "3"}, "volumes": ["data:/data"]}
    first = w.stack("one", {"pg": service(**slow), "gate": service(ports=["18087:8080"], environment={"STOP_DELAY": "3"}),
                            "web": service(container_name="web")}, volumes=volumes)
    second = w.stack("two", {"b": service()})
    accd = w.accd(config=w.config([first, second]))
    accd.ctl("up", "--all")
    record = w.record()
    w.stack("one", {"door": service(ports=["18087:8080"]), "site": service(container_name="web")})
    w.stack("two", {"b": service(), "pg": service(volumes=["data:/data"])}, volumes=volumes)
    applied = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "apply", "--prune"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait(lambda: "one/pg, which has left the files: both have volume acc-data" in accd.services().get("two/pg", {}).get("reason", ""),
         20, "the new one says what it waits for")
    out, err = applied.communicate(timeout=60)
    assert applied.returncode == 0, (out, err)
    for old, new in (("one-pg-1", "two-pg-1"), ("one-gate-1", "one-door-1")):
        assert record.of("die", old)[0][0] < record.of("start", new)[0][0], (old, new)
    assert [c["Labels"]["com.docker.compose.service"] for c in w.docker.containers(name=["web"])] == ["site"]
    assert not accd.incidents() and "could not be" not in accd.log.read_text(), accd.tail()


@needs(seconds=120)
def test_what_is_held_or_kept_is_no_less_in_the_way(w):
    """The old one is frozen, or kept under a name that the new one is to have: apply says so, ends, and nobody runs beside it."""
    volumes = {"data": {"name": "acc-data"}}
    path = w.stack("s", {"old": service(volumes=["data:/data"]), "was": service(container_name="web")}, volumes=volumes)
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("hold", "old")
    w.stack("s", {"new": service(volumes=["data:/data"]), "site": service(container_name="web")}, volumes=volumes)
    done = accd.ctl("apply", check=False, timeout=60)
    assert done.returncode == 1 and "old, which has left the files and is frozen by root" in done.stderr, done
    assert "was, which has left the files, is removed: both have the name web (accctl apply --prune" in done.stderr, done
    assert w.docker.running("s-old-1") and not w.docker.running("s-new-1") and not accd.incidents()
    reason = accd.service("old")["reason"]
    assert reason.startswith("is to be stopped: it is in no file any more; it is frozen by root"), reason
    accd.ctl("release", "old")
    accd.wait_state("new", "up", seconds=30)
    assert not w.docker.running("s-old-1")
    accd.ctl("apply", "--prune")
    accd.wait_state("site", "up", seconds=30)
    assert [c["Labels"]["com.docker.compose.service"] for c in w.docker.containers(name=["web"])] == ["site"]


@needs(seconds=90)
def test_what_was_renamed_while_no_accd_ran_is_told(w):
    """The old one runs beside the new one, as with `docker compose up`, until somebody asks for apply: log and status say so."""
    path = w.stack("s", {"old": service(check=False)})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.stop()
    w.stack("s", {"new": service(check=False)})
    accd.start()
    accd.wait_state("new", "up", seconds=30)
    wait(lambda: "s/old left its file while no accd ran" in accd.log.read_text(), 10, "the log tells it")
    assert "s/old left its file while no accd ran, and runs still: accctl apply stops it" in accd.ctl("status").stdout
    accd.ctl("apply")
    assert not w.docker.running("s-old-1") and "left" not in accd.ctl("status").stdout


@needs(seconds=120)
def test_what_had_left_and_is_back_at_the_next_start_is_up(w):
    """A service leaves its file, with and without --prune, and is put back while no accd runs; one that somebody had stopped stays off."""
    services = {"a": service(check=False), "kept": service(check=False), "gone": service(check=False), "off": service(check=False)}
    path = w.stack("s", services)
    accd = w.accd(path)
    accd.ctl("up", "--all")
    w.stack("s", {n: services[n] for n in ("a", "kept", "off")})
    accd.ctl("apply", "--prune")
    accd.ctl("stop", "off")
    w.stack("s", {"a": services["a"]})
    accd.ctl("apply")
    accd.stop()
    w.stack("s", services)
    accd.start()
    for name in "kept", "gone":
        accd.wait_state(name, "up", seconds=30)
    holds(lambda: accd.state_of("off") == "off", 2, "somebody has stopped it")
