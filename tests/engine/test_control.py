"""The control socket: Varlink on the wire, many clients, rubbish, and a foreign client."""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import termios
import time

from lib import LAB, PATIENCE, Skip, Varlink, VarlinkError, needs, run, service, wait


def connect(path, timeout=10):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(timeout)
    s.connect(str(path))
    return s


RUBBISH = [b"", b"\0", b"{", b"{}\0", b"[]\0", b"\xff\xfe\0", b'{"method":7}\0', b"GET / HTTP/1.1\r\n\r\n", b"A" * 100_000,
           b'{"method":"io.acc.Status"', b'{"method":"io.acc.Nope"}\0', b'{"method":"io.acc.Why","parameters":[]}\0',
           b'{"method":"io.acc.Why","parameters":{"target":"x"}}\0' * 50, b"[" * 5000 + b"\0"]


@needs(seconds=120)
def test_two_hundred_clients_half_of_them_rubbish(w):
    """100 silent or rubbish connections beside 100 good ones: every good one is answered quickly."""
    accd = w.accd(w.stack("s", {"a": service(), "b": service("a")}))
    accd.ctl("up", "--all")
    with contextlib.ExitStack() as stack:
        for i in range(100):
            s = stack.enter_context(connect(accd.sock))
            s.setblocking(False)
            with contextlib.suppress(OSError):
                s.send(RUBBISH[i % len(RUBBISH)])
        good, slowest = [], 0.0
        for _ in range(100):
            good.append(Varlink(accd.sock))
            stack.callback(good[-1].close)
        for _ in range(3):
            for g in good:
                t = time.monotonic()
                reply = g.call("io.acc.Ping")
                slowest = max(slowest, time.monotonic() - t)
                assert isinstance(reply, dict)
        assert slowest < 0.25, f"the slowest of 300 answers took {slowest * 1000:.0f} ms"
        # and it still heals
        w.docker.crash("s-a-1")
        wait(lambda: accd.service("a")["restarts"] == 1, 20, "a crash is healed meanwhile")
    assert accd.alive()


@needs(seconds=60)
def test_bad_requests_get_an_error_and_the_connection_lives(w):
    """Unknown method, unknown service, wrong type: Varlink's errors; the next call is answered."""
    accd = w.accd(w.stack("s", {"a": service()}))
    v = Varlink(accd.sock)
    w.extra.callback(v.close)
    for method, parameters, error in (
            ("io.acc.Nope", {}, "org.varlink.service.MethodNotFound"),
            ("io.nope.X", {}, "org.varlink.service.InterfaceNotFound"),
            ("io.acc.Why", {"target": 7}, "org.varlink.service.InvalidParameter"),
            ("io.acc.Why", {"target": "zzz"}, "io.acc.NoSuchService")):
        try:
            v.call(method, parameters)
            raise AssertionError(f"{method} {parameters} was answered")
        except VarlinkError as e:
            assert e.name.startswith(error), f"{method} {parameters}: {e}"
        assert v.call("io.acc.Ping") is not None


@needs(seconds=60)
def test_by_hand_with_newlines(w):
    """A request that ends in a newline is answered with newlines: nc and jq do."""
    accd = w.accd(w.stack("s", {"a": service()}))
    with connect(accd.sock) as s:
        s.sendall(b'{"method":"io.acc.Status"}\n')
        line = s.makefile().readline()
    assert [x["id"] for x in json.loads(line)["parameters"]["services"]] == ["s/a"], line


@needs(seconds=120)
def test_a_slow_reader_is_dropped_not_waited_for(w):
    """A client that asks for the event stream and never reads can't grow or stop accd."""
    accd = w.accd(w.stack("s", {"a": service(interval="1s")}))
    accd.ctl("up", "--all")
    lazy = [connect(accd.sock) for _ in range(8)]
    for s in lazy:
        w.extra.callback(s.close)
        for _ in range(200):
            with contextlib.suppress(OSError):
                s.sendall(b'{"method":"io.acc.Status"}\0')
    t = time.monotonic()
    assert accd.ping()
    assert time.monotonic() - t < 1.0
    assert accd.rss_kib() < 64 * 1024, f"{accd.rss_kib()} KiB"


