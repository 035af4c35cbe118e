"""What scenarios stand on: a private Docker Engine, accd beside it, and waiting for conditions.

Nothing here sleeps to synchronise: `wait()` asks again until a condition holds or its deadline has
passed, and says what it saw last. Standard library only.
"""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab"
FORKY = pathlib.Path(os.environ.get("ACC_FORKY", "/var/tmp/acc-forky"))
TRIXIE = pathlib.Path(os.environ.get("ACC_TRIXIE", "/var/tmp/acc-trixie"))
BB = "acc-test/bb:1"
SVC = "acc-test/svc:1"  # exposes no port: an early pass of its check counts at once
POLL_S = 0.02  # between two looks at a condition
# Deadlines are for what should have happened long before; a slow machine may ask for more.
PATIENCE = float(os.environ.get("ACC_TEST_PATIENCE", "2"))


class Skip(Exception):
    """This machine can't show it; the text says why."""


def needs(*images, seconds=120, alone=False):
    """What a scenario needs: server images, its time limit, the machine for itself."""
    def mark(function):
        function.images, function.seconds, function.alone = images, seconds, alone
        return function
    return mark


def wait(condition, seconds, what):
    """Ask `condition()` until it is true, at most `seconds`; return what it said."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        try:
            got, error = condition(), None
        except (OSError, http.client.HTTPException, ApiError, KeyError, IndexError, ValueError) as e:
            got, error = None, e
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * PATIENCE:.0f} s: {what}" + (f" ({error!r})" if error else ""))
        time.sleep(POLL_S)


def holds(condition, seconds, what):
    """`condition()` stays true for `seconds`: for what must NOT happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            raise AssertionError(f"ended before {seconds} s had passed: {what}")
        time.sleep(POLL_S)


def run(*argv, check=True, timeout=120, **kw):
    timeout *= PATIENCE
    kw.setdefault("capture_output", True)
    kw.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([str(a) for a in argv], text=True, timeout=timeout, check=False, **kw)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


# --- Compose files ---------------------------------------------------------------------------

def yaml(value, indent=0):
    """Plain data as YAML: mappings as blocks, everything else in JSON's spelling."""
    pad = "  " * indent
    out = []
    for key, item in value.items():
        if isinstance(item, dict) and item:
            out.append(f"{pad}{key}:\n{yaml(item, indent + 1)}")
        else:
            out.append(f"{pad}{key}: {json.dumps(item)}\n")
    return "".join(out)


def service(*needs, condition="service_healthy", check=True, interval="60s", **keys):
    """A service of the controllable image. Docker's own check comes late on purpose."""
    spec = {"image": BB}
    if check:
        spec["healthcheck"] = {"test": ["CMD", "/bin/app", "health"], "interval": interval,
                               "timeout": "5s", "retries": 3}
    if needs:
        spec["depends_on"] = {n: {"condition": condition} for n in needs}
    return {**spec, **keys}


def nine_layers(interval="5s", image=SVC, **keys):
    """70 services in 9 layers, each needing two of the layer above (the benches' graph)."""
    layers, services = [8] * 7 + [7] * 2, {}
    for k, n in enumerate(layers):
        for i in range(n):
            needs = {f"l{k - 1}s{m % layers[k - 1]}" for m in (i, i + 1)} if k else ()
            services[f"l{k}s{i}"] = {
                "image": image, "command": ["/bin/svc"], "restart": "always",
                "healthcheck": {"test": ["CMD", "/bin/true"], "interval": interval,
                                "timeout": "3s", "retries": 3}, **keys}
            if needs:
                services[f"l{k}s{i}"]["depends_on"] = {
                    d: {"condition": "service_healthy"} for d in sorted(needs)}
    return services


# --- the Engine API --------------------------------------------------------------------------

