"""Docker may die, hang, or lose events: accd says so, does nothing blind, and converges after."""
import os
import signal
import time

from lib import PATIENCE, Engine, Skip, forky, holds, needs, service, wait


def three(w, **timing):
    path = w.stack("s", {"a": service(), "b": service("a"), "c": service("b")})
    accd = w.accd(config=w.config([path], timing=timing))
    accd.ctl("up", "--all")
    return accd


def away(accd):
    return accd.status()["engine"]["connected"] is False


def back(accd):
    return accd.status()["engine"]["connected"] is True


@needs(seconds=150)
def test_restart_with_live_restore(w):
    """Containers live on; accd takes their health as it was and touches nothing."""
    accd = three(w)
    before = w.docker.identities()
    w.engine.lab("restart")
    wait(lambda: back(accd), 30, "accd has found the engine again")
    accd.wait_all_up(30)
    assert w.docker.identities() == before
    assert all(s["restarts"] == 0 for s in accd.services().values())


@needs(seconds=240)
def test_restart_without_live_restore(w):
    """The engine stops every container at its own end; accd brings them up again, in order."""
    engine = Engine(w.dir.parent / f"e{w.dir.name}-nlr")
    w.extra.callback(engine.stop)
    engine.start("--no-live-restore")
    engine.need_image("bb")
    path = w.stack("s", {"a": service(), "b": service("a"), "c": service("b")})
    accd = w.accd(path, engine=engine)
    accd.ctl("up", "--all")
    engine.lab("restart")
    wait(lambda: back(accd), 30, "accd has found the engine again")
    accd.wait_all_up(60)
    assert all(engine.docker.running(f"s-{n}-1") for n in "abc"), accd.tail()
    starts = {n: engine.docker.started_at(f"s-{n}-1") for n in "abc"}
    assert starts["a"] < starts["b"] < starts["c"], starts
    # A stop by the engine is no stop by hand, and no failure of a service.
    assert all(s["restarts"] == 0 or s["state"] == "up" for s in accd.services().values())


@needs(seconds=150)
def test_frozen_for_thirty_seconds(w):
    """A dockerd that hangs: status is served and says so; nothing is done; then all is as before."""
    accd = three(w)
    before, record = w.docker.identities(), w.record()
    w.engine.lab("freeze")
    frozen = time.monotonic()
    wait(lambda: away(accd), 25, "accd says that the engine is away")
    t = time.monotonic()
    accd.ctl("status")
    assert time.monotonic() - t < 1.0, "status waits for the engine"
    wait(lambda: time.monotonic() - frozen >= 30, 31, "thirty seconds")
    w.engine.lab("thaw")
    wait(lambda: back(accd), 30, "accd has found the engine again")
    accd.wait_all_up(60)
    assert w.docker.identities() == before
    assert record.count("start") == 0 and record.count("die") == 0


@needs(seconds=150)
def test_logs_of_a_frozen_dockerd(w):
    """Those that are asked for before accd knows, too, end at --timeout, followed or not: exit 5, and a line that says so."""
    accd = w.accd(w.stack("s", {"a": service(check=False)}))
    accd.ctl("up", "a")
    w.engine.lab("freeze")
    w.extra.callback(w.engine.lab, "thaw")

    def ask(args, code, said):
        began = time.monotonic()
        done = accd.ctl(*args, check=False)
        assert done.returncode == code and said in done.stderr, (args, done)
        assert time.monotonic() - began < 2 + 3 * PATIENCE, args
    ask(["logs", "a", "--timeout", "2s"], 5, "no outcome within 2 s, though accd is there")
    ask(["logs", "-f", "a", "--timeout", "2s"], 5, "followed for 2 s, and it goes on")
    wait(lambda: away(accd), 25, "accd says that the engine is away")
    ask(["logs", "-f", "a", "--timeout", "2s"], 1, "accd doesn't see Docker")


@needs(seconds=150)
def test_frozen_containerd(w):
    """_ping answers but starts hang: status is served, and the crash of meanwhile is healed after."""
    accd = three(w)
    before = w.docker.started_at("s-c-1")
    w.engine.lab("freeze-all")
    w.engine.lab("thaw")  # dockerd alone goes on
    t = time.monotonic()
    accd.ctl("status")
    assert time.monotonic() - t < 2.0
    accd.ctl("restart", "c", "--detach", check=False)
    holds(lambda: accd.ping(), 5, "accd answers while a call hangs")
    w.engine.lab("thaw-all")
    wait(lambda: w.docker.running("s-c-1") and w.docker.started_at("s-c-1") != before, 60, "c was restarted")
    accd.wait_all_up(60)


@needs(seconds=180)
def test_killed_and_started(w):
    """dockerd -9: containers live on; one that dies meanwhile is started when the engine is back."""
    accd = three(w)
    before = w.docker.identities()
    pid = w.docker.pid("s-b-1")
    w.engine.lab("crash")
    wait(lambda: away(accd), 20, "accd says that the engine is away")
    os.kill(pid, signal.SIGKILL)
    w.engine.lab("up")
    wait(lambda: back(accd), 30, "accd has found the engine again")
    wait(lambda: w.docker.running("s-b-1"), 40, "what died meanwhile is started")
    accd.wait_all_up(60)
    after = w.docker.identities()
    assert after["s-a-1"] == before["s-a-1"] and after["s-c-1"] == before["s-c-1"]
    assert after["s-b-1"][0] == before["s-b-1"][0]


