"""What people read: status, why, events, incidents, version. Each thing once, and no more than is known."""
import concurrent.futures
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

from lib import SVC, needs, service, wait

CLOCK = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def on_terminal(w, accd, *args):
    """accctl on a terminal of its own -> (what it has written so far, its process)"""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 150, 0, 0))
    os.set_blocking(main, False)
    process = subprocess.Popen([w.build / "client" / "accctl", "--socket", accd.sock, *args],
                               stdin=subprocess.DEVNULL, stdout=side, stderr=side, env={**os.environ, "TERM": "vt100"})
    w.extra.callback(lambda: process.poll() is None and process.kill())
    seen = []

    def screen():
        with contextlib.suppress(BlockingIOError):
            seen.append(os.read(main, 65536).decode(errors="replace"))
        return "".join(seen)
    return screen, process


def lines_of(accd, *args):
    return accd.ctl(*args).stdout.splitlines()


@needs(seconds=60)
def test_version_names_accd_and_the_engine(w):
    """accctl's version, accd's, the engine's and its API's; without accd it says so, and exits with 0."""
    accd = w.accd(w.stack("s", {"a": service()}))
    engine = wait(lambda: accd.status()["engine"]["connected"] and accd.status()["engine"], 20, "accd sees the engine")
    said, told = accd.ctl("version").stdout, accd.json("version")
    assert re.search(r"^accctl \S+\naccd \S+\n", said), said
    assert f"Docker Engine {engine['version']} (API {engine['api']})\n" in said, said
    assert told["reachable"] and told["engine"] == engine and told["accd"], told
    accd.stop()
    said, told = accd.ctl("version").stdout, accd.json("version")
    assert f"accd can't be reached at {accd.sock}" in said and "Docker Engine: not known" in said, said
    assert not told["reachable"] and told["reason"] and told["accd"] == "", told


@needs(seconds=90)
def test_health_is_what_was_seen(w):
    """healthy with a check; listening, running or - without one."""
    path = w.stack("s", {"checked": service(), "port": service(check=False, expose=["8080"]),
                         "plain": service(check=False, environment={"PORT": "0"}), "off": service(check=False)})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("stop", "off")
    column = {line.split()[0]: line.split()[2] for line in lines_of(accd, "status", "s") if line.startswith("  ")}
    assert column["checked"] == "healthy" and column["port"] == "listening" and column["off"] == "-", column
    assert column["plain"] in ("listening", "running"), column
    services = accd.services()
    assert services["s/port"]["health"] == "healthy" and services["s/port"]["evidence"] == "listens", services["s/port"]
    assert services["s/off"]["evidence"] == "", services["s/off"]
    accd.kill()
    accd.start()
    wait(lambda: accd.service("port")["evidence"] == "listens", 20, "what is found running is looked at, too")
    assert accd.service("port")["restarts"] == 0 and accd.state_of("port") == "up"


@needs(seconds=120)
def test_a_failure_is_told_once(w):
    """A crash is one line of history, with what follows from it; its service's name stands once in a line."""
    accd = w.accd(w.stack("s", {"a": service(check=False)}))
    accd.ctl("up", "--all")
    w.docker.crash("s-a-1")
    wait(lambda: accd.service("a")["restarts"] == 1, 20, "it is restarted")
    accd.wait_state("a", "up", seconds=30)
    events = wait(lambda: "exited with 137" in accd.ctl("events", "a").stdout and lines_of(accd, "events", "a"), 10,
                  "the failure is in the history")
    told = [e for e in events if "exited with 137" in e]
    assert len(told) == 1 and "restarted at once" in told[0], events
    assert [e for e in events if re.search(r"incident s/a: no\. \d+ opened$", e)], events
    for e in events:
        assert re.match(CLOCK, e) and e.count("s/a") == 1, e
    why = accd.ctl("why", "a").stdout
    assert re.search(r"^a has been up for .*\. Before that it exited with 137 \(killed\), (\d+ s ago|just now)\.$", why), why
    assert re.search(rf"^s/a +open +{CLOCK} +for \d+ s +exited with 137", accd.ctl("incidents").stdout), why


