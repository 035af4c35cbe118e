"""A changed file is rolled out: the new container proves itself, or the kept one comes back."""
import json

from lib import holds, needs, service, wait

TIMING = {"upgrade_stable": "1s", "upgrade_monitor": "5s", "upgrade_timeout": "8s", "upgrade_drain": "0"}


def stack(w, a=None, b=None):
    services = {"a": service(interval="1s", **(a or {}))}
    if b is not None:
        services["b"] = service("a", interval="1s", **b)
    return w.stack("s", services)


def start(w, a=None, b=None):
    accd = w.accd(config=w.config([stack(w, a, b)], timing=TIMING))
    accd.ctl("up", "--all")
    return accd


def names(w):
    return sorted(c["Names"][0][1:] for c in w.docker.containers())


def ids(w):
    return {c["Names"][0]: c["Id"] for c in w.docker.containers()}


def history(accd, name="a"):
    return {r["revision"]: r for r in accd.json("history", name)["revisions"]}


def env(w, name):
    return dict(e.split("=", 1) for e in w.docker.inspect(name)["Config"]["Env"])


@needs(seconds=150)
def test_a_changed_file_takes_over_without_a_gap(w):
    """The old one serves until the new one is ready; history says what changed and who asked."""
    accd = start(w)
    old = w.docker.inspect("s-a-1")["Id"]
    stack(w, {"environment": {"TZ": "UTC"}})
    record = w.record()
    said = accd.ctl("apply").stdout
    assert "recreated (environment TZ added)" in said, said
    assert env(w, "s-a-1")["TZ"] == "UTC"
    assert names(w) == ["s-a-1", "s-a-1.r1"], names(w)
    assert w.docker.inspect("s-a-1.r1")["Id"] == old
    started, died = record.of("start"), record.of("die")
    assert len(started) == 1 and len(died) == 1 and died[0][0] - started[0][0] > 0.9, (started, died)
    wait(lambda: names(w) == ["s-a-1"], 20, "the kept one goes when the new one has proven itself")
    new = history(accd)[2]
    assert (new["result"], new["by"], new["what"]) == ("stable", "root", "environment TZ added"), new
    assert "config" in new["changed"] and "image" not in new["changed"], new
    assert accd.ctl("apply").stdout == "apply: nothing to do\n"


@needs(seconds=150)
def test_a_bad_file_is_taken_back_and_not_tried_again(w):
    """A service that exits at once: the service runs on as it was, apply fails with the reason, plan
    shows it, and nothing is tried again before the file changes; not by the next accd either."""
    accd = start(w)
    before = w.docker.identities()
    stack(w, {"environment": {"TOKEN": "hunter2", "START_FAIL": "3"}})
    done = accd.ctl("apply", check=False)
    assert done.returncode == 1, done
    assert "rolled back to r1: the new one exited with 3" in done.stdout + done.stderr, done
    assert w.docker.identities() == before and accd.state_of("a") == "up"
    row = accd.json("plan")["changes"][0]
    assert row["service"] == "s/a" and "rolled back" in json.dumps(row), row
    assert history(accd)[2]["result"] == "rolled-back"
    assert "What its file says now was rolled back to r1: the new one exited with 3" in accd.ctl("why", "a").stdout
    record = w.record()
    accd.kill()
    accd.start()
    holds(lambda: not record.count("create"), 5, "it isn't tried again")
    done = accd.ctl("apply", check=False)
    assert done.returncode == 1 and "rolled back" in done.stdout + done.stderr, done
    assert w.docker.identities() == before
    stack(w, {"environment": {"TOKEN": "hunter2"}})
    accd.ctl("apply")
    assert env(w, "s-a-1")["TOKEN"] == "hunter2"
    states = list(w.dir.rglob("state.db*"))
    assert states and not any(b"hunter2" in p.read_bytes() for p in states), "a value of the environment is in the state"


