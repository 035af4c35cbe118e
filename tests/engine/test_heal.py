"""Alive: crashes, failed starts, sick containers, crash loops."""
import time

from lib import holds, needs, service, wait


@needs(seconds=120)
def test_crash_is_restarted_at_once(w):
    """kill -9 of the main process: running again without the pause of a second failure; what depends on it isn't touched."""
    path = w.stack("s", {"a": service(), "b": service("a")})
    accd = w.accd(config=w.config([path], timing={"backoff_base": "5m"}))
    accd.ctl("up", "--all")
    record = w.record()
    before = w.docker.identities()
    w.docker.crash("s-a-1")
    wait(lambda: record.count("start", "s-a-1") == 1, 20, "a is started again")
    accd.wait_all_up(30)
    assert "backoff" not in accd.log.read_text()
    after = w.docker.identities()
    assert after["s-a-1"][0] == before["s-a-1"][0], "the same container, not a new one"
    assert after["s-b-1"] == before["s-b-1"], "its dependent was touched"
    assert accd.service("a")["restarts"] == 1 and accd.service("b")["restarts"] == 0


@needs(seconds=120)
def test_taken_port_is_retried_until_it_is_free(w):
    """A failed start is a class of its own: never given up, and the reason names the port."""
    foreign = w.docker.run("squatter", ExposedPorts={"8080/tcp": {}},
                           HostConfig={"PortBindings": {"8080/tcp": [{"HostPort": "18080"}]}})
    path = w.stack("s", {"a": service(ports=["18080:8080"])})
    config = w.config([path], timing={"start_base": "500ms", "start_cap": "1s"})
    accd = w.accd(config=config)
    assert accd.ctl("up", "--all", "--detach", check=False).returncode in (0, 1)
    bad = accd.wait_state("a", "backoff", seconds=30)
    assert "18080" in bad["reason"] or "port" in bad["reason"], bad["reason"]
    w.docker.call("DELETE", f"/containers/{foreign}?force=1")
    accd.wait_state("a", "up", seconds=30)


@needs(seconds=150)
def test_unhealthy_is_restarted_after_its_grace(w):
    """A failing check heals by one restart, not before the grace has passed."""
    path = w.stack("s", {"a": service(interval="1s", environment={"HEALTH": "ok"})})
    config = w.config([path], timing={"degraded_grace_min": "4s"})
    accd = w.accd(config=config)
    accd.ctl("up", "--all")
    record = w.record()
    w.docker.set_health("s-a-1", "fail")
    wait(lambda: record.count("health_status: unhealthy", "s-a-1"), 30, "Docker calls it unhealthy")
    sick = record.of("health_status: unhealthy", "s-a-1")[0][0]
    wait(lambda: record.count("start", "s-a-1"), 40, "it is restarted")
    restarted = record.of("start", "s-a-1")[0][0]
    assert restarted - sick >= 3.9, f"restarted {restarted - sick:.1f} s after the verdict"
    accd.wait_state("a", "up", seconds=30)
    assert accd.service("a")["restarts"] == 1


@needs(seconds=150)
def test_who_recovered_with_its_dependency_is_healed_as_ever_later(w):
    """Ill, well again after its dependency's return, and ill once more: its own failure, not a late recovery."""
    path = w.stack("s", {"d": service(interval="1s"),
                         "a": service("d", interval="1s", environment={"HEALTH": "ok"})})
    config = w.config([path], timing={"degraded_grace_min": "6s", "recovery_grace_min": "15s"})
    accd = w.accd(config=config)
    accd.ctl("up", "--all")
    record = w.record()
    w.docker.set_health("s-a-1", "fail")
    wait(lambda: record.count("health_status: unhealthy", "s-a-1"), 30, "Docker calls it unhealthy")
    w.docker.crash("s-d-1")
    wait(lambda: record.count("start", "s-d-1"), 30, "d is started again")
    accd.wait_state("d", "up", seconds=30)
    back = time.monotonic()
    w.docker.set_health("s-a-1", "ok")
    accd.wait_state("a", "up", seconds=30)
    holds(lambda: accd.state_of("a") == "up", back + 11 - time.monotonic(), "it is well for most of that grace")
    w.docker.set_health("s-a-1", "fail")
    wait(lambda: record.count("start", "s-a-1"), 60, "it is restarted")
    told = accd.ctl("events", "-n", "200").stdout
    assert "did not recover" not in told and "was unhealthy" in told, told


