"""A stack whose files don't load when accd is started: the rest of the house comes up."""
from lib import holds, needs, run, service, wait

GOOD = "services:\n  web:\n    image: acc-test/bb:1\n"

# name, file of the stack u, where in it the mistake is, a word of what is said of it
WRONG = [
    ("an unknown key", "name: u\n" + GOOD + "    comand: [x]\n", "5:5", "command"),
    ("YAML that is none", "name: u\n" + GOOD + "\tcommand: [x]\n", "5:1", "tab"),
    ("a variable that must be set", "name: u\nservices:\n  web:\n    image: ${IMAGE:?set it}\n", "4:", "IMAGE"),
    ("half written", "name: u\n" + GOOD + "    environment: {A: '1\n", "6:1", "end of stream"),
    ("empty", "", "1:1", "empty"),
]


def modes(accd):
    return {s["name"]: s["mode"] for s in accd.status()["stacks"]}


def begin(w, **more):
    """`t` and `u`, both managed and up; `b` of `u` was stopped by hand."""
    paths = {"t": w.stack("t", {"a": service(check=False)}),
             "u": w.stack("u", {"web": service(check=False), "b": service(check=False)})}
    paths |= {name: w.stack(name, services) for name, services in more.items()}
    accd = w.accd(config=w.config(paths.values(), timing={"resync": "1s"}))
    accd.ctl("up", "--all")
    accd.ctl("stop", "u/b")
    return accd, paths


def told(accd, name):
    """What `status` says of it, and that of Docker is known by then."""
    wait(lambda: [s for s in accd.status().get("unlisted", []) if s["name"] == name and s["containers"]], 20, "it has seen the containers")
    return next(line for line in accd.ctl("status").stdout.splitlines() if line.startswith(f"{name} "))


@needs(seconds=200)
def test_a_bad_file_keeps_nobody_else_down(w):
    """accd dies, and so do containers of both stacks. Of the one whose file has been broken meanwhile all is left as it is, and it is
    told by whoever is asked; with the file mended all is as it was asked for, by `apply` and not before."""
    accd, paths = begin(w)
    good = paths["u"].read_text()
    for name, text, place, word in WRONG:
        accd.kill()
        w.docker.crash("t-a-1")
        paths["u"].write_text(text)
        accd.start()
        accd.wait_state("t/a", "up", seconds=30)
        head = told(accd, "u")
        where = f"{paths['u']}:{place}"
        assert head.startswith(f"u is not loaded: {where}") and word in head, (name, head)
        assert "its 2 containers (1 runs) are left alone" in head and "accctl apply" in head, (name, head)
        assert f"stack u is not loaded, {paths['u']} has " in accd.tail() and where in accd.tail(), (name, accd.tail())
        assert modes(accd) == {"t": "managing"}, name
    w.docker.crash("u-web-1")
    record = w.record()
    wait(lambda: accd.status()["unlisted"][0]["running"] == 0, 20, "its end is seen")
    for verb, target in ("why", "u/web"), ("up", "u"), ("restart", "u/b"):
        done = accd.ctl(verb, target, check=False)
        assert done.returncode == 2 and f"stack u is not loaded: {paths['u']}:1:1" in done.stderr, done
    done = accd.ctl("apply", check=False)  # by a person all of it or nothing
    assert done.returncode == 4 and f"{paths['u']}:1:1" in done.stderr, done
    done = accd.ctl("check", str(w.dir / "acc.yaml"), check=False)
    assert done.returncode == 4 and f"{paths['u']}:1:1" in done.stdout + done.stderr, done
    accd.hup()
    wait(lambda: accd.tail().count("is refused; the running one stays") == 2, 20, "so with SIGHUP")
    w.docker.crash("t-a-1")
    wait(lambda: record.count("start", "t-a-1") == 1, 20, "the other one is healed")
    paths["u"].write_text(good)
    holds(lambda: modes(accd) == {"t": "managing"}, 3, "who mends it says so")
    assert not record.count("start", "u-web-1")
    accd.ctl("apply")
    wait(lambda: modes(accd) == {"t": "managing", "u": "managing"}, 20, "it is managed as before")
    wait(lambda: record.count("start", "u-web-1") == 1, 20, "it is started")
    accd.wait_state("u/web", "up", seconds=20)
    assert accd.state_of("u/b") == "off" and not record.count("create") and not record.count("destroy")
    assert "unlisted" not in accd.status() and "not loaded" not in accd.ctl("status").stdout