@needs(seconds=150)
def test_what_stands_on_it_stays_as_it_was(w):
    """Both have changed, the lower one is bad: the upper one isn't touched; mended, both follow."""
    accd = start(w, b={})
    before = w.docker.identities()
    stack(w, {"environment": {"START_FAIL": "3"}}, {"environment": {"TZ": "UTC"}})
    done = accd.ctl("apply", check=False)
    assert done.returncode == 1 and "a, which it needs, was rolled back" in done.stdout + done.stderr, done
    assert w.docker.identities() == before
    stack(w, {"environment": {"TZ": "UTC"}}, {"environment": {"TZ": "UTC"}})
    accd.ctl("apply")
    assert env(w, "s-a-1")["TZ"] == env(w, "s-b-1")["TZ"] == "UTC"


@needs(seconds=150)
def test_a_fixed_port_is_handed_over(w):
    """It can't run twice: the old one stops first, and is back by its id when the new one is bad."""
    ports = {"ports": ["127.0.0.1:18473:80"]}
    accd = start(w, ports)
    old = w.docker.inspect("s-a-1")["Id"]
    stack(w, {**ports, "environment": {"START_FAIL": "3"}})
    done = accd.ctl("apply", check=False)
    assert done.returncode == 1, done
    assert w.docker.inspect("s-a-1")["Id"] == old and w.docker.running("s-a-1")
    stack(w, {**ports, "environment": {"TZ": "UTC"}})
    accd.ctl("apply")
    assert env(w, "s-a-1")["TZ"] == "UTC"
    accd.ctl("rollback", "a")
    wait(lambda: names(w) == ["s-a-1"], 20, "the operator goes back")
    assert w.docker.inspect("s-a-1")["Id"] == old and "TZ" not in env(w, "s-a-1")


@needs(seconds=150)
def test_the_kept_one_is_put_on_a_network_that_was_made_anew(w):
    """It has the network by its id, and the configuration of before alone: none is made in its place."""
    timing = {**TIMING, "upgrade_monitor": "2m"}
    accd = w.accd(config=w.config([stack(w, {"environment": {"COLOR": "red"}}, {})], timing=timing))
    accd.ctl("up", "--all")
    old = w.docker.inspect("s-a-1")["Id"]
    stack(w, {"environment": {"COLOR": "blue"}}, {})
    accd.ctl("apply")
    accd.ctl("stop", "a", "b")
    network = w.docker.inspect("s-a-1.r1")["NetworkSettings"]["Networks"]["s_default"]["NetworkID"]
    w.docker.call("DELETE", "/networks/s_default")
    accd.ctl("up", "a", "b")
    assert names(w) == ["s-a-1", "s-a-1.r1", "s-b-1"], names(w)
    accd.ctl("rollback", "a")
    wait(lambda: names(w) == ["s-a-1", "s-b-1"], 30, "the operator goes back")
    back = w.docker.inspect("s-a-1")
    assert env(w, "s-a-1")["COLOR"] == "red", "the bad configuration runs"
    assert back["Id"] == old
    accd.wait_state("a", "up", seconds=10)
    assert w.docker.call("GET", "/networks/s_default")["Id"] != network
    endpoint = back["NetworkSettings"]["Networks"]["s_default"]
    assert endpoint["NetworkID"] != network and "a" in endpoint["Aliases"] and endpoint["IPAddress"], endpoint
    record = history(accd)
    assert (record[1]["result"], record[2]["result"]) == ("stable", "rolled-back"), record


@needs(seconds=150)
def test_who_applies_again_waits_for_what_is_under_way(w):
    """The files haven't changed since, and their change is being rolled out: a second apply joins it."""
    port = {"ports": ["127.0.0.1:18079:8080"]}  # the old one stops first
    accd = start(w, port)
    record = w.record()
    stack(w, {"environment": {"START_DELAY": "3"}, **port})
    accd.ctl("apply", "--detach")
    wait(lambda: record.count("start"), 20, "the new one is started")
    said = accd.ctl("apply").stdout
    assert "apply: done, 1 service (1 recreated), " in said, said
    assert accd.state_of("a") == "up" and env(w, "s-a-1")["START_DELAY"] == "3"
    assert accd.ctl("apply").stdout == "apply: nothing to do\n"


