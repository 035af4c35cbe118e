"""Who may call a container by its service's name, and when: upgrades behind clients and proxies."""
import http.client
import shutil
import subprocess
import threading
import time

from lib import BB, Engine, Skip, World, forky, needs, service, wait

IMAGE = "acc-up/app:1"
TIMING = {"upgrade_drain": "0", "upgrade_stable": "1s", "upgrade_monitor": "3s", "upgrade_timeout": "30s"}
NETWORKS = {"front": {"aliases": ["shop"], "priority": 9}, "back": {}}


def image(w, ref=IMAGE, **env):
    """Make REF mean a new image: the controllable one with these variables."""
    made = w.docker.call("POST", "/containers/create", {"Image": BB, "Env": [f"{k}={v}" for k, v in env.items()]})
    repo, tag = ref.rsplit(":", 1)
    done = w.docker.call("POST", f"/commit?container={made['Id']}&repo={repo}&tag={tag}")
    w.docker.call("DELETE", f"/containers/{made['Id']}")
    return done["Id"]


def names(w):
    return sorted(c["Names"][0][1:] for c in w.docker.containers())


def candidate(w):
    return next((n for n in names(w) if ".c" in n), None)


def aliases(w, name):
    """network -> the names that others may call it by, without its own and its id."""
    networks = w.docker.inspect(name)["NetworkSettings"]["Networks"]
    return {n: {a for a in v.get("Aliases") or () if len(a) != 12 and not a.startswith(name)} for n, v in networks.items()}


def calls(w, host):
    """What answers to that name, from a container that is none of the stack."""
    code, out = w.docker.exec("client", "/bin/busybox", "timeout", "3", "/bin/busybox", "wget", "-qO-",
                              f"http://{host}:8080/cgi-bin/version")
    return out[8:].decode().split()[0] if code == 0 else None


def named_when_ready(w):
    image(w, VERSION="1")
    path = w.stack("s", {"a": service(interval="1s", image=IMAGE, networks=NETWORKS)}, networks={"front": {}, "back": {}})
    accd = w.accd(config=w.config([path], timing=TIMING))
    accd.ctl("up", "--all")
    w.docker.run("client", HostConfig={"NetworkMode": "s_front"})
    image(w, VERSION="2", START_DELAY="4")
    accd.ctl("upgrade", "a", "--detach")
    new = wait(lambda: candidate(w), 20, "there is a candidate")
    wait(lambda: w.docker.running(new), 20, "it runs")
    assert aliases(w, new) == {"s_front": set(), "s_back": set()}, aliases(w, new)
    assert calls(w, "a") == calls(w, "shop") == "1"
    wait(lambda: names(w) == ["client", "s-a-1"], 60, "the new one has taken over")
    assert aliases(w, "s-a-1") == {"s_front": {"a", "shop"}, "s_back": {"a"}}, aliases(w, "s-a-1")
    assert "s-a-1" in w.docker.inspect("s-a-1")["NetworkSettings"]["Networks"]["s_back"]["Aliases"]
    assert calls(w, "a") == calls(w, "shop") == calls(w, "s-a-1") == "2"
    w.engine.compose("up", "-d", "--no-build", "--dry-run", cwd=path.parent)


@needs(seconds=150)
def test_the_new_one_gets_its_names_when_it_is_ready(w):
    """Until then nobody reaches it by the service's name; afterwards by all of them, on all networks."""
    named_when_ready(w)


@needs(seconds=200)
def test_the_same_on_28(w):
    """The same on Docker 28, which takes all networks with the create."""
    engine = Engine(w.dir.parent / f"e{w.dir.name}-route28", forky("docker.io", "containerd"))
    w.extra.callback(engine.stop)
    try:
        engine.start()
    except AssertionError as e:
        raise Skip(f"Docker 28 does not run here: {e}") from None
    engine.need_image("bb")
    other = World(w.build, engine, w.dir / "w28")
    w.extra.callback(other.close)
    named_when_ready(other)


# --- behind a real HAProxy -----------------------------------------------------------------------

# Its own check, and HAProxy's of what that check said last, fail while it is drained.
CHECK = {"test": ["CMD-SHELL", "test ! -e /dev/shm/acc-drain && /bin/app health || { rm -f /www/ready; exit 1; }"],
         "interval": "1s", "timeout": "5s", "retries": 1}
HAPROXY = """
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    retries 0
resolvers docker
    nameserver dns 127.0.0.11:53
    hold valid 500ms
    hold obsolete 1s
    timeout resolve 500ms
frontend in
    bind :9080
    default_backend web
backend web
    option httpchk GET /ready
    default-server check inter 300ms fall 1 rise 1 resolvers docker init-addr none
    server-template web 4 a:8080
"""


