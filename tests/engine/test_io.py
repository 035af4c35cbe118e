"""The daemon's Docker side alone (io_smoke): what it tells and does, without the brain."""
import json
import os
import re
import signal
import subprocess
import threading

from lib import BB, holds, needs, wait

PROJECT = "iosmoke"
SERVICE = {"image": BB, "command": None, "entrypoint": None, "networks": {"default": None, "second": None},
           "healthcheck": {"test": ["CMD", "/bin/app", "health"], "interval": "1h", "timeout": "2s"}}
NETWORK_DEFAULT, NETWORK_SECOND, VOLUME, IMAGE = range(4)  # resources, in the order of the model


class Io:
    """One io_smoke; every line that it printed is kept."""

    def __init__(self, w, service=None, sock=None, **top):
        config = w.dir / "config.json"
        config.write_text(json.dumps({
            "name": PROJECT, "services": {"web": {**SERVICE, **(service or {})}},
            "networks": {n: {"name": f"{PROJECT}_{n}", "ipam": {}} for n in ("default", "second")},
            "volumes": {"data": {"name": f"{PROJECT}_data"}}, **top}))
        self.lines, self.log = [], w.dir / "io.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net={w.engine.netns}", str(w.build / "tests/unit/io_smoke"),
                 f"unix://{sock or w.engine.sock}", str(config)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        w.extra.callback(self.quit)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def say(self, *words):
        """What it prints from here on is the answer."""
        before = len(self.lines)
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return before

    def see(self, pattern, since=0, seconds=20):
        """The first line from `since` on that matches."""
        def there():
            for line in self.lines[since:]:
                m = re.match(pattern, line)
                if m:
                    return m
            assert self.process.poll() is None, f"io_smoke ended with {self.process.returncode}"
            return None
        try:
            return wait(there, seconds, f"a line {pattern}")
        except AssertionError as e:
            raise AssertionError(f"{e}\n" + "\n".join(self.lines[since:][-40:]) + self.log.read_text()) from None

    def do(self, *words, seconds=40):
        """One operation: its answer (result, cid, message)."""
        since = self.say(*words)
        op = self.see(r"OP (\d+) ", since).group(1)
        return self.see(rf"OP_DONE {op} (\w+) cid=(\w*) (.*)", since, seconds).groups()

    def probe(self, cid, how, seconds=40):
        """(verdict, listens, exit code, output)"""
        since = self.say("probe", cid, how)
        op = self.see(r"OP (\d+) ", since).group(1)
        return self.see(rf"PROBE {op} (\w+) listens=(\d) exit=(-?\d+) ?(.*)", since, seconds).groups()

    def ready(self):
        self.see("CONN_UP")
        self.see("SNAPSHOT")
        for res in (NETWORK_DEFAULT, NETWORK_SECOND, VOLUME, IMAGE):
            assert self.do("ensure", res)[0] == "ok"
        return self

    def make(self, name=f"{PROJECT}-web-1"):
        result, cid, message = self.do("create", 0, 1, name)
        assert result == "ok" and len(cid) == 64, message
        return cid

    def up(self):
        cid = self.make()
        assert self.do("start", cid, 0)[0] == "ok"
        return cid

    def quit(self):
        """It leaves by itself and frees everything: a handle left open would keep it."""
        if self.process.poll() is None:
            self.say("quit")
            try:
                assert self.process.wait(10) == 0
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise AssertionError("io_smoke did not end: something is still open") from None