@needs(seconds=120)
def test_a_hold_says_how_it_ends(w):
    """status and why of what was stopped by hand name the verbs that start it again, and those do."""
    accd = w.accd(config=w.config([w.stack("s", {"a": service(check=False)})], timing={"external_stop_settle": "1s"}))
    accd.ctl("up", "--all")
    w.docker.call("POST", "/containers/s-a-1/stop?t=1")
    accd.wait_state("a", "held", seconds=20)
    for said in accd.ctl("status", "a").stdout, accd.ctl("why", "a").stdout:
        assert "stopped by hand" in said and "accctl up a" in said and "accctl release a" in said, said
    wait(lambda: "by hand and stays so" in accd.ctl("events", "a").stdout, 20, "the hold is believed")
    accd.ctl("release", "a")
    accd.wait_state("a", "up", seconds=30)


@needs(seconds=60)
def test_why_of_a_stack_names_each_service_once(w):
    """A sentence for each that isn't well; and what has no container, or no profile, says where to look."""
    accd = w.accd(w.stack("s", {n: service(check=False, image="acc-test/nope:1", pull_policy="never") for n in "ab"}
                          | {"debug": service(check=False, profiles=["tools"])}))
    accd.ctl("up", "--all", "--detach")
    wait(lambda: {accd.state_of(n) for n in "ab"} <= {"backoff", "failed"}, 30, "both have failed")
    said = lines_of(accd, "why", "s")
    assert len(said) == 2 and all(re.match(f"s/{n} has been ", line) for n, line in zip("ab", said)), said
    assert "accctl restart a" in said[0] and "accctl logs" not in said[0], said
    done = accd.ctl("logs", "a", check=False)
    assert done.returncode == 6 and "accctl why" in done.stderr, done
    done = accd.ctl("up", "debug", check=False)
    assert done.returncode == 2 and "profile tools" in done.stderr and f"{w.dir}" in done.stderr, done


@needs(seconds=120)
def test_a_watched_reason_goes_on_counting(w):
    """`status --watch` on a terminal: the time to the next try runs although nothing happens."""
    path = w.stack("s", {"a": service(check=False, command=["/bin/false"])})
    accd = w.accd(config=w.config([path], timing={"backoff_base": "1m"}))
    accd.ctl("up", "--all", "--detach")
    accd.wait_state("a", "backoff", seconds=30)
    screen, watch = on_terminal(w, accd, "status", "--watch")

    def tries():
        return set(re.findall(r"next try \(attempt 2\) in (\d+) s", screen()))
    began = time.monotonic()
    wait(lambda: len(tries()) >= 4, 10, "the reason counts down")
    assert time.monotonic() - began < 15, "slower than a fetch without reasons"
    watch.send_signal(signal.SIGINT)
    assert watch.wait(10) == 0


@needs(seconds=120)
def test_an_incident_counts_who_suffers_and_closes_later(w):
    """Two that need the database suffer while it is away; one that stands behind and is well doesn't.
    It is told as over only after incident_close."""
    told = w.dir / "told"
    path = w.stack("s", {"db": service(check=False, environment={"START_DELAY": "5"}, expose=["8080"]),
                         "near": service("db", check=False, condition="service_healthy"),
                         "twin": service("db", check=False, condition="service_healthy"),
                         "far": service("near", check=False, condition="service_healthy")})
    hook = f"echo \"$ACC_PHASE $(date +%s) $ACC_IMPACT\" >>{told}"
    accd = w.accd(config=w.config([path], on_incident=[hook], timing={"incident_notify": "1s", "incident_close": "6s"}))
    accd.ctl("up", "--all")
    w.docker.crash("s-db-1")
    incident = wait(lambda: accd.incidents() and accd.incidents()[0]["peak"] and accd.incidents()[0], 20, "the database is down")
    assert incident["suffering"] == 2 and incident["peak"] == 2, incident
    assert sorted(incident["impact"]) == ["s/near", "s/twin"], incident
    assert accd.state_of("far") == "up"
    assert re.search("2 others suffer$", accd.ctl("incidents").stdout), accd.ctl("incidents").stdout
    accd.wait_state("db", "up", seconds=60)
    well = time.time()
    wait(lambda: "closed" in told.read_text(), 40, "it is told as over")
    opened, closed = (line.split() for line in told.read_text().splitlines())
    assert opened[2:] == closed[2:] == ["s/near", "s/twin"], (opened, closed)
    assert int(closed[1]) >= int(well) + 4, f"closed {int(closed[1]) - well:.0f} s after it was up"
    assert "2 others suffered" in accd.ctl("incidents").stdout, accd.ctl("incidents").stdout
    assert accd.json("incidents")["incidents"][0]["peak"] == 2