@needs(seconds=300)
def test_a_foreign_varlink_client(w):
    """Debian's varlink-go: info, the interface's description, a call, an error, a stream."""
    tool = w.dir.parent / "varlink-cli"
    if not tool.exists():
        if not os.path.exists("/usr/share/gocode/src/github.com/varlink/go") or not os.path.exists("/usr/bin/go"):
            done = run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "golang-go",
                       "golang-github-varlink-go-dev", env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                       check=False, timeout=200)
            if done.returncode:
                raise Skip("Go and varlink-go can't be installed")
        run("/usr/bin/go", "build", "-o", tool, LAB / "varlink-cli.go", timeout=120,
            env={**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(w.dir / "go"), "GOFLAGS": ""})
    accd = w.accd(w.stack("s", {"a": service()}))
    address = f"unix:{accd.sock}"
    info = run(tool, "info", address).stdout
    assert "io.acc" in info and "org.varlink.service" in info, info
    description = run(tool, "help", address, "io.acc").stdout
    for method in ("Status", "Up", "Start", "Stop", "Down", "Restart", "Adopt", "Why", "Logs", "Events", "Incidents", "Ping"):
        assert f"method {method}(" in description, f"no method {method} in the description"
    assert json.loads(run(tool, "call", address, "io.acc.Status").stdout)["services"][0]["id"] == "s/a"
    said = run(tool, "call", address, "io.acc.Nope", check=False)
    assert said.returncode != 0 and "MethodNotFound" in said.stderr, said
    stream = subprocess.Popen([tool, "call", "--more", address, "io.acc.Events", "{}"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    w.extra.callback(stream.kill)
    accd.ctl("up", "--all")
    assert isinstance(json.loads(stream.stdout.readline()), dict)


@needs(seconds=60)
def test_who_may(w):
    """Others can't even read; members of acc may look, not act."""
    accd = w.accd(w.stack("s", {"a": service()}))
    mode = os.stat(accd.sock).st_mode & 0o777
    assert mode == 0o660, oct(mode)
    probe = ("import socket,sys,json\n"
             "s=socket.socket(socket.AF_UNIX)\n"
             "s.connect(sys.argv[1])\n"
             "s.sendall(json.dumps({'method':sys.argv[2],'parameters':json.loads(sys.argv[3])}).encode()+b'\\0')\n"
             "print(s.recv(65536).decode())\n")

    def as_nobody(method, parameters, group):
        def drop():
            os.setgroups([])
            os.setgid(group)
            os.setuid(65534)
        for p in (w.dir, w.dir / "accd"):
            p.chmod(0o755)
        return subprocess.run(["/usr/bin/python3", "-c", probe, str(accd.sock), method, json.dumps(parameters)],
                              preexec_fn=drop, capture_output=True, text=True, check=False, timeout=10)
    said = as_nobody("io.acc.Status", {}, 65534)
    assert "services" not in said.stdout, "a stranger may read"


@needs(seconds=60)
def test_watch_outlives_accd(w):
    """`status --watch` on a terminal says that accd is away, and goes on when it is back."""
    accd = w.accd(w.stack("s", {"a": service()}))
    accd.ctl("up", "--all")
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    os.set_blocking(main, False)
    watch = subprocess.Popen([w.build / "client" / "accctl", "--socket", accd.sock, "status", "--watch"],
                             stdin=subprocess.DEVNULL, stdout=side, stderr=side, env={**os.environ, "TERM": "vt100"})
    w.extra.callback(lambda: watch.poll() is None and watch.kill())
    seen = []

    def shows(text):
        with contextlib.suppress(BlockingIOError):
            seen.append(os.read(main, 65536).decode())
        return text in "".join(seen)
    wait(lambda: shows("Docker 2"), 10, "the screen is there")
    accd.kill()
    wait(lambda: shows("accd is away"), 10, "it says that accd is away")
    seen.clear()
    accd.start()
    wait(lambda: shows("Docker 2"), 20, "it goes on")
    watch.send_signal(signal.SIGINT)
    assert watch.wait(10) == 0


@needs(seconds=120)
def test_what_a_verb_has_done_is_told(w):
    """Each service's outcome, and that there was nothing to do; how long it took is never nothing."""
    accd = w.accd(w.stack("s", {"a": service(), "b": service("a")}))
    said = accd.ctl("up", "--all").stdout
    assert "0 s" not in said.replace(".0 s", "").replace("10 s", ""), said
    for verb in ("up", "start", "release"):
        said = accd.ctl(verb, "a", "b").stdout
        so = "none of the 2 services is held" if verb == "release" else "2 services were so already"
        assert said == f"{verb}: nothing to do, {so}\n", said
    outcome = accd.json("restart", "a")["progress"]
    assert {r["service"]: r["change"] for r in outcome if r["selected"]} == {"s/a": "restarted"}, outcome
    outcome = accd.json("stop", "b")["progress"]
    assert {r["service"]: r["change"] for r in outcome if r["selected"]} == {"s/b": "stopped"}, outcome
    assert "(1 started)" in accd.ctl("up", "b").stdout
    w.docker.call("POST", "/containers/s-b-1/stop?t=1")
    accd.wait_state("b", "held", seconds=40)
    assert "nothing to do" not in accd.ctl("release", "b").stdout
    accd.wait_state("b", "up", seconds=30)


@needs(seconds=120)
def test_who_leaves_is_told_that_the_work_goes_on(w):
    """Ctrl-C while a verb waits: one line, and accd goes on."""
    accd = w.accd(w.stack("s", {"a": service(environment={"HEALTH": "fail"})}))
    waiting = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "up", "a"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    w.extra.callback(waiting.kill)
    wait(lambda: w.docker.running("s-a-1"), 30, "it is started")
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=20)
    assert err == "accctl: accd goes on with up; follow it: accctl events -f a; how it stands: accctl status\n", err
    w.docker.set_health("s-a-1", "ok")
    accd.wait_state("a", "up", seconds=60)


@needs(seconds=150)
def test_an_accd_that_is_stopped_is_given_up(w):
    """--timeout of every verb that asks, though accd doesn't answer: exit 3, and what to look at."""
    accd = w.accd(w.stack("s", {"a": service(check=False), "b": service(environment={"HEALTH": "fail"})}))
    accd.ctl("up", "a")
    waiting = [subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), *verb],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for verb in (["logs", "-f", "a"], ["up", "b"])]
    for p in waiting:
        w.extra.callback(p.kill)
    waiting[0].stdout.readline()
    wait(lambda: "up, asked by" in accd.ctl("events", "b").stdout, 20, "up b is heard")
    accd.process.send_signal(signal.SIGSTOP)
    verbs = (["ping"], ["status"], ["status", "--watch"], ["why", "a"], ["logs", "a"], ["events"], ["events", "-f"],
             ["incidents"], ["history", "a"], ["outdated"], ["plan"], ["apply"], ["up"], ["stop", "a"], ["upgrade", "a"],
             ["maintenance", "on"], ["--json", "down", "a"])

    def ask(verb):
        began = time.monotonic()
        return verb, accd.ctl(*verb, "--timeout", "1s", check=False), time.monotonic() - began
    with concurrent.futures.ThreadPoolExecutor(len(verbs)) as pool:
        for verb, done, took in pool.map(ask, verbs):
            assert done.returncode == 3, (verb, done)
            assert re.search(rf"accd hasn't answered for \d+ \w+.* \(socket {accd.sock}\); it may be stopped: "
                             "ps -C accd -o pid,stat,args", done.stderr), (verb, done)
            assert took < 1 + 3 * PATIENCE, (verb, took)
    assert "it doesn't answer" in accd.ctl("version", "--timeout", "1s").stdout
    for p in waiting:  # without --timeout it takes longer
        assert p.wait(60 * PATIENCE) == 3 and "hasn't answered" in p.stderr.read(), p.args
    accd.process.send_signal(signal.SIGCONT)
    accd.ctl("maintenance", "off")
    done = accd.ctl("up", "b", "--timeout", "1s", check=False)
    assert done.returncode == 5, done
