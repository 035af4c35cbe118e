"""Many stacks, edges between them, and what a reload may touch."""
from lib import needs, service, wait


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