@needs(seconds=90)
def test_a_milestone_of_x_acc_may_be_a_job(w):
    """Its target ends with 0, is done and not started again; a daemon with `restart: always` stays one."""
    path = w.stack("s", {
        "job": service(check=False, command=["/bin/sh", "-c", "sleep 3"]),
        "daemon": service(check=False, restart="always", environment={"CRASH_AFTER": "5", "EXIT_CODE": "0"}),
        "web": service(**{"x-acc": {"edges": {"job": {"kind": "milestone"}, "daemon": {"kind": "milestone"}}}})})
    accd = w.accd(path)
    record = w.record()
    accd.ctl("up", "--all")
    accd.wait_state("job", "done", seconds=30)
    wait(lambda: record.count("start", "s-daemon-1") == 2, 30, "the daemon is kept up")
    assert record.count("start", "s-job-1") == 1 and accd.state_of("web") == "up"
    accd.ctl("up", "--all")
    assert record.count("start", "s-job-1") == 1, "up runs a job that is done again"


@needs("svc", seconds=150)
def test_an_upgrade_behind_a_watch_says_what_it_waits_for(w):
    """In a pipe at once, on a terminal in its line, in JSON as `queued`: until when, and how to have it at once."""
    path = w.stack("s", {"a": service(check=False, **{"x-acc": {"upgrade": {"drain": "0s"}}})})
    accd = w.accd(config=w.config([path], timing={"upgrade_stable": "1s", "upgrade_settle": "0s", "upgrade_monitor": "90s"}))
    accd.ctl("up", "--all")
    accd.ctl("upgrade", "a", "--image", SVC, "--detach")
    wait(lambda: "is watched for another" in accd.ctl("why", "a").stdout, 60, "it is watched")
    again = ("upgrade", "a", "--image", "acc-test/bb:1")
    queued = r"waits until r2 has been watched, for another (1 min )?\d+ s \(at once: accctl upgrade a --keep\)"
    done = accd.ctl(*again, "--timeout", "1s", check=False)
    assert done.returncode == 5 and re.search(f"^s/a: {queued}; accctl waits for that, too", done.stdout, re.M), done
    done = accd.ctl(*again, "--detach")
    assert re.fullmatch(f"s/a: {queued}\nupgrade: asked for, 1 service\n", done.stdout), done
    assert re.search(queued, accd.json(*again, "--detach")["progress"][0]["queued"])
    screen, process = on_terminal(w, accd, *again)
    wait(lambda: re.search("waits until r2 has been watched, for another", screen()), 10, "the screen says it")
    accd.ctl("upgrade", "a", "--keep", "--detach")
    wait(lambda: "r3 is watched" in accd.ctl("why", "a").stdout, 60, "it has begun")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 1