@needs(seconds=240)
def test_killed_amid_starts(w):
    """dockerd -9 while it starts containers: 20.10 may be left with a task that forbids every later
    start of a container; all are up again all the same."""
    accd = three(w)
    for pause in (0.1, 0.25, 0.4, 0.6, 0.8):
        accd.ctl("restart", "a", "b", "c", "--detach")
        time.sleep(pause)  # no condition to wait for: the moment of the kill is the subject
        w.engine.lab("crash")
        w.engine.lab("up")
        wait(lambda: back(accd), 30, "accd has found the engine again")
        accd.wait_all_up(60)


@needs(seconds=120)
def test_accd_before_docker(w):
    """accd starts without an engine, says so, and begins when there is one."""
    path = w.stack("s", {"a": service()})
    w.engine.lab("crash")
    accd = w.accd(path)
    assert away(accd)
    w.engine.lab("up")
    wait(lambda: back(accd), 30, "the engine is found")
    accd.ctl("up", "--all")
    assert w.docker.running("s-a-1")


@needs(seconds=120)
def test_what_is_asked_while_docker_is_away_is_done_later(w):
    """restart without an engine: the words say since when Docker is away and what becomes of it; then it is done."""
    accd = w.accd(w.stack("s", {"a": service()}))
    accd.ctl("up", "--all")
    before = w.docker.identities()["s-a-1"]
    w.engine.lab("crash")
    wait(lambda: away(accd), 25, "accd says that the engine is away")
    late = accd.ctl("restart", "a", "--timeout", "2s", check=False)
    assert late.returncode == 5 and "waits for the Docker Engine" in late.stdout, late
    assert "Docker has been away for" in late.stderr and "as soon as Docker is back" in late.stderr, late.stderr
    assert "accd goes on with it" in late.stderr, late.stderr
    late = accd.ctl("apply", "--timeout", "2s", check=False)  # whether anything is to do can't be known
    assert late.returncode == 5 and "waits for the Docker Engine" in late.stdout, late
    w.engine.lab("up")
    wait(lambda: back(accd), 30, "the engine is found")
    wait(lambda: w.docker.running("s-a-1") and w.docker.identities()["s-a-1"][1] != before[1], 30, "it is restarted")
    accd.wait_all_up(30)


@needs(seconds=90)
def test_who_asks_before_docker_is_known_to_hang_is_told(w):
    """The stop hangs with Docker, and in the midst of it that is said."""
    accd = w.accd(w.stack("s", {"a": service()}))
    accd.ctl("up", "--all")
    w.engine.lab("freeze")
    hangs = accd.ctl("stop", "a", "--timeout", "25s", check=False)
    assert hangs.returncode == 5 and "waits for the Docker Engine" in hangs.stdout, hangs
    w.engine.lab("thaw")
    accd.wait_state("a", "off")


@needs(seconds=180)
def test_killed_without_live_restore(w):
    """dockerd -9: the next one stops what was left running, before it listens, and calls that a stop by hand. All are up
    again: also what ends with 0, and also when accd was away as dockerd went."""
    engine = Engine(w.dir.parent / f"e{w.dir.name}-dead")
    w.extra.callback(engine.stop)
    engine.start("--no-live-restore")
    engine.need_image("bb")
    path = w.stack("s", {"a": service(restart="always"), "b": service(restart="on-failure")})
    accd = w.accd(path, engine=engine)
    accd.ctl("up", "--all")
    before = engine.docker.identities()
    engine.lab("crash")
    wait(lambda: away(accd), 20, "accd says that the engine is away")
    engine.lab("up")
    wait(lambda: back(accd), 30, "accd has found the engine again")
    accd.wait_all_up(60)
    after = engine.docker.identities()
    assert all(after[name] != before[name] for name in ("s-a-1", "s-b-1")), "they did not live on"
    accd.stop()
    engine.lab("restart")
    accd.start()
    accd.wait_all_up(60)
    assert engine.docker.identities() != after, "they did not live on"


@needs(seconds=300)
def test_engine_28_5_2(w):
    """The newest engine here: up, crash, unhealthy, stop by hand, down, as with 20.10."""
    suite = forky("docker.io", "containerd", "docker-compose")
    engine = Engine(w.dir.parent / f"e{w.dir.name}-28", suite)
    w.extra.callback(engine.stop)
    try:
        engine.start()
    except AssertionError as e:
        raise Skip(f"Docker 28 does not run here: {e}") from None
    engine.need_image("bb")
    path = w.stack("s", {"a": service(interval="1s"), "b": service("a", interval="1s"), "c": service("b", interval="1s")})
    config = w.config([path], timing={"degraded_grace_min": "2s", "external_stop_settle": "1s"})
    accd = w.accd(config=config, engine=engine)
    accd.ctl("up", "--all")
    assert accd.status()["engine"]["version"].startswith("28."), accd.status()["engine"]
    before = engine.docker.identities()
    engine.docker.crash("s-a-1")
    wait(lambda: accd.service("a")["restarts"] == 1, 20, "the crash is healed")
    accd.wait_all_up(30)
    after = engine.docker.identities()
    assert after["s-b-1"] == before["s-b-1"] and after["s-a-1"][0] == before["s-a-1"][0]
    engine.compose("up", "-d", cwd=path.parent)
    assert engine.docker.identities() == after, "docker compose recreates what accd made"
    engine.docker.call("POST", "/containers/s-c-1/stop?t=2")
    accd.wait_state("c", "held", seconds=20)
    accd.ctl("down", "--all")
    assert not engine.docker.containers()