class Load(threading.Thread):
    """Requests one after the other by several threads, each on a connection of its own."""

    def __init__(self, host, port, n=4):
        super().__init__(daemon=True)
        self.address, self.n, self.failed, self.slow, self.ok, self.done = (host, port), n, [], 0, 0, threading.Event()
        self.start()

    def one(self):
        begin = time.monotonic()
        conn = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            conn.request("GET", "/cgi-bin/version")
            status = conn.getresponse().status
        except (OSError, http.client.HTTPException) as e:
            status = repr(e)
        finally:
            conn.close()
        if status != 200:
            self.failed.append(status)
        self.ok += status == 200
        self.slow += time.monotonic() - begin > 1

    def loop(self):
        while not self.done.is_set():
            self.one()
            self.done.wait(0.02)

    def run(self):
        threads = [threading.Thread(target=self.loop) for _ in range(self.n)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def end(self):
        self.done.set()
        self.join()


def behind_haproxy(w):
    """accd with one service, HAProxy in front of it (in the network of a container that is nobody's), load on it."""
    if not shutil.which("haproxy"):
        raise Skip("no haproxy here")
    image(w, VERSION="1")
    path = w.stack("s", {"a": service(image=IMAGE, healthcheck=CHECK)}, networks={"default": {}})
    accd = w.accd(config=w.config([path], timing={**TIMING, "upgrade_drain": "10s", "upgrade_settle": "2s"}))
    accd.ctl("up", "--all")
    w.docker.run("proxy", HostConfig={"NetworkMode": "s_default", "PortBindings": {"9080/tcp": [{"HostPort": "19080"}]}},
                 ExposedPorts={"9080/tcp": {}})
    config = w.dir / "haproxy.cfg"
    config.write_text(HAPROXY)
    with open(w.dir / "haproxy.log", "w") as log:
        process = subprocess.Popen(["nsenter", f"--net=/proc/{w.docker.pid('proxy')}/ns/net", shutil.which("haproxy"),
                                    "-db", "-f", str(config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    w.extra.callback(process.wait)
    w.extra.callback(process.terminate)

    def answers():
        conn = http.client.HTTPConnection(w.engine.ip, 19080, timeout=2)
        conn.request("GET", "/cgi-bin/version")
        return conn.getresponse().status == 200
    wait(answers, 30, "HAProxy serves it")
    load = Load(w.engine.ip, 19080)
    w.extra.callback(load.end)
    return accd, load


def version(w):
    env = w.docker.inspect("s-a-1")["Config"]["Env"]
    return next(e.split("=", 1)[1] for e in env if e.startswith("VERSION="))


def nothing_lost(load):
    load.end()
    assert not load.failed and load.ok > 50, (load.failed[:9], len(load.failed), load.ok)


def marked(w):
    return w.docker.exec("s-a-1", "/bin/test", "-e", "/dev/shm/acc-drain")[0] == 0


@needs(seconds=200)
def test_haproxy_loses_no_request(w):
    """An upgrade and the rollback to the revision before it, with retries off: not one request fails."""
    accd, load = behind_haproxy(w)
    image(w, VERSION="2")
    accd.ctl("upgrade", "a")
    assert version(w) == "2"
    accd.ctl("rollback", "a")
    assert version(w) == "1"
    nothing_lost(load)


@needs(seconds=200)
def test_haproxy_and_accd_killed_amid_the_drain(w):
    """kill -9 while the old one is marked: whatever the next accd makes of it, nothing is lost and no mark stays."""
    accd, load = behind_haproxy(w)
    image(w, VERSION="2")
    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: candidate(w) and marked(w), 60, "the old one is marked")
    accd.kill()
    accd.start()
    wait(lambda: names(w) == ["proxy", "s-a-1"] and not marked(w), 90, "it has come to its end")
    accd.wait_state("a", "up", seconds=30)
    nothing_lost(load)


@needs(seconds=200)
def test_haproxy_and_a_rollback_amid_the_drain(w):
    """Taken back while the old one is marked: it serves again before the new one goes."""
    accd, load = behind_haproxy(w)
    old = w.docker.inspect("s-a-1")["Id"]
    image(w, VERSION="2")
    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: candidate(w) and marked(w), 60, "the old one is marked")
    accd.ctl("rollback", "a")
    wait(lambda: names(w) == ["proxy", "s-a-1"], 30, "the new one is gone")
    assert w.docker.inspect("s-a-1")["Id"] == old and not marked(w)
    nothing_lost(load)


@needs(seconds=100)
def test_a_dry_run_warns_of_traefik_without_a_health_check(w):
    """Traefik would route to the new one from its start on; with a check, or turned off, there is nothing to warn of."""
    labels = {"traefik.http.routers.x.rule": "Host(`x`)"}
    path = w.stack("s", {"bare": service(check=False, labels=labels), "checked": service(interval="1s", labels=labels),
                         "off": service(check=False, labels={**labels, "traefik.enable": "false"})})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    plan = accd.ctl("upgrade", "--all", "--dry-run").stdout
    warned = [x for x in plan.splitlines() if "Traefik" in x]
    assert len(warned) == 1 and warned[0].startswith("s/bare: has no health check"), plan