@needs(seconds=120)
def test_nobody_waits_for_what_is_left_unhealthy(w):
    """accd leaves a dependency as it is (on_unhealthy: report), or lets its breaker rest: up and restart say so and end."""
    sick = service(interval="1s", environment={"HEALTH": "ok"}, **{"x-acc": {"on_unhealthy": "report"}})
    gate = ["/bin/sh", "-c", "test -e /x/ok && exec /bin/app; exit 1"]
    (w.dir / "x").mkdir()
    (w.dir / "x" / "ok").touch()
    path = w.stack("s", {"sick": sick, "on-sick": service("sick", check=False),
                         "loop": service(command=gate, volumes=[f"{w.dir}/x:/x"]), "on-loop": service("loop", check=False)})
    accd = w.accd(config=w.config([path], timing={"backoff_base": "200ms"}))
    accd.ctl("up", "--all")
    w.docker.set_health("s-sick-1", "fail")
    accd.wait_state("on-sick", "impaired", seconds=30)
    (w.dir / "x" / "ok").unlink()
    w.docker.crash("s-loop-1")
    for verb in "restart", "up":
        done = accd.ctl(verb, "on-sick", check=False)
        assert done.returncode == 1 and "needs sick, which is unhealthy" in done.stderr, done
        assert "left running (on_unhealthy: report)" in done.stderr, done
        done = accd.ctl(verb, "on-loop", check=False)
        assert done.returncode == 1 and "needs loop, which exited with 1" in done.stderr, done
        assert "gets a rest" in done.stderr, done
    assert accd.ctl("up", "sick", check=False).returncode == 1
    w.docker.set_health("s-sick-1", "ok")
    accd.wait_state("on-sick", "up", seconds=30)
    w.docker.set_health("s-sick-1", "fail")
    accd.wait_state("sick", "impaired", seconds=30)
    assert accd.ctl("restart", "sick").returncode == 0, "its own restart is waited for"