@needs(seconds=150)
def test_a_start_stays_strict_where_it_has_to_be(w):
    """The first one ever; with an acc.yaml that is broken itself; `--check` and `--hand-back`."""
    accd, paths = begin(w)
    accd.stop()
    before, good = w.docker.identities(), paths["u"].read_text()
    paths["u"].write_text(good + "frobnicate: 1\n")

    def is_refused(*args, at=accd, where=paths["u"]):
        said = run(*at.argv(), *args, check=False, timeout=30)
        assert said.returncode == 4 and f"{where}:" in said.stderr and "frobnicate" in said.stderr, (args, said)

    is_refused("--check")
    is_refused("--hand-back")
    is_refused(at=w.accd(config=w.dir / "acc.yaml", start=False, name="other"))
    paths["u"].write_text(good)
    w.config(paths.values(), frobnicate=1)
    is_refused(where=w.dir / "acc.yaml")
    paths["u"].write_text(good + "frobnicate: 1\n")
    is_refused(where=paths["u"])
    is_refused(where=w.dir / "acc.yaml")
    assert w.docker.identities() == before


@needs(seconds=150)
def test_two_bad_files_and_a_disk_that_comes_late(w):
    """Each is told. A stack whose disk comes late is back by itself, while the others still wait for who mends them, and what one of
    them was asked for outlives another start in between."""
    accd, paths = begin(w, v={"c": service(check=False)}, x={"d": service(check=False)})
    accd.stop()
    good = {name: paths[name].read_text() for name in "uv"}
    for name in "uv":
        paths[name].write_text(good[name].replace("name", "nmae"))
    aside = w.dir / "aside"
    paths["x"].parent.rename(aside)
    accd.start()
    for name in "uv":
        assert f"{name} is not loaded: {paths[name]}:1:" in told(accd, name)
    head = told(accd, "x")
    assert head.startswith("x is managed, and no file is there of it") and str(paths["x"]) in head and str(paths["u"]) not in head, head
    aside.rename(paths["x"].parent)
    wait(lambda: modes(accd) == {"t": "managing", "x": "managing"}, 20, "it is back by itself")
    for name in "uv":
        assert f"{name} is not loaded" in told(accd, name)
    paths["v"].write_text(good["v"])
    done = accd.ctl("apply", check=False)
    assert done.returncode == 4 and str(paths["u"]) in done.stderr, done
    accd.kill()
    accd.start()
    wait(lambda: modes(accd) == {n: "managing" for n in "tvx"}, 20, "the mended one is managed")
    assert [s["name"] for s in accd.status()["unlisted"]] == ["u"]
    accd.stop()
    paths["u"].write_text(good["u"])
    before, record = w.docker.identities(), w.record()
    accd.start()
    wait(lambda: modes(accd) == {n: "managing" for n in "tuvx"}, 20, "all are managed")
    for name in "t/a", "u/web", "v/c", "x/d":
        accd.wait_state(name, "up", seconds=20)
    assert accd.state_of("u/b") == "off" and w.docker.identities() == before
    assert not any(record.count(what) for what in ("create", "start", "destroy", "die")), "something was touched"


@needs(seconds=120)
def test_what_is_wrong_between_stacks_is_that_of_the_one_it_is_in(w):
    """An edge to a service that isn't there keeps its own stack out; two stacks of one name keep out both, for nobody knows which runs."""
    accd, paths = begin(w)
    accd.stop()
    good = paths["u"].read_text()
    w.stack("u", {"web": {**service(check=False), "x-acc": {"edges": {"t/nobody": {"kind": "needs"}}}}, "b": service(check=False)})
    accd.start()
    accd.wait_state("t/a", "up", seconds=20)
    head = told(accd, "u")
    assert head.startswith(f"u is not loaded: {paths['u']}:") and "t/nobody" in head, head
    accd.stop()
    paths["u"].write_text(good)
    twin = w.stack("twin", {"web": service(check=False)})
    twin.write_text(twin.read_text().replace('"twin"', '"u"').replace("name: twin", "name: u"))
    w.config([*paths.values(), twin], timing={"resync": "1s"})
    before = w.docker.identities()
    accd.start()
    accd.wait_state("t/a", "up", seconds=20)
    head = told(accd, "u")
    assert len(accd.status()["unlisted"]) == 1 and "also defined by" in head and str(twin) in head and str(paths["u"]) in head, head
    assert w.docker.identities() == before and modes(accd) == {"t": "managing"}
    w.config(paths.values())
    accd.ctl("apply")
    wait(lambda: modes(accd) == {"t": "managing", "u": "managing"}, 20, "it is managed as before")
    assert w.docker.identities() == before