class ApiError(Exception):
    def __init__(self, status, text):
        super().__init__(f"HTTP {status}: {text[:300]}")
        self.status = status


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("d", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Docker:
    """The Engine API over a unix socket, one connection a thread."""

    def __init__(self, path):
        self.path, self.local = str(path), threading.local()

    def call(self, method, path, body=None, timeout=60, ok=(), headers=None):
        for retry in (True, False):
            conn = getattr(self.local, "conn", None)
            fresh = conn is None
            if fresh:
                conn = self.local.conn = UnixHTTP(self.path, timeout)
            try:
                sent = {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
                conn.request(method, path, json.dumps(body) if body is not None else None, sent)
                reply = conn.getresponse()
                text = reply.read()
                break
            except (OSError, http.client.HTTPException):
                conn.close()
                self.local.conn = None
                if fresh or not retry:
                    raise
        if reply.status >= 400 and reply.status not in ok:
            raise ApiError(reply.status, text.decode(errors="replace"))
        if not text.strip() or "json" not in reply.headers.get("Content-Type", ""):
            return text
        try:
            return json.loads(text)
        except ValueError:  # a stream: a document a line
            return [json.loads(line) for line in text.splitlines()]

    def containers(self, **filters):
        query = f"&filters={json.dumps(filters).replace(' ', '')}" if filters else ""
        return self.call("GET", f"/containers/json?all=1{query}")

    def inspect(self, name):
        return self.call("GET", f"/containers/{name}/json")

    def running(self, name):
        try:
            return self.inspect(name)["State"]["Running"]
        except ApiError:
            return False

    def pid(self, name):
        return self.inspect(name)["State"]["Pid"]

    def started_at(self, name):
        return self.inspect(name)["State"]["StartedAt"]

    def identities(self):
        """name -> (id, StartedAt) of all containers: equal before and after = nothing was touched."""
        out = {}
        for c in self.containers():
            with contextlib.suppress(ApiError):
                i = self.inspect(c["Id"])
                out[i["Name"].lstrip("/")] = (i["Id"], i["State"]["StartedAt"])
        return out

    def run(self, name, env=None, **spec):
        """Create and start a container that is nobody's."""
        body = {"Image": BB, "Env": [f"{k}={v}" for k, v in (env or {}).items()], **spec}
        made = self.call("POST", f"/containers/create?name={name}", body)
        self.call("POST", f"/containers/{made['Id']}/start")
        return made["Id"]

    def exec(self, name, *argv):
        made = self.call("POST", f"/containers/{name}/exec",
                         {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True})
        conn = UnixHTTP(self.path, 30)
        conn.request("POST", f"/exec/{made['Id']}/start", json.dumps({"Detach": False, "Tty": False}),
                     {"Content-Type": "application/json"})
        out = conn.getresponse().read()
        conn.close()
        return self.call("GET", f"/exec/{made['Id']}/json")["ExitCode"], out

    def set_health(self, name, how):
        """ok | fail | hang | slow:S, for a container of the controllable image."""
        code, out = self.exec(name, "/bin/sh", "-c", f"echo {how} >/ctl/health")
        assert code == 0, out

    def crash(self, name):
        """SIGKILL the main process from the host, as a crash does: no API call is involved."""
        os.kill(self.pid(name), signal.SIGKILL)

    def wipe(self):
        for c in self.containers():
            with contextlib.suppress(ApiError):
                if c["State"] == "paused":
                    self.call("POST", f"/containers/{c['Id']}/unpause")
                self.call("DELETE", f"/containers/{c['Id']}?force=1&v=1", ok=(404, 409))
        self.call("POST", "/networks/prune")
        for v in self.call("GET", "/volumes")["Volumes"] or []:
            self.call("DELETE", f"/volumes/{v['Name']}?force=1", ok=(404, 409))


class Recorder(threading.Thread):
    """Every container event of the engine, in order: who was started how often, and when."""

    TICK = "recorder-tick"  # made and removed to get the stream going; no part of any scenario

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.events, self.lock = [], threading.Lock()
        self.conn = UnixHTTP(str(sock), None)
        self.conn.request("GET", '/events?filters={"type":["container"]}')
        self.reply = None
        self.start()

    def run(self):
        try:
            self.reply = self.conn.getresponse()
            for line in self.reply:
                with self.lock:
                    self.events.append((time.monotonic(), json.loads(line)))
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass  # closed, or the engine went away: what was seen stays

    def of(self, action, name=None):
        with self.lock:
            named = [(t, e, e["Actor"]["Attributes"].get("name")) for t, e in self.events if e["Action"] == action]
        return [(t, e) for t, e, who in named if who != self.TICK and name in (None, who)]

    def count(self, action, name=None):
        return len(self.of(action, name))

    def order(self, action):
        return [e["Actor"]["Attributes"]["name"] for _, e in self.of(action)]

    def close(self):
        with contextlib.suppress(OSError, AttributeError):
            self.conn.sock.shutdown(socket.SHUT_RDWR)


class Engine:
    """A private dockerd in its own network namespace (tests/lab/engine)."""

    def __init__(self, directory, suite=None):
        self.dir, self.suite = pathlib.Path(directory), suite
        self.env = dict(os.environ)
        if suite:
            self.env["PATH"] = f"{suite}/usr/sbin:{suite}/usr/bin:{self.env['PATH']}"
        self.sock = self.dir / "docker.sock"
        self.url = f"unix://{self.sock}"
        self.docker = Docker(self.sock)
        self.images = set()

    def lab(self, command, *args, timeout=180):
        # Its output goes to a file: the dockerd that it starts keeps the descriptors.
        log = self.dir.parent / f"{self.dir.name}.lab.log"
        self.dir.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "w+") as out:
            done = subprocess.run([LAB / "engine", command, self.dir, *args], env=self.env, stdout=out,
                                  stderr=out, stdin=subprocess.DEVNULL, timeout=timeout, check=False)
            out.seek(0)
            text = out.read()
        assert done.returncode == 0, f"engine {command}: {text}"
        return text

    def start(self, *args):
        env = dict(line.split("=", 1) for line in self.lab("start", *args).split() if "=" in line)
        self.netns, self.ip = f"/run/netns/{env['ENGINE_NETNS']}", env["ENGINE_IP"]
        return self

    def stop(self):
        self.lab("stop")

    def need_image(self, *names):
        for name in names:
            if name in self.images:
                continue
            env = {**os.environ, "DOCKER_HOST": self.url}
            args = {"bb": ["bb", "1", "2"], "svc": ["svc"]}.get(name, ["server", name])
            done = run(LAB / "images", *args, env=env, check=False, timeout=600)
            if done.returncode != 0:
                raise Skip(f"image {name} can't be made here: {done.stderr.strip()[-200:]}")
            self.images.add(name)

    def inside(self, *argv, **kw):
        """Run a command where 127.0.0.1 is the engine's."""
        kw["env"] = {**os.environ, "DOCKER_HOST": self.url, **kw.pop("env", {})}
        return run("nsenter", f"--net={self.netns}", *argv, **kw)

    def compose(self, *args, cwd, tool=None, **kw):
        """Real Docker Compose: 2.40.3, or another one."""
        return run(*(tool or compose_v2()), *args, cwd=cwd, env={**os.environ, "DOCKER_HOST": self.url,
                                               "COMPOSE_HTTP_TIMEOUT": "300"}, **kw)


def suite(name, folder, *packages):
    """Unpack packages of a newer Debian beside the system, or skip."""
    marks = {"docker-compose": "usr/libexec/docker/cli-plugins/docker-compose",
             "docker.io": "usr/sbin/dockerd", "containerd": "usr/bin/containerd"}
    missing = [p for p in packages if not (folder / marks[p]).exists()]
    if missing and run(LAB / "debian-suite", name, folder, *missing, check=False, timeout=300).returncode:
        raise Skip(f"{' '.join(missing)} of Debian {name} can't be fetched")
    return folder


def forky(*packages):
    return suite("forky", FORKY, *packages)


def compose_v2():
    return [forky("docker-compose") / "usr/libexec/docker/cli-plugins/docker-compose"]


def compose_2_26():
    return [suite("trixie", TRIXIE, "docker-compose") / "usr/libexec/docker/cli-plugins/docker-compose"]


def compose_v1():
    tool = "/usr/bin/docker-compose"
    if not os.path.exists(tool):
        raise Skip("docker-compose 1.29.2 is not installed")
    return [tool]


# --- accd ------------------------------------------------------------------------------------

class VarlinkError(Exception):
    def __init__(self, name, parameters):
        super().__init__(f"{name} {parameters}")
        self.name, self.parameters = name, parameters


class Varlink:
    """One connection to the control socket, spoken by hand."""

    def __init__(self, path, timeout=30):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(str(path))
        self.buf = b""

    def send(self, method, parameters=None, **flags):
        message = {"method": method, "parameters": parameters or {}, **flags}
        self.sock.sendall(json.dumps(message).encode() + b"\0")

    def receive(self):
        while b"\0" not in self.buf:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("accd closed the connection")
            self.buf += data
        one, self.buf = self.buf.split(b"\0", 1)
        reply = json.loads(one)
        if "error" in reply:
            raise VarlinkError(reply["error"], reply.get("parameters"))
        return reply

    def call(self, method, parameters=None):
        self.send(method, parameters)
        return self.receive().get("parameters", {})

    def close(self):
        self.sock.close()


class Accd:
    """One accd: its state, its socket, its log. `start()` again after `kill()` keeps the state."""

    def __init__(self, build, engine, directory, args):
        self.build, self.engine, self.dir, self.args = pathlib.Path(build), engine, directory, list(args)
        self.sock, self.state, self.log = directory / "ctl", directory / "state", directory / "accd.log"
        self.process, self.env = None, {}

    def argv(self):
        return [str(self.build / "daemon/accd"), "--docker", self.engine.url, "--socket", str(self.sock),
                "--state-dir", str(self.state), *map(str, self.args)]

    def start(self, ready=True, seconds=30):
        self.sock.unlink(missing_ok=True)
        self.state.mkdir(exist_ok=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "COMPOSE_"))}
        env.update(self.env)
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(["nsenter", f"--net={self.engine.netns}", *self.argv()],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                            cwd=self.dir, start_new_session=True)
        if ready:
            wait(lambda: self.alive() and self.ping(), seconds, f"accd answers a ping\n{self.tail()}")
        return self

    def alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f"accd ended with {self.process.returncode}\n{self.tail()}")
        return True

    def ping(self):
        v = Varlink(self.sock, 5)
        try:
            v.call("io.acc.Ping")
            return True
        finally:
            v.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, seconds=10):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                return self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"accd did not leave within {seconds} s of SIGTERM") from None
        return self.process and self.process.returncode

    def tail(self, lines=40):
        with contextlib.suppress(OSError):
            return "".join(open(self.log, errors="replace").readlines()[-lines:])
        return ""

    def ctl(self, *args, check=True, timeout=120, **kw):
        return run(self.build / "client/accctl", "--socket", self.sock, *args, check=check, timeout=timeout, **kw)

    def json(self, *args, **kw):
        return json.loads(self.ctl("--json", *args, **kw).stdout)

    def call(self, method, **parameters):
        v = Varlink(self.sock)
        try:
            return v.call(f"io.acc.{method}", parameters)
        finally:
            v.close()

    def status(self):
        return self.json("status")

    def services(self):
        return {s["id"]: s for s in self.status()["services"]}

    def service(self, name):
        found = [s for s in self.status()["services"] if name in (s["id"], s["name"])]
        assert len(found) == 1, f"{name}: {len(found)} services of that name"
        return found[0]

    def state_of(self, name):
        return self.service(name)["state"]

    def incidents(self, open_only=True):
        return [i for i in self.status()["incidents"] if i["open"] or not open_only]

    def wait_state(self, name, *states, seconds=60):
        seen = []

        def there():
            s = self.service(name)
            seen[:] = [f"{s['state']} ({s['reason']})"]
            return s["state"] in states and s
        try:
            return wait(there, seconds, f"{name} is {' or '.join(states)}")
        except AssertionError as e:
            raise AssertionError(f"{e}; it is {seen}\n{self.tail()}") from None

    def wait_all_up(self, seconds=120):
        def there():
            services = self.status()["services"]
            return services and all(s["state"] in ("up", "done") for s in services)
        try:
            wait(there, seconds, "all services are up")
        except AssertionError as e:
            left = {s["id"]: (s["state"], s["reason"]) for s in self.status()["services"]
                    if s["state"] not in ("up", "done")}
            raise AssertionError(f"{e}: {left}\n{self.tail()}") from None

    # what it costs
    def rss_anon_kib(self):
        return self._status_kib("RssAnon")

    def rss_kib(self):
        return self._status_kib("VmRSS")

    def _status_kib(self, key):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wakeups(self):
        """Voluntary context switches of all its threads: how often it went to sleep again."""
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with contextlib.suppress(OSError):
                for line in open(f"/proc/{self.process.pid}/task/{task}/status"):
                    if line.startswith("voluntary_ctxt_switches:"):
                        total += int(line.split()[1])
        return total