@needs(seconds=90)
def test_up_does_not_wait_for_what_docker_calls_unhealthy(w):
    """As with `docker compose up --wait`: exit 1 and why, of it and of who needs it; accd goes on trying."""
    path = w.stack("s", {"a": service(interval="1s", environment={"HEALTH": "fail"}), "b": service("a"),
                         "c": service()})
    accd = w.accd(config=w.config([path], timing={"degraded_grace_min": "3s"}))
    begin = time.monotonic()
    said = accd.ctl("up", "--all", check=False, timeout=60)
    took = time.monotonic() - begin
    assert said.returncode == 1, said
    assert took < 40, f"{took:.0f} s"
    assert "a: " in said.stderr and "is unhealthy" in said.stderr and "needs a" in said.stderr, said.stderr
    assert accd.service("c")["state"] == "up" and accd.service("a")["state"] == "starting"
    assert [i["root"] for i in accd.status()["incidents"] if i["open"]] == ["s/a"]
    assert "is unhealthy" in accd.ctl("why", "a").stdout
    w.docker.set_health("s-a-1", "ok")
    accd.wait_all_up(30)


@needs(seconds=150)
def test_crash_loop_opens_the_breaker_and_gets_one_trial(w):
    """Five bad starts: budget of three, open, one failed trial, open longer, one good trial, closed."""
    path = w.stack("s", {"a": service(volumes=["ctl:/ctl"], environment={"FAIL_FIRST": "4"})},
                   volumes={"ctl": {}})
    config = w.config([path], timing={"backoff_base": "100ms", "budget": 3, "open": "3s",
                                      "half_open_ready": "2s"})
    record = w.record()
    accd = w.accd(config=config)
    accd.ctl("up", "--all", "--detach")
    accd.wait_state("a", "open", seconds=30)
    starts = record.count("start", "s-a-1")
    assert starts == 3, f"{starts} starts until the breaker opened"
    # while it is open nothing is tried; then exactly one trial
    holds(lambda: record.count("start", "s-a-1") <= 3, 2, "no start while the breaker is open")
    wait(lambda: record.count("start", "s-a-1") == 4, 20, "the first trial")
    accd.wait_state("a", "open", seconds=20)  # it failed, too: twice the pause
    wait(lambda: record.count("start", "s-a-1") == 5, 40, "the second trial")
    accd.wait_state("a", "half-open", seconds=20)
    accd.wait_state("a", "up", seconds=40)
    assert record.count("start", "s-a-1") == 5
    assert "a" in accd.ctl("why", "a").stdout


@needs(seconds=90)
def test_restart_policies_of_the_file_are_kept(w):
    """`restart: no` is never restarted, and Docker's own policy is `no` for all."""
    path = w.stack("s", {"once": service(check=False, restart="no", environment={"CRASH_AFTER": "1"}),
                         "kept": service(restart="always")})
    accd = w.accd(path)
    accd.ctl("up", "--all", check=False)
    record = w.record()
    wait(lambda: not w.docker.running("s-once-1"), 20, "once has ended")
    holds(lambda: record.count("start", "s-once-1") == 0, 3, "it is not started again")
    for name in ("s-once-1", "s-kept-1"):
        assert w.docker.inspect(name)["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")


@needs(seconds=120)
def test_what_was_stopped_in_a_network_that_is_gone_is_made_anew(w):
    """b, in the network of a, is stopped; a is made anew; accd is killed; b is to run again: Docker says "No such
    container" of a's old one, and answers 404 as if b's were gone."""
    services = {"a": service(), "b": service("a", network_mode="service:a")}
    accd = w.accd(w.stack("s", services))
    accd.ctl("up", "--all")
    accd.ctl("stop", "b")
    w.stack("s", {**services, "a": service(environment={"TZ": "UTC"})})
    accd.ctl("apply")
    accd.ctl("upgrade", "a", "--keep")
    wait(lambda: len(w.docker.containers()) == 2, 60, "a's old one is gone")
    accd.kill()
    accd.start()
    accd.ctl("up", "b")
    inside = w.docker.inspect("s-b-1")["HostConfig"]["NetworkMode"]
    assert inside == "container:" + w.docker.inspect("s-a-1")["Id"], inside
    accd.wait_all_up(30)


@needs(seconds=90)
def test_who_shares_with_two_is_made_once_and_anew_when_one_is(w):
    """c has the network of a and the volumes of b: it is made once, and once more when b is made anew."""
    services = {"a": service(), "b": service(volumes=["/data"]),
                "c": service("a", "b", network_mode="service:a", volumes_from=["b"])}
    accd = w.accd(w.stack("s", services))
    record = w.record()
    accd.ctl("up", "--all")
    accd.wait_all_up(30)
    assert record.count("create", "s-c-1") == 1
    w.stack("s", {**services, "b": service(volumes=["/data"], environment={"TZ": "UTC"})})
    accd.ctl("apply")
    accd.wait_all_up(30)
    assert record.count("create", "s-c-1") == 2
    assert w.docker.inspect("s-c-1")["HostConfig"]["VolumesFrom"] == [w.docker.inspect("s-b-1")["Id"]]
    accd.kill()
    accd.start()
    accd.wait_all_up(30)
    accd.ctl("restart", "a")
    accd.wait_all_up(30)
    assert record.count("create", "s-c-1") == 2
