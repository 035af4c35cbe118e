"""Lifecycle hooks: post_start after a start of accd's, pre_stop before a stop, and kill -9 in between."""
import json
import pathlib

from lib import needs, service, wait

SOCKET = pathlib.Path("/var/run/docker.sock")


def logged(w):
    path = w.dir / "log" / "lines"
    return path.read_text().splitlines() if path.exists() else []


def hook(text, **keys):
    return [{"command": ["/bin/sh", "-c", text], **keys}]


def with_log(w, *needs_, **keys):
    (w.dir / "log").mkdir(exist_ok=True)
    return service(*needs_, volumes=[f"{w.dir / 'log'}:/log"], **keys)


@needs(seconds=180)
def test_around_start_and_stop(w):
    """After each start of ours and before each stop, with user, directory and variables."""
    path = w.stack("s", {
        "a": with_log(w, post_start=hook('sleep 1; echo "post $$(id -u) $$PWD $$WORD" >>/log/lines', user="0:0",
                                         working_dir="/proc", environment={"WORD": "said"})
                      + hook("echo second >>/log/lines"),
                      pre_stop=hook("echo pre >>/log/lines")),
        "b": with_log(w, "a", condition="service_started", command=[
            "/bin/sh", "-c", "echo b >>/log/lines; exec /bin/app"])})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    assert logged(w) == ["post 0 /proc said", "second", "b"], logged(w)
    accd.ctl("restart", "a")
    assert logged(w)[3:] == ["pre", "post 0 /proc said", "second"], logged(w)
    w.docker.crash("s-a-1")
    wait(lambda: len(logged(w)) == 8, 30, "the start after a crash has its hooks, the crash has none")
    accd.wait_state("a", "up")
    # started by hand: whoever does that runs the hooks, or doesn't want them
    w.docker.call("POST", "/containers/s-a-1/stop?t=1")
    accd.wait_state("a", "held")
    w.docker.call("POST", "/containers/s-a-1/start")
    accd.wait_state("a", "up")
    accd.ctl("stop", "a")
    assert logged(w)[6:] == ["post 0 /proc said", "second", "pre"], logged(w)


@needs(seconds=180)
def test_a_failed_post_start_is_a_failed_start(w):
    """It is stopped, told with what the hook said, and started again; who needs it waits."""
    path = w.stack("s", {"a": with_log(w, post_start=hook("echo tried >>/log/lines; [ -e /log/go ] || { echo no go; exit 3; }")),
                         "b": with_log(w, "a", condition="service_started")})
    accd = w.accd(path)
    wait(lambda: len(logged(w)) >= 2, 60, "it is started again")
    reason = accd.service("a")["reason"]
    assert "post_start hook 1 exited with 3: no go" in reason, reason
    assert not w.docker.inspect("s-b-1")["State"]["Running"]
    (w.dir / "log" / "go").touch()
    accd.wait_all_up(60)


@needs(seconds=180)
def test_kill_amid_a_hook(w):
    """What wasn't known to be over runs again, what was is not repeated; the same for a stop."""
    wait_for = "echo {0} >>/log/lines; while [ ! -e /log/{0} ]; do sleep 0.1; done; echo {0} done >>/log/lines"
    path = w.stack("s", {"a": with_log(w, post_start=hook(wait_for.format("post")),
                                       pre_stop=hook(wait_for.format("pre")))})
    accd = w.accd(path)
    wait(lambda: logged(w) == ["post"], 60, "the hook runs")
    accd.kill()
    accd.start()
    wait(lambda: logged(w) == ["post"] * 2, 60, "it runs again")
    assert accd.state_of("a") == "starting"
    (w.dir / "log" / "post").touch()
    accd.wait_all_up(60)
    assert sorted(logged(w)) == ["post"] * 2 + ["post done"] * 2, logged(w)
    accd.kill()
    accd.start()
    accd.wait_all_up(60)
    accd.ctl("stop", "a", "--detach")
    wait(lambda: len(logged(w)) == 5, 60, "pre_stop runs")
    assert w.docker.inspect("s-a-1")["State"]["Running"], "it is stopped before its hook is over"
    accd.kill()
    accd.start()
    wait(lambda: len(logged(w)) == 6, 60, "pre_stop runs again")
    (w.dir / "log" / "pre").touch()
    accd.wait_state("a", "off")
    assert logged(w)[4:6] == ["pre"] * 2 and len(logged(w)) <= 8, logged(w)


@needs(seconds=120)
def test_a_failed_pre_stop_holds_nothing_up(w):
    """The stop goes on, and why the hook failed is told."""
    path = w.stack("s", {"a": service(pre_stop=hook("echo not now; exit 7"))})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("stop", "a")
    assert not w.docker.inspect("s-a-1")["State"]["Running"]
    assert "pre_stop hook 1 exited with 7: not now" in accd.ctl("history", "a").stdout + accd.tail(200)


@needs(seconds=180)
def test_hooks_hash_as_in_compose(w):
    """docker compose finds nothing to do on what accd made, api socket included."""
    if not SOCKET.exists():
        SOCKET.touch()
        w.extra.callback(SOCKET.unlink)
    login = w.dir / "docker"
    login.mkdir()
    (login / "config.json").write_text(json.dumps({"auths": {"r.example": {"auth": "dTpw"}}}))
    path = w.stack("s", {"a": service(post_start=hook("true"), use_api_socket=True, interval="1s"),
                         "b": service("a", pull_policy="daily", interval="1s", use_api_socket=True,
                                      environment={"A": "1", "DOCKER_CONFIG": "/mine"}, volumes=["/srv:/srv:ro"])})
    accd = w.accd(path, start=False)
    accd.env = {"DOCKER_CONFIG": str(login)}
    accd.start()
    accd.ctl("up", "--all")
    dry = w.engine.compose("up", "-d", "--dry-run", "--pull", "never", cwd=path.parent).stderr
    assert "Recreate" not in dry and "Creat" not in dry, dry
    inspect = w.docker.inspect("s-a-1")
    assert "DOCKER_CONFIG=/run/secrets/docker" in inspect["Config"]["Env"]
    config = w.engine.compose("exec", "-T", "a", "cat", "/run/secrets/docker/config.json", cwd=path.parent).stdout
    assert json.loads(config) == {"auths": {"r.example": {"auth": "dTpw"}}}, config
    assert "dTpw" not in open(accd.log).read() + json.dumps(inspect)


@needs(seconds=120)
def test_pull_by_age(w):
    """daily and its like: an image that was tagged long enough ago is pulled before a container is made."""
    w.docker.call("POST", "/images/acc-test%2Fbb:1/tag?repo=localhost:1/none&tag=1")
    path = w.stack("s", {"young": service(image="localhost:1/none:1", pull_policy="every_1h"),
                         "other": service(pull_policy="missing")})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.stop()
    path = w.stack("t", {"old": service(image="localhost:1/none:1", pull_policy="every_1ms")})
    accd = w.accd(path, name="accd2")
    wait(lambda: "localhost:1" in accd.service("old")["reason"], 30, "it is pulled, which fails here")
    assert "t-old-1" not in w.docker.identities()