@needs(seconds=150)
def test_nothing_passes_for_the_kept_one_that_was_removed(w):
    """`docker container prune` amid the watch takes the way back: status says so, a rollback is refused, and the new
    one that fails is kept alive as what it is."""
    timing = {**TIMING, "upgrade_monitor": "2m"}
    accd = w.accd(config=w.config([stack(w)], timing=timing))
    accd.ctl("up", "--all")
    stack(w, {"environment": {"TZ": "UTC"}})
    accd.ctl("apply")
    w.docker.call("DELETE", "/containers/s-a-1.r1")
    wait(lambda: "r1 isn't kept any more" in accd.service("a")["reason"], 20, "status says that it is gone")
    new = w.docker.inspect("s-a-1")["Id"]
    done = accd.ctl("rollback", "a", check=False)
    assert done.returncode == 6, done
    assert "r1 can't be gone back to: its container is gone" in done.stderr and "put the file back" in done.stderr, done
    record = w.record()
    w.docker.crash("s-a-1")
    wait(lambda: record.count("start", "s-a-1"), 30, "it is started again")
    accd.wait_state("a", "up")
    assert w.docker.inspect("s-a-1")["Id"] == new and not record.count("create"), record.order("create")
    row = history(accd)[2]
    assert row["result"] == "failed" and "no file has its configuration" in row["reason"], row


@needs(seconds=150)
def test_who_shares_a_namespace_keeps_its_container_for_the_way_back(w):
    """b lives in the network of a. Both have changed and a is bad: b's old container runs again, in a's old one.
    Then b alone is bad and goes back: a isn't upgraded over what only b's container has."""
    accd = start(w, b={"network_mode": "service:a", "environment": {"PORT": "9090"}})
    before = ids(w)
    b = {"network_mode": "service:a", "environment": {"PORT": "9090", "TZ": "UTC"}}
    stack(w, {"environment": {"START_FAIL": "3"}}, b)
    rows = {c["service"]: json.dumps(c["reasons"]) for c in accd.json("plan")["changes"]}
    assert "it goes with s/a, which it shares with, and can go back with that alone" in rows["s/b"], rows
    assert "go back" not in rows["s/a"], rows
    done = accd.ctl("apply", check=False)
    assert done.returncode == 1 and "a: was rolled back to r1: the new one exited with 3" in done.stderr, done
    accd.wait_all_up(30)
    assert ids(w) == before, "both are the containers of before"
    stack(w, {}, {**b, "environment": {**b["environment"], "START_FAIL": "3"}})
    done = accd.ctl("apply", check=False)
    assert done.returncode == 1 and "b: was rolled back to r1: the new one exited with 3" in done.stderr, done
    done = accd.ctl("upgrade", "a", "--image", "acc-test/bb:2", check=False)
    assert done.returncode == 1 and "b, which shares with it, would lose its configuration" in done.stderr, done
    assert "would lose" in accd.ctl("upgrade", "a", "--dry-run").stdout
    assert ids(w) == before and accd.state_of("b") == "up"


@needs(seconds=150)
def test_who_shares_and_its_target_go_back_together(w):
    """b lives in the network of a. Both have changed, a is well and b is bad: both run as before, b in a's old one."""
    accd = start(w, b={"network_mode": "service:a", "environment": {"PORT": "9090"}})
    before = ids(w)
    stack(w, {"environment": {"TZ": "UTC"}},
          {"network_mode": "service:a", "environment": {"PORT": "9090", "START_FAIL": "3"}})
    done = accd.ctl("apply", check=False)
    assert done.returncode == 1 and "b: was rolled back to r1: the new one exited with 3" in done.stderr, done
    accd.wait_all_up(30)
    assert ids(w) == before, "both are the containers of before"
    rows = {c["service"]: c for c in accd.json("plan")["changes"]}
    assert "b, which shares with it and was changed with it, was rolled back" in json.dumps(rows["s/a"]), rows
    stack(w, {"environment": {"TZ": "UTC"}}, {"network_mode": "service:a", "environment": {"PORT": "9090", "TZ": "UTC"}})
    accd.ctl("apply")
    accd.wait_all_up(30)
    after = ids(w)
    assert after != before
    accd.ctl("rollback", "b")
    accd.wait_all_up(60)
    assert ids(w) == before, "and so they do when somebody takes one of them back"