# --- one test's world ------------------------------------------------------------------------

class World:
    """What a scenario gets: an engine without containers, a folder, and everything it makes in them."""

    def __init__(self, build, engine, directory):
        self.build, self.engine, self.docker, self.dir = build, engine, engine.docker, directory
        self.accds, self.recorders, self.extra = [], [], contextlib.ExitStack()
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)

    def stack(self, name, services, raw=None, file="compose.yaml", **top):
        """Write NAME/compose.yaml; returns its path."""
        folder = self.dir / name
        folder.mkdir(exist_ok=True)
        path = folder / file
        path.write_text(raw if raw is not None else yaml({"name": name, "services": services, **top}))
        return path

    def config(self, stacks, **keys):
        """Write acc.yaml; returns its path."""
        path = self.dir / "acc.yaml"
        path.write_text(yaml({"stacks": [str(s) for s in stacks], **keys}))
        return path

    def accd(self, *files, config=None, args=(), start=True, name="accd", engine=None, **kw):
        folder = self.dir / name
        folder.mkdir(exist_ok=True)
        arguments = ["-c", config] if config else [a for f in files for a in ("-f", f)]
        made = Accd(self.build, engine or self.engine, folder, [*arguments, *args])
        self.accds.append(made)
        return made.start(**kw) if start else made

    def record(self):
        made = Recorder(self.engine.sock)
        self.recorders.append(made)
        # Until the stream is seen to be live nothing may be concluded from its silence.
        wait(lambda: made.reply is not None or self._tick(), 10, "the event stream is open")
        return made

    def _tick(self):
        # An engine sends the stream's headers with its first event only (20.10).
        with contextlib.suppress(ApiError):
            made = self.docker.call("POST", f"/containers/create?name={Recorder.TICK}",
                                    {"Image": BB, "Cmd": ["/bin/true"]})
            self.docker.call("DELETE", f"/containers/{made['Id']}")
        return False

    def close(self):
        self.extra.close()
        for a in self.accds:
            if a.process and a.process.poll() is None:
                a.process.send_signal(signal.SIGCONT)
                a.kill()
        for r in self.recorders:
            r.close()
        with contextlib.suppress(AssertionError):
            self.engine.lab("thaw-all")
        self.engine.lab("up")
        self.docker.wipe()
