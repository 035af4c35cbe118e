"""Volumes that nobody has named go on to the container that is made in another one's place, as with Docker Compose."""
from lib import BB, needs, service, wait
from test_upgrade import TIMING, names, version

IMAGE = "acc-vol/app:1"


def image(w, *changes, **env):
    """As test_upgrade.image(), with a VOLUME."""
    made = w.docker.call("POST", "/containers/create", {"Image": BB, "Env": [f"{k}={v}" for k, v in env.items()]})
    repo, tag = IMAGE.rsplit(":", 1)
    more = "&".join(f"changes={c.replace(' ', '%20')}" for c in changes)
    w.docker.call("POST", f"/commit?container={made['Id']}&repo={repo}&tag={tag}&{more}")
    w.docker.call("DELETE", f"/containers/{made['Id']}?v=1")


def write(w, name, path, text):
    code, out = w.docker.exec(name, "/bin/sh", "-c", f"echo {text} >{path}")
    assert code == 0, out


def read(w, name, path):
    code, out = w.docker.exec(name, "/bin/sh", "-c", f"cat {path} 2>/dev/null || echo nothing")
    assert code == 0, out
    return out[8:].decode().strip()  # a frame's head


def at(w, name, target):
    return next(m["Name"] for m in w.docker.inspect(name)["Mounts"] if m["Destination"] == target)


def stack(w, **keys):
    return w.stack("s", {"a": service(interval="1s", image=IMAGE, volumes=["/own"], **keys)})


@needs(seconds=200)
def test_what_nobody_has_named_goes_on(w):
    """An image's VOLUME and a target alone in the file: over an upgrade, a rollback, a change of the file and a network
    that was made anew. Never are two at them at once. After `down` they are new."""
    image(w, "VOLUME /data", VERSION="1")
    accd = w.accd(config=w.config([stack(w)], timing=TIMING))
    accd.ctl("up", "--all")
    write(w, "s-a-1", "/data/x", "precious")
    write(w, "s-a-1", "/own/x", "mine")
    data, own = at(w, "s-a-1", "/data"), at(w, "s-a-1", "/own")

    image(w, "VOLUME /data", VERSION="2")
    plan = accd.ctl("upgrade", "a", "--dry-run").stdout
    assert "stop-first" in plan and "a volume without a name" in plan, plan
    accd.ctl("upgrade", "a")
    assert version(w) == "2" and (at(w, "s-a-1", "/data"), at(w, "s-a-1", "/own")) == (data, own)
    wait(lambda: names(w) == ["s-a-1"], 20, "the kept one goes, and leaves the volumes")
    assert (read(w, "s-a-1", "/data/x"), read(w, "s-a-1", "/own/x")) == ("precious", "mine")
    assert accd.json("plan")["changes"] == [], "a volume that was handed over is no difference"

    accd.ctl("rollback", "a")
    assert version(w) == "1" and read(w, "s-a-1", "/data/x") == "precious"
    wait(lambda: names(w) == ["s-a-1"], 20, "the watch is over")
    stack(w, environment={"TZ": "UTC"})
    accd.ctl("apply")
    assert (read(w, "s-a-1", "/data/x"), read(w, "s-a-1", "/own/x")) == ("precious", "mine")
    wait(lambda: names(w) == ["s-a-1"], 20, "the watch is over")

    made = w.docker.inspect("s-a-1")["Id"]
    w.docker.call("POST", "/networks/s_default/disconnect", {"Container": "s-a-1", "Force": True})
    w.docker.call("DELETE", "/networks/s_default")
    accd.ctl("restart", "a")
    assert w.docker.inspect("s-a-1")["Id"] != made, "its network is another one"
    assert (at(w, "s-a-1", "/data"), at(w, "s-a-1", "/own")) == (data, own)

    accd.ctl("down", "--all")
    accd.ctl("up", "--all")
    assert read(w, "s-a-1", "/data/x") == "nothing" and at(w, "s-a-1", "/own") != own


@needs(seconds=150)
def test_what_the_file_mounts_there_wins(w):
    """A named volume in its place, and a line that was taken out of the file."""
    image(w, "VOLUME /data", VERSION="1")
    accd = w.accd(config=w.config([stack(w)], timing=TIMING))
    accd.ctl("up", "--all")
    write(w, "s-a-1", "/data/x", "precious")
    w.stack("s", {"a": service(interval="1s", image=IMAGE, volumes=["named:/data"])}, volumes={"named": {}})
    accd.ctl("apply")
    assert (read(w, "s-a-1", "/data/x"), at(w, "s-a-1", "/data")) == ("nothing", "s_named")
    assert not [m for m in w.docker.inspect("s-a-1")["Mounts"] if m["Destination"] == "/own"]


@needs(seconds=120)
def test_the_only_container_is_no_half_of_an_upgrade(w):
    """Renamed by hand to what an upgrade calls the new one beside the old one, stopped or not: it is named again, and its
    data is there."""
    image(w, "VOLUME /data", VERSION="1")
    accd = w.accd(config=w.config([stack(w)], timing=TIMING))
    accd.ctl("up", "--all")
    write(w, "s-a-1", "/data/x", "precious")
    made = w.docker.inspect("s-a-1")["Id"]
    for tag, verb in (("c1", "stop"), ("c5", "up"), ("bad3", "stop"), ("r1", "up")):
        accd.ctl(verb, "a")
        w.docker.call("POST", f"/containers/s-a-1/rename?name=s-a-1.{tag}")
        wait(lambda: names(w) == ["s-a-1"], 20, "it has its name again")
    accd.ctl("up", "a")
    assert w.docker.inspect("s-a-1")["Id"] == made and read(w, "s-a-1", "/data/x") == "precious"