@needs(seconds=120)
def test_what_was_rolled_back_is_put_on_its_network_again(w):
    """a runs with what its container alone has, and somebody takes it off its network: that is shown, and a restart puts
    the same container on it again."""
    accd = start(w)
    before = ids(w)
    stack(w, {"environment": {"START_FAIL": "3"}})
    accd.ctl("apply", check=False)
    accd.wait_state("a", "up")
    w.docker.call("POST", "/networks/s_default/disconnect", {"Container": "s-a-1"})
    wait(lambda: "put it on again: accctl restart a" in accd.ctl("status", "a").stdout, 20, "it is shown")
    accd.ctl("restart", "a")
    accd.wait_state("a", "up")
    assert ids(w) == before, "it is the same container"
    network = w.docker.inspect("s-a-1")["NetworkSettings"]["Networks"]["s_default"]
    assert "a" in network["Aliases"] and network["IPAddress"], network


@needs(seconds=90)
def test_plan_says_who_has_no_way_back_with_its_target(w):
    """c shares with a, which is changed like it, and has the volumes of b, which is only made anew with a."""
    in_a = {"network_mode": "service:a", "environment": {"PORT": "9090"}}
    services = {"a": service(), "b": service("a", **in_a),
                "c": service("a", "b", network_mode="service:a", volumes_from=["b"], environment={"PORT": "9191"})}
    accd = w.accd(w.stack("s", services))
    accd.ctl("up", "--all")
    accd.wait_all_up(30)
    changed = {"environment": {"PORT": "9191", "TZ": "UTC"}}
    w.stack("s", {**services, "a": service(environment={"TZ": "UTC"}), "c": {**services["c"], **changed}})
    rows = {c["service"]: json.dumps(c["reasons"]) for c in accd.json("plan")["changes"]}
    assert "once that has taken over its old container isn't kept" in rows["s/c"], rows
    accd.ctl("apply")
    accd.wait_all_up(30)
    inside = w.docker.inspect("s-c-1")["HostConfig"]
    assert inside["NetworkMode"] == "container:" + w.docker.inspect("s-a-1")["Id"], inside
    assert inside["VolumesFrom"] == [w.docker.inspect("s-b-1")["Id"]], inside


@needs(seconds=150)
def test_who_is_restarted_with_it_is_on_the_way_back_too(w):
    """b has `restart: true` on a, c rides: b is restarted when the change of a has taken over, when somebody takes it
    back, and when it goes back by itself. Nobody asks b and c for a rollback of their own."""
    def files(**env):
        edge = {"a": {"condition": "service_healthy", "restart": True}}
        return w.stack("s", {"a": service(interval="1s", environment=env), "b": service(interval="1s", depends_on=edge),
                             "c": service("a", interval="1s")})
    accd = w.accd(config=w.config([files()], timing={**TIMING, "upgrade_monitor": "2m"}))
    accd.ctl("up", "--all")
    starts = [w.docker.started_at("s-b-1")]
    rides = w.docker.started_at("s-c-1")

    def restarted(what):
        wait(lambda: w.docker.started_at("s-b-1") not in starts and w.docker.running("s-b-1"), 30, what)
        starts.append(w.docker.started_at("s-b-1"))
        assert starts[-1] > w.docker.started_at("s-a-1"), "it began before what it needs"
        accd.wait_all_up(30)
    files(TZ="UTC")
    accd.ctl("apply")
    restarted("b is restarted with the new a")
    accd.ctl("rollback", "a")
    restarted("b is restarted when somebody has taken a back")
    files(TZ="CET")
    accd.ctl("apply")
    restarted("b is restarted with the new a once more")
    w.docker.crash("s-a-1")
    wait(lambda: "TZ" not in env(w, "s-a-1"), 30, "a goes back by itself")
    restarted("b is restarted when a has gone back by itself")
    assert w.docker.started_at("s-c-1") == rides, "who rides was restarted"
    assert "there is no stable revision" not in open(accd.log).read(), "a dependent was asked for a rollback"