def test_a_life(w):
    """Create, start, check, stop, remove; each answer comes with the truth before it."""
    io = Io(w).ready()
    cid = io.make()
    created = w.docker.inspect(cid)
    assert sorted(created["NetworkSettings"]["Networks"]) == [f"{PROJECT}_default", f"{PROJECT}_second"]
    assert io.do("create", 0, 1, f"{PROJECT}-web-1")[:2] == ("conflict", cid)
    since = len(io.lines)
    assert io.do("start", cid, 0)[0] == "ok"
    seen = [line.split(" ")[0] for line in io.lines[since:]]
    assert seen.index("OBS") < seen.index("OP_DONE")
    assert io.do("start", cid, 0)[0] == "not_modified"
    wait(lambda: io.probe(cid, "exec")[:3] == ("pass", "1", "0"), 10, "the check passes")
    assert io.probe(cid, "exec")[3] == "healthy"
    since = io.say("inspect", cid, "manual")
    io.see(r"OBS .* state=running .* manual=1", since)
    assert io.do("stop", cid, 5000)[0] == "ok"
    since = io.say("inspect", cid, "manual")
    io.see(r"OBS .* state=exited .* manual=2", since)
    assert io.do("stop", cid, 5000)[0] == "not_modified"
    since = len(io.lines)
    assert io.do("remove", cid)[0] == "ok"
    io.see(f"GONE {cid}", since)
    assert io.do("start", cid, 0)[0] == "gone"
    for res in (NETWORK_DEFAULT, NETWORK_SECOND, VOLUME):
        assert io.do("unensure", res)[0] == "ok"


def test_checks(w):
    """Exec with its codes, a listening port, TCP, HTTP."""
    io = Io(w, service={"ports": [{"target": 8080, "mode": "ingress", "protocol": "tcp"}]},
            **{"x-probe-port": "8080", "x-probe-path": "/"}).ready()
    cid = io.up()
    wait(lambda: io.probe(cid, "listen")[:2] == ("pass", "1"), 10, "its port listens")
    assert io.probe(cid, "exec")[:3] == ("pass", "1", "0")
    assert io.probe(cid, "tcp")[0] == "pass"
    assert io.probe(cid, "http")[:3] == ("pass", "1", "200")
    w.docker.set_health(cid, "fail")
    assert io.probe(cid, "exec") == ("fail", "1", "1", "unhealthy by /ctl/health")
    assert io.do("stop", cid, 5000)[0] == "ok"
    assert io.probe(cid, "exec")[0] == "unknown"
    assert io.probe(cid, "listen")[0] == "unknown"


def test_a_check_that_hangs_is_ended(w):
    """The check's own timeout; then its process is gone and the next one runs."""
    io = Io(w).ready()
    cid = io.up()
    w.docker.set_health(cid, "hang")
    verdict, _, _, output = io.probe(cid, "exec")
    assert verdict == "fail" and "2 s" in output, output
    wait(lambda: not w.docker.inspect(cid)["ExecIDs"], 10, "the hung exec is gone")
    w.docker.set_health(cid, "ok")
    wait(lambda: io.probe(cid, "exec")[0] == "pass", 10, "the next check passes")


def test_a_command_that_does_not_exist(w):
    """The start fails for good, and the container's own words are there."""
    io = Io(w, service={"command": ["/no/such"], "entrypoint": []}).ready()
    cid = io.make()
    result, _, message = io.do("start", cid, 0)
    assert result == "config" and "no such file" in message, message


def test_a_taken_port_is_the_hosts_no(w):
    w.docker.run("squatter", HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "18123"}]}},
                 ExposedPorts={"80/tcp": {}})
    io = Io(w, service={"ports": [{"target": 80, "published": "18123", "mode": "ingress", "protocol": "tcp"}]}).ready()
    result, _, message = io.do("start", io.make(), 0)
    assert result == "start" and "18123" in message, message


def test_an_image_that_can_not_be_had(w):
    """Nothing is pulled on a machine without a registry: said, not waited for."""
    io = Io(w, service={"image": "127.0.0.1:1/none:1"})
    io.see("SNAPSHOT")
    result, _, message = io.do("ensure", IMAGE)
    assert result == "start" and "refused" in message, (result, message)
    result, _, message = io.do("create", 0, 1, "x")
    assert result == "config" and "image" in message.lower(), (result, message)


