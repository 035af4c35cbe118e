"""Under a real systemd 252: readiness, watchdog, restart, and a stop that leaves workloads."""
import os

from lib import LAB, Engine, Skip, needs, run, service, wait


@needs(seconds=400)
def test_unit(w):
    """Type=notify READY, STATUS, kill -9 restarts, a hang is caught by the watchdog, stop leaves workloads."""
    host = Engine(w.dir.parent / f"e{w.dir.name}-sd").start()
    w.extra.callback(host.stop)
    env = {**os.environ, "DOCKER_HOST": host.url}
    done = run(LAB / "systemd-lab", "image", env=env, check=False, timeout=250)
    if done.returncode:
        raise Skip(f"the systemd image can't be made: {done.stderr[-200:]}")
    destination = w.dir / "root"
    run("meson", "install", "-C", w.build, "--no-rebuild", env={**os.environ, "DESTDIR": str(destination)})
    path = w.stack("s", {"a": service(), "b": service("a")})
    w.config(["/stacks/s/compose.yaml"])
    # The stack lives on the test's own engine; systemd is a container of another one.
    run(LAB / "systemd-lab", "start", "sd", "-v", f"{w.engine.sock}:/run/engine.sock",
        "-v", f"{path.parent}:/stacks/s", "-v", f"{destination}:/dest:ro",
        "-v", f"{w.dir}/acc.yaml:/etc/acc/acc.yaml:ro", env=env, timeout=120)

    def inside(*argv, check=True):
        return run(LAB / "systemd-lab", "exec", "sd", *argv, env=env, check=check).stdout.strip()

    def show(key):
        return inside("systemctl", "show", "-P", key, "accd")
    inside("sh", "-c", "cp -a /dest/usr/. /usr/ && systemd-sysusers && mkdir -p /etc/systemd/system/accd.service.d && "
           "printf '[Service]\\nEnvironment=DOCKER_HOST=unix:///run/engine.sock\\nWatchdogSec=2\\n' "
           ">/etc/systemd/system/accd.service.d/test.conf && systemctl daemon-reload")
    assert not inside("systemd-analyze", "verify", "accd.service", check=False)
    inside("systemctl", "start", "accd")
    assert show("ActiveState") == "active" and show("SubState") == "running"
    inside("accctl", "up", "--all")
    wait(lambda: "2" in show("StatusText"), 10, "STATUS tells about the services")
    before = w.docker.identities()

    first = show("MainPID")
    inside("kill", "-9", first)
    wait(lambda: show("ActiveState") == "active" and show("MainPID") not in ("0", first), 15, "restarted after kill -9")
    second = show("MainPID")
    inside("kill", "-STOP", second)
    wait(lambda: show("ActiveState") == "active" and show("MainPID") not in ("0", second), 20, "the watchdog saw the hang")
    assert int(show("NRestarts")) == 2
    log = inside("journalctl", "-u", "accd", "-o", "json")
    assert '"ACC_SERVICE"' in log, "no structured fields in the journal"
    inside("systemctl", "reload", "accd")
    inside("systemctl", "stop", "accd")
    assert show("Result") == "success", show("Result")
    assert w.docker.identities() == before, "workloads were touched"
    assert "Start it: systemctl start accd" in inside("sh", "-c", "accctl status 2>&1", check=False)
    # With the socket unit a client that comes first waits, and its coming starts accd.
    inside("systemctl", "start", "accd.socket")
    assert show("ActiveState") == "inactive"
    assert "Docker" in inside("accctl", "ping")
    assert show("ActiveState") == "active"
    inside("systemctl", "restart", "accd")
    inside("accctl", "status")
    assert inside("stat", "-c", "%U:%G %a", "/run/acc/control") == "root:acc 660"
    inside("systemctl", "stop", "accd.socket", "accd")
    # A bad configuration is not tried again and again.
    w.config(["/stacks/s/compose.yaml"], stack=[])  # a wrong key
    inside("systemctl", "start", "accd", check=False)
    wait(lambda: show("ActiveState") == "failed" and show("ExecMainStatus") == "4", 15, "failed with 4, once")
