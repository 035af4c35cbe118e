"""What accd made is Compose's: ps, logs, exec, up --dry-run, down of the real 2.40.3."""
import json
import subprocess

from lib import needs, service, wait


@needs(seconds=150)
def test_docker_compose_works_on_what_accd_made(w):
    """ps sees the services and their health, logs and exec work, a dry run changes nothing, down ends it."""
    path = w.stack("s", {"a": service(interval="1s", hostname="ha", labels={"x": "y"}),
                         "b": service("a", interval="1s", ports=["127.0.0.1:18082:8080"], volumes=["vol:/data", "/tmp:/host:ro"],
                                      environment={"LOG_LINES": "2"}, mem_limit="64m", cap_add=["NET_ADMIN"])},
                   volumes={"vol": {}}, networks={"default": {}})
    accd = w.accd(path)
    accd.ctl("up", "--all")

    def compose(*args):
        return w.engine.compose(*args, cwd=path.parent)
    rows = [json.loads(line) for line in compose("ps", "--format", "json").stdout.splitlines()]
    assert {r["Service"] for r in rows} == {"a", "b"} and {r["State"] for r in rows} == {"running"}, rows
    assert "ready" in compose("logs", "--no-color", "b").stdout
    assert compose("exec", "-T", "a", "cat", "/etc/hostname").stdout.strip() == "ha"
    dry = compose("up", "-d", "--dry-run").stderr
    assert "Recreate" not in dry and "Creat" not in dry, dry
    assert "ok" in w.engine.inside("curl", "-s", "http://127.0.0.1:18082/").stdout
    networks = w.docker.inspect("s-b-1")["NetworkSettings"]["Networks"]
    assert "b" in networks["s_default"]["Aliases"]
    compose("down")
    wait(lambda: not w.docker.containers(), 20, "compose down has removed what accd made")


@needs(seconds=120)
def test_logs_of_accctl(w):
    """logs prints both streams; -f follows what comes."""
    path = w.stack("s", {"a": service(environment={"LOG_LINES": "1", "LOG_EVERY": "1"}),
                         "b": service(command=["/bin/sh", "-c", "echo to out; echo to err >&2; exec /bin/app"])})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    said = accd.ctl("logs", "b")
    assert "to out" in said.stdout and "to err" in said.stderr, (said.stdout, said.stderr)
    follow = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "logs", "a", "-f"],
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    w.extra.callback(follow.kill)
    lines = [follow.stdout.readline() for _ in range(8)]
    assert any("xxxx" in line for line in lines), lines


@needs("nginx", "redis", seconds=120)
def test_real_servers(w):
    """nginx and redis with their own checks or none at all."""
    path = w.stack("s", {"web": {"image": "acc-test/nginx:1", "depends_on": {"cache": {"condition": "service_healthy"}},
                                 "ports": ["127.0.0.1:18083:80"]},
                         "cache": {"image": "acc-test/redis:1"}})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    # accd's own verdict: redis by its check, nginx, which has none, because its port listens
    assert {accd.service(name)["health"] for name in ("cache", "web")} == {"healthy"}
    assert w.engine.inside("curl", "-s", "http://127.0.0.1:18083/").stdout == "ok"
