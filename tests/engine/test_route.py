"""Who may call a container by its service's name, and when: upgrades behind clients and proxies."""
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