@needs(seconds=200)
def test_what_stays_as_its_image_was_rolled_back_is_said(w):
    """The file's image was rolled back twice: plan, why and apply go on to say that another one runs, and the way out
    that they name goes; so they do after another change of the file, and under the next accd."""
    def said(*reasons, action="keep"):
        rows = accd.json("plan")["changes"]
        assert len(rows) == 1 and rows[0]["action"] == action, rows
        texts = [r["text"] for r in rows[0]["reasons"]]
        assert len(texts) == len(reasons) and all(r in t for r, t in zip(reasons, texts)), texts
    accd = w.accd(config=w.config([stack(w)], timing={**TIMING, "upgrade_monitor": "1m"}))
    accd.ctl("up", "--all")
    change, again = "image acc-test/bb:1 -> acc-test/bb:2", "accctl upgrade s/a --image acc-test/bb:2"
    stack(w, {"image": "acc-test/bb:2"})
    accd.ctl("apply")
    accd.ctl("rollback", "a")
    said(change, "rolled back by root, and not tried again as it is")
    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: "r3 is watched" in accd.service("a")["reason"], 30, "it is watched")
    accd.ctl("rollback", "a")
    said(change, "rolled back by root, and not tried again unless it is named: " + again)
    assert "accctl upgrade a --image acc-test/bb:2" in accd.ctl("why", "a").stdout
    assert accd.ctl("upgrade", "a", check=False).returncode == 6
    stack(w, {"image": "acc-test/bb:2", "environment": {"TZ": "UTC"}})
    said("environment TZ added", "image acc-test/bb:1 stays, as acc-test/bb:2 was rolled back; again: " + again,
         action="recreate")
    accd.ctl("apply")
    accd.kill()
    accd.start()
    accd.wait_all_up(30)
    assert env(w, "s-a-1")["TZ"] == "UTC" and w.docker.inspect("s-a-1")["Config"]["Image"] == "acc-test/bb:1"
    said(change, "rolled back, and not tried again unless it is named: " + again)
    done = accd.ctl("apply").stdout
    assert "s/a: stays at acc-test/bb:1: acc-test/bb:2 was rolled back" in done and "nothing to do" in done, done
    assert "It stays at acc-test/bb:1: acc-test/bb:2 was rolled back" in accd.ctl("why", "a").stdout
    accd.ctl("upgrade", "a", "--keep")
    accd.ctl("upgrade", "a", "--image", "acc-test/bb:2")
    assert accd.json("plan")["changes"] == [] and w.docker.inspect("s-a-1")["Config"]["Image"] == "acc-test/bb:2"
    assert "image acc-test/bb:1 -> acc-test/bb:2" in accd.ctl("history", "a").stdout.splitlines()[1]


@needs(seconds=120)
def test_two_services_swap_their_names(w):
    """The one that is stopped first waits for the name of the other one: nothing fails, there is no incident."""
    def files(a, b):
        return w.stack("s", {"a": service(interval="1s", container_name=a, environment={"STOP_DELAY": "2"}),
                             "b": service(interval="1s", container_name=b)})
    accd = w.accd(config=w.config([files("alpha", "beta")], timing=TIMING))
    accd.ctl("up", "--all")
    files("beta", "alpha")
    said = accd.ctl("apply").stdout
    assert "Conflict" not in said and "could not be created" not in said, said
    assert "apply: done, 2 services (2 recreated)" in said, said
    owner = {n: w.docker.inspect(n)["Config"]["Labels"]["com.docker.compose.service"] for n in ("alpha", "beta")}
    assert owner == {"alpha": "b", "beta": "a"}, owner
    assert accd.incidents(open_only=False) == []