@needs(seconds=120)
def test_an_order_outlives_accd_and_that_is_said(w):
    """accd is killed while accctl waits: exit 3, what becomes of the order, and it does."""
    path = w.stack("s", {"a": service(environment={"START_DELAY": "6"}), "b": service("a")})
    accd = w.accd(path)
    accd.ctl("stop", "--all")
    for more in ([], ["--json"]):
        accd.ctl("stop", "--all")
        order = subprocess.Popen([w.build / "client" / "accctl", "--socket", accd.sock, *more, "up", "--all"], text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait(lambda: w.docker.running("s-a-1"), 30, "it is on its way")
        began = time.monotonic()
        wait(lambda: time.monotonic() > began + 2.5, 10, "accctl has waited for longer than accd takes to accept an order")
        accd.kill()
        out, err = order.communicate(timeout=20)
        assert order.returncode == 3 and "it had accepted the order, and goes on with up as soon as it runs again" in err, err
        assert not more or '"accepted":true' in out, out
        done = accd.ctl("status", check=False)
        assert done.returncode == 3 and f"accd --socket {accd.sock} --state-dir DIR" in done.stderr, done
        assert "systemctl" not in err + done.stderr, done
        accd.start()
        accd.wait_all_up(40)


@needs()
def test_what_was_there_before_docker_answered_is_started_not_created(w):
    """accd has just begun and Docker is away: what `up` has done is told by what was there when it came."""
    path = w.stack("s", {"a": service(), "b": service()})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.kill()
    w.docker.call("POST", "/containers/s-a-1/stop?t=1")
    w.docker.call("DELETE", "/containers/s-b-1?force=1")
    aside = w.engine.sock.with_suffix(".aside")
    w.engine.sock.rename(aside)
    try:
        accd.start()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            up = pool.submit(accd.ctl, "up", "--all")
            wait(lambda: accd.log.read_text().count("up of s/a and 1 more, asked by root") == 2, 20, "it was asked for")
            aside.rename(w.engine.sock)
            out = up.result().stdout
    finally:
        if aside.exists():
            aside.rename(w.engine.sock)
    assert "s/a: up, started" in out and "s/b: up, created" in out, out


@needs(seconds=90)
def test_a_sum_agrees_with_the_lines(w):
    """What is started because another one needs it has a line, and is counted; new ones are all created."""
    path = w.stack("s", {"db": service(check=False), "web": service("db", check=False, condition="service_started")})
    accd = w.accd(path)
    first = accd.ctl("up", "--all").stdout
    assert "started" not in first, first
    for verb, made in ("stop", "started"), ("down", "created"):
        accd.ctl(verb, "--all")
        said = accd.ctl("start", "web").stdout
        assert re.search(rf"^s/db: .*{made}, ", said, re.M) and re.search(rf"^s/web: .*{made}, ", said, re.M), said
        assert re.search(rf"^start: done, 1 service and 1 that it needs \(2 {made}\), [\d.]+ s$", said, re.M), said
    accd.ctl("stop", "db")
    said = accd.ctl("up", "web").stdout  # which runs on without it
    assert re.search(r"^up: done, 1 service and 1 that it needs \(1 started\), ", said, re.M), said
    assert accd.state_of("db") == "up"
    said = accd.ctl("stop", "db", "--with-dependents").stdout
    assert re.search(r"^stop: done, 1 service and 1 that needs it \(2 stopped\), ", said, re.M), said


@needs(seconds=120)
def test_up_ends_what_somebody_did_by_hand_to_what_is_needed(w):
    """`up web` brings back a database that was stopped by hand a moment ago, or paused, and waits for it; a hold stays."""
    path = w.stack("s", {"db": service(), "web": service("db", check=False)})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    for verb, made in (("stop", "started"), ("pause", "released")):
        w.docker.call("POST", f"/containers/s-db-1/{verb}")
        accd.wait_state("s/db", "held")
        said = accd.ctl("up", "web").stdout
        assert re.search(rf"^up: done, 1 service and 1 that it needs \(1 {made}\), ", said, re.M), said
        assert accd.service("s/db")["state"] == "up", accd.service("s/db")
    accd.ctl("hold", "db", "--down")
    w.docker.call("POST", "/containers/s-db-1/stop")
    accd.wait_state("s/db", "held")
    done = accd.ctl("up", "web", check=False)
    assert done.returncode == 1 and "s/web: needs db, which was stopped by hand" in done.stderr, done


@needs(seconds=120)
def test_what_left_the_files_is_not_started_and_that_is_said(w):
    """`up`, `start` and `restart` of a stack or service that has left are refused with what to do; of all else they go on."""
    keep = w.stack("s", {"a": service(check=False), "old": service(check=False)})
    gone = w.stack("t", {"z": service(check=False, restart="always"), "y": service(check=False)})
    accd = w.accd(config=w.config([keep, gone]))
    accd.ctl("up", "--all")
    w.docker.call("DELETE", "/containers/t-z-1?force=1")
    wait(lambda: w.docker.running("t-z-1"), 20, "it is made again")
    accd.wait_state("z", "up", seconds=20)
    w.stack("s", {"a": service(check=False)})
    w.config([keep])
    accd.ctl("apply")
    for verb, name in ("up", "z"), ("restart", "t/z"), ("start", "t"), ("up", "t"), ("upgrade", "z"), ("rollback", "z"):
        said = accd.ctl(verb, name, check=False)
        assert said.returncode == 6 and "stack t has left" in said.stderr and "docker compose" in said.stderr, said
    for verb in "up", "upgrade", "rollback":
        said = accd.ctl(verb, "a", "old", check=False)
        assert said.returncode == 6 and "s/old is in no file any more" in said.stderr and "accctl apply" in said.stderr, said
    for args in ("up",), ("up", "--all"), ("up", "s"), ("restart", "s"):
        said = accd.ctl(*args)
        assert "meanwhile" not in said.stdout + said.stderr, said
    assert not w.docker.running("s-old-1") and not w.docker.running("t-z-1")
    why = accd.ctl("why", "z").stdout
    assert "its stack has left the files" in why and "by hand" not in why and "accctl up" not in why, why
    assert ": it is in no file any more." in accd.ctl("why", "old").stdout