@needs(seconds=200)
def test_who_needs_what_is_not_loaded_waits_for_it(w):
    """A stack that needs another one, whose file is bad when the host is up again: it waits, says what for, and starts when somebody
    has started that. Who runs rides, and is healed while what it needs runs."""
    need = {"x-acc": {"edges": {"u/web": {"kind": "needs"}}}}
    made = {"x-acc": {"edges": {"u/web": {"kind": "needs", "at": "create"}}}}
    likes = {"x-acc": {"edges": {"u/web": {"kind": "wants"}}}}
    accd, paths = begin(w, v={"app": {**service(check=False), **need}, "has": {**service(check=False), **made},
                              "likes": {**service(check=False), **likes}})
    good = paths["u"].read_text()
    accd.kill()
    for name in "t-a-1", "u-web-1", "v-app-1", "v-has-1", "v-likes-1":
        w.docker.crash(name)
    paths["u"].write_text(good.replace("name", "nmae"))
    record = w.record()
    accd.start()
    for name in "t/a", "v/has", "v/likes":  # what it takes when it is made it has
        accd.wait_state(name, "up", seconds=30)
    accd.wait_state("v/app", "blocked", seconds=20)
    why = accd.ctl("why", "v/app", check=False).stdout
    assert "u/web is not ready" in why and "not loaded" in why, why
    holds(lambda: not record.count("start", "v-app-1") and not record.count("start", "u-web-1"), 2, "it waits")
    w.docker.call("POST", "/containers/u-web-1/start")
    accd.wait_state("v/app", "up", seconds=30)
    w.docker.crash("v-app-1")
    wait(lambda: record.count("start", "v-app-1") == 2, 20, "it is healed")
    accd.wait_state("v/app", "up", seconds=30)
    before = w.docker.identities()
    w.docker.crash("u-web-1")
    wait(lambda: any("u/web" in i["root"] for i in accd.incidents()), 30, "that it is missed is told")
    assert w.docker.identities()["v-app-1"] == before["v-app-1"], "it rides"
    paths["u"].write_text(good)
    accd.ctl("apply")
    accd.wait_state("u/web", "up", seconds=20)
    assert w.docker.identities()["v-app-1"] == before["v-app-1"], "it rides on"
    wait(lambda: not any("u/web" in i["root"] for i in accd.incidents()), 90, "it is over")
    order = w.record()
    accd.ctl("restart", "u/web")
    wait(lambda: order.count("start", "u-web-1") == 1, 20, "it is accd's again")


@needs(seconds=150)
def test_a_job_that_has_ended_and_a_check_that_fails_are_seen_there_too(w):
    """Of a stack that isn't loaded: a milestone is reached by the end of a job, and what Docker calls unhealthy isn't ready."""
    mil = {"x-acc": {"edges": {"v/job": {"kind": "milestone"}}}}
    needy = {"x-acc": {"edges": {"v/hc": {"kind": "needs"}}}}
    paths = {"t": w.stack("t", {"mil": {**service(check=False), **mil}, "nh": {**service(check=False), **needy}}),
             "v": w.stack("v", {"job": {"image": "acc-test/bb:1", "command": ["/bin/busybox", "true"], "restart": "no"},
                                "hc": service(interval="1s")})}
    accd = w.accd(config=w.config(paths.values(), timing={"resync": "30s"}))
    accd.ctl("up", "--all")
    wait(lambda: w.docker.inspect("v-hc-1")["State"]["Health"]["Status"] == "healthy", 30, "Docker calls it healthy")
    accd.stop()
    good = paths["v"].read_text()
    paths["v"].write_text("services: [\n")
    record = w.record()
    accd.start()
    told(accd, "v")
    for name in "mil", "nh":
        accd.wait_state(name, "up", seconds=20)
        w.docker.crash(f"t-{name}-1")
        wait(lambda n=name: record.count("start", f"t-{n}-1") == 1, 20, f"{name} is healed")
    w.docker.set_health("v-hc-1", "fail")
    wait(lambda: any("v/hc" in i["root"] for i in accd.incidents()), 30, "that Docker calls it unhealthy is told")
    w.docker.crash("t-nh-1")
    accd.wait_state("nh", "blocked", seconds=20)
    w.docker.set_health("v-hc-1", "ok")
    accd.wait_state("nh", "up", seconds=30)
    paths["v"].write_text(good)
    accd.ctl("apply")


@needs(seconds=90)
def test_what_is_taken_out_of_a_bad_file_as_it_is_mended_is_stopped(w):
    """The plan has it, and the apply that brings the stack back stops it, as it would have under an accd that had the file."""
    accd, paths = begin(w)
    accd.stop()
    paths["u"].write_text("services: [\n")
    accd.start()
    told(accd, "u")
    w.stack("u", {"b": service(check=False)})
    plan = accd.ctl("plan").stdout
    assert "u/web" in plan and "gone from the files" in plan, plan
    said = accd.ctl("apply").stdout
    assert "u/web: stopped" in said and not w.docker.running("u-web-1"), said
    assert "left" not in accd.status() and accd.state_of("u/b") == "off"