def test_events_of_others_are_none_of_ours(w):
    io = Io(w).ready()
    cid = io.up()
    since = len(io.lines)
    other = w.docker.run("other")
    w.docker.crash(cid)
    io.see(f"HINT {cid} die exit=137", since)
    assert not [line for line in io.lines if other in line]


def test_killed_and_back(w):
    """kill -9 of dockerd is told at once; its return begins a new epoch with all containers."""
    io = Io(w).ready()
    cid = io.up()
    since = len(io.lines)
    w.engine.lab("crash")
    io.see("CONN_DOWN", since, 3)
    w.engine.lab("up")
    io.see("CONN_UP fresh=1 live_restore=1", since)
    io.see(rf"OBS {cid} .* state=running", since)
    io.see("SNAPSHOT", since)
    since = len(io.lines)
    w.docker.crash(cid)
    io.see(f"HINT {cid} die", since)


def test_frozen_and_back(w):
    """A hung dockerd is told from a dead one; nothing is lost meanwhile."""
    io = Io(w).ready()
    cid = io.up()
    since = len(io.lines)
    w.engine.lab("freeze")
    io.see("CONN_DEGRADED", since, 25)
    assert not [line for line in io.lines[since:] if line.startswith("CONN_DOWN")]
    w.engine.lab("thaw")
    io.see("CONN_UP fresh=0", since)
    io.see(rf"OBS {cid} .* state=running", since)
    io.see("SNAPSHOT", since)


def test_a_stop_survives_a_hang(w):
    """A stop that the engine can't answer goes on and is answered afterwards."""
    io = Io(w).ready()
    cid = io.up()
    w.engine.lab("freeze")
    since = io.say("stop", cid, 1000)
    op = io.see(r"OP (\d+) stop", since).group(1)
    holds(lambda: not [line for line in io.lines[since:] if "OP_DONE" in line], 2, "no answer")
    w.engine.lab("thaw")
    io.see(rf"OP_DONE {op} ok", since, 30)


def test_absent_at_start(w):
    """accd before dockerd: it waits, and connects when the socket appears."""
    sock = w.dir / "later.sock"
    io = Io(w, sock=sock)
    since = io.say("status")
    io.see("STATUS link=0", since)
    sock.symlink_to(w.engine.sock)
    io.see("CONN_UP", since, 2)


def test_logs(w):
    io = Io(w).ready()
    cid = io.up()
    since = io.say("logs", cid, "follow")
    io.see(r"LOG 1 app \d starting", since)
    assert io.do("stop", cid, 5000)[0] == "ok"
    io.see("stopped|LOG 1 stopped", since)
    io.see("LOG_END $", since)
    since = io.say("logs", "0" * 64)
    io.see("LOG_END .*No such container", since)


def test_a_policy_is_set(w):
    io = Io(w).ready()
    cid = io.up()
    assert w.docker.inspect(cid)["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
    assert io.do("policy", cid)[0] == "ok"
    assert w.docker.inspect(cid)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


@needs(seconds=120)
def test_footprint(w):
    """Small buffers, few connections: 40 containers are known in less than 4 MiB."""
    for i in range(40):
        w.docker.call("POST", f"/containers/create?name=f{i}", {
            "Image": BB, "Labels": {"com.docker.compose.project": PROJECT, "com.docker.compose.service": "web",
                                    "com.docker.compose.container-number": str(i + 1)}})
    io = Io(w).ready()
    for _ in range(20):
        since = io.say("list")
        io.see("SNAPSHOT", since)
    status = open(f"/proc/{io.process.pid}/status").read()
    kib = int(re.search(r"RssAnon:\s+(\d+)", status).group(1))
    n_sockets = sum(os.readlink(f"/proc/{io.process.pid}/fd/{fd}").startswith("socket:")
                    for fd in os.listdir(f"/proc/{io.process.pid}/fd"))
    assert kib < 4096, f"RssAnon {kib} kB"
    assert n_sockets < 12, f"{n_sockets} sockets"
    os.kill(io.process.pid, signal.SIGCONT)
