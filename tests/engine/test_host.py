"""What services need of the host, and what they can't do at the same time (x-acc: host, serialize)."""
import os
import stat

from lib import holds, needs, run, service, wait

# Told by events: what is found by looking with each list would come a long time later.
QUICK = {"resync": "10m", "incident_notify": "1s", "incident_close": "2s"}


def accd_of(w, services):
    path = w.stack("s", services)
    accd = w.accd(config=w.config([path], timing=QUICK))
    return accd


@needs(seconds=120)
def test_a_changed_file_says_what_the_host_lacks(w):
    """The new container could not start without its mount: the old one runs on, and apply says so and ends."""
    nas = w.dir / "nas"
    nas.mkdir()
    run("mount", "-t", "tmpfs", "acc-test", nas)
    try:
        files = lambda value: {"a": service(check=False, environment={"V": value},  # noqa: E731
                                            **{"x-acc": {"host": [f"mount:{nas}"]}})}
        accd = accd_of(w, files("1"))
        accd.ctl("up", "--all")
        before = w.docker.identities()
        run("umount", nas)
        w.stack("s", files("2"))
        late = accd.ctl("apply", check=False, timeout=60)
        assert late.returncode == 1 and f"stays as it was: nothing is mounted on {nas}" in late.stderr, late
        assert w.docker.identities() == before
        run("mount", "-t", "tmpfs", "acc-test", nas)
        accd.ctl("apply")
        assert w.docker.identities()["s-a-1"] != before["s-a-1"]
    finally:
        run("umount", nas, check=False)


@needs(seconds=150)
def test_a_mount_is_waited_for(w):
    """Nothing is made before the mount is there; when it goes what runs rides, with one incident of the host."""
    nas = w.dir / "nas"
    nas.mkdir()
    accd = accd_of(w, {"a": service(**{"x-acc": {"host": [f"mount:{nas}"]}}), "b": service("a")})
    record = w.record()
    root = f"host:mount:{nas}"
    try:
        accd.ctl("up", "--all", "--detach")
        wait(lambda: f"nothing is mounted on {nas}" in accd.service("a")["reason"], 20, "it says what it waits for")
        blocked = accd.service("a")
        assert (blocked["state"], blocked["root"]) == ("blocked", [root]), blocked
        holds(lambda: record.count("create", "s-a-1") == 0, 2, "no container is made of it")
        assert [i["root"] for i in accd.incidents()] == [root]
        assert f"because nothing is mounted on {nas}" in accd.ctl("why", "b").stdout
        run("mount", "-t", "tmpfs", "acc-test", nas)
        accd.wait_all_up(20)
        assert record.order("start") == ["s-a-1", "s-b-1"]
        wait(lambda: not accd.incidents(), 20, "the incident is over")
        before = w.docker.identities()
        run("umount", nas)
        lost = accd.wait_state("a", "impaired", seconds=20)
        assert lost["root"] == [root] and "suffers" in lost["reason"], lost
        w.docker.crash("s-a-1")
        accd.wait_state("a", "blocked", seconds=20)
        holds(lambda: record.count("start", "s-a-1") == 1, 2, "it is not started without its mount")
        run("mount", "-t", "tmpfs", "acc-test", nas)
        accd.wait_all_up(20)
        assert w.docker.identities()["s-a-1"][0] == before["s-a-1"][0], "the same container"
    finally:
        run("umount", nas, check=False)


@needs(seconds=120)
def test_a_device_and_an_address_are_waited_for(w):
    """A device node below folders that don't exist yet, a file, and an address of an interface."""
    device, file = w.dir / "dev" / "by-id" / "stick", w.dir / "ready"
    accd = accd_of(w, {"a": service(**{"x-acc": {"host": [f"device:{device}"]}}),
                       "b": service(**{"x-acc": {"host": [f"path:{file}", "address:127.7.7.7"]}})})
    try:
        accd.ctl("up", "--all", "--detach")
        accd.wait_state("a", "blocked", seconds=20)  # an accd that has just been started says first that Docker hasn't answered yet
        wait(lambda: f"the device {device} is missing" in accd.service("a")["reason"], 20, "it says what is missing")
        accd.wait_state("b", "blocked", seconds=20)
        device.parent.mkdir(parents=True)
        device.write_text("no device")
        holds(lambda: accd.state_of("a") == "blocked", 1, "a file is no device")
        device.unlink()
        os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        accd.wait_state("a", "up", seconds=20)
        file.write_text("")
        wait(lambda: accd.service("b")["root"] == ["host:address:127.7.7.7"], 20, "only the address is missing")
        w.engine.inside("ip", "address", "add", "127.7.7.7/32", "dev", "lo")
        accd.wait_state("b", "up", seconds=20)
        device.unlink()
        accd.wait_state("a", "impaired", seconds=20)
        os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        accd.wait_state("a", "up", seconds=20)
        assert accd.service("a")["restarts"] == 0
    finally:
        w.engine.inside("ip", "address", "del", "127.7.7.7/32", "dev", "lo", check=False)


@needs(seconds=120)
def test_what_is_serialized_gets_ready_one_at_a_time(w):
    """Two that load the same card: the second is started when the first is ready, and so after a restart."""
    loads = {"environment": {"HEALTH": "fail"}, "x-acc": {"serialize": "card"}}
    accd = accd_of(w, {"a": service(**loads), "b": service(**loads), "c": service()})
    record = w.record()
    accd.ctl("up", "--all", "--detach")
    accd.wait_state("c", "up", seconds=30)
    wait(lambda: any(record.count("start", f"s-{n}-1") for n in "ab"), 30, "one of them is started")
    first, second = ("a", "b") if record.count("start", "s-a-1") else ("b", "a")  # whichever was made first
    queued = accd.wait_state(second, "queued", seconds=30)
    assert queued["reason"] == f"waits until {first} is ready: both are serialized by card", queued["reason"]
    holds(lambda: record.count("start", f"s-{second}-1") == 0, 2, "the other one is not started")
    w.docker.set_health(f"s-{first}-1", "ok")
    wait(lambda: record.count("start", f"s-{second}-1") == 1, 20, "it is started when the first is ready")
    w.docker.crash(f"s-{first}-1")  # it would come back as sick as it began
    accd.wait_state(first, "queued", seconds=20)
    w.docker.set_health(f"s-{second}-1", "ok")
    wait(lambda: record.count("start", f"s-{first}-1") == 2, 20, "it is started again when the other is ready")


@needs(seconds=180)
def test_a_bind_source_is_waited_for(w):
    """Docker would make an empty folder where a source isn't mounted: what has been ready with it isn't started there."""
    nas, source = w.dir / "nas", w.dir / "nas" / "data"
    link = w.dir / "link"
    nas.mkdir()
    link.symlink_to(nas)

    def mount():
        run("mount", "-t", "tmpfs", "acc-nas", nas)

    root = f"host:{nas}"

    def away(name):
        # an accd that has just been started says first that Docker hasn't answered yet
        blocked = wait(lambda: next((s for s in [accd.service(name)] if s["state"] == "blocked" and
                                     f"acc-nas is not mounted on {nas}" in s["reason"]), None), 20, f"{name} is blocked by its source")
        assert blocked["root"] == [root], blocked

    try:
        mount()
        source.mkdir()
        accd = accd_of(w, {"a": service(volumes=[f"{source}:/data"]), "b": service("a"),
                           "c": service(volumes=[f"{link}/data:/data"])})
        record = w.record()
        accd.ctl("up", "--all")
        run("umount", nas)
        up = wait(lambda: next((s for s in [accd.service("a")] if "would not start again" in s["reason"]), None), 20,
                  "it says that it runs on")
        assert up["state"] == "up" and not up["root"] and not accd.incidents(), up
        refused = accd.ctl("restart", "a", check=False)  # it would only be a stop
        assert refused.returncode == 6 and "runs, and would not start again" in refused.stderr, refused
        assert accd.state_of("a") == "up" and record.count("die", "s-a-1") == 0
        w.docker.crash("s-a-1")
        away("a")
        assert root in [i["root"] for i in accd.incidents()]
        assert accd.service("b")["state"] in ("up", "impaired")
        assert f"accctl release {root}" in accd.ctl("why", "a").stdout
        accd.ctl("stop", "c")
        accd.ctl("up", "c", "--detach")
        away("c")  # by a link
        accd.kill()
        accd.start()
        away("a")
        holds(lambda: record.count("start", "s-a-1") == 1 and record.count("start", "s-c-1") == 1, 2, "neither is started")
        assert not list(nas.iterdir()), "nothing is made where the mount belongs"
        mount()
        accd.wait_all_up(30)
        wait(lambda: not accd.incidents(), 20, "the incidents are over")
        accd.ctl("stop", "a")
        run("umount", nas)
        accd.ctl("up", "a", "--detach")
        away("a")
        source.mkdir()
        accd.ctl("release", "a")
        accd.wait_state("a", "up", seconds=20)  # a person has said that it belongs there
        w.docker.crash("s-a-1")
        wait(lambda: record.count("start", "s-a-1") == 4, 20, "it does from here on")
        mount()
        w.docker.crash("s-a-1")
        lost = accd.wait_state("a", "blocked", seconds=20)
        assert f"lies on the mount at {nas}" in lost["reason"], lost["reason"]
    finally:
        run("umount", nas, check=False)


@needs(seconds=180)
def test_a_lost_mount_is_one_incident(w):
    """However many paths and services lie on it; what a person says of the mount counts for all of it, and for nothing else."""
    nas, disk = w.dir / "nas", w.dir / "disk"
    nas.mkdir()
    disk.mkdir()

    def mount(where, name):
        run("mount", "-t", "tmpfs", name, where)

    try:
        mount(nas, "acc-nas")
        mount(disk, "acc-disk")
        for source in (nas / "a", nas / "more", nas / "b", disk / "d"):
            source.mkdir()
        accd = accd_of(w, {"a": service(volumes=[f"{nas}/a:/a", f"{nas}/more:/more"]), "b": service(volumes=[f"{nas}/b:/b"]),
                           "c": service("b"), "d": service(volumes=[f"{disk}/d:/d"])})
        record = w.record()
        accd.ctl("up", "--all")
        run("umount", nas)
        run("umount", disk)
        wait(lambda: all("would not start again" in accd.service(s)["reason"] for s in ("a", "b", "d")), 20, "all have lost it")
        w.docker.crash("s-a-1")
        w.docker.crash("s-b-1")
        for name in ("a", "b"):
            lost = accd.wait_state(name, "blocked", seconds=20)
            assert lost["root"] == [f"host:{nas}"] and f"acc-nas is not mounted on {nas}" in lost["reason"], lost
        behind = accd.wait_state("c", "impaired", seconds=20)
        assert behind["root"] == [f"host:{nas}"], behind
        assert "suffers, because acc-nas is not mounted" in behind["reason"], behind["reason"]
        nas_incident = wait(lambda: next((i for i in accd.incidents() if i["root"] == f"host:{nas}" and len(i["impact"]) == 3),
                                         None), 20, "all three suffer from one incident")
        assert sorted(nas_incident["impact"]) == ["s/a", "s/b", "s/c"], nas_incident
        assert len(accd.incidents()) == 1, accd.incidents()
        assert f"acc-nas is not mounted on {nas}" in accd.ctl("incidents").stdout
        assert f"host:{nas}" in accd.ctl("status").stdout
        assert "blocked" in accd.ctl("why", f"host:{nas}").stdout
        assert "host:PATH is for release" in accd.ctl("stop", f"host:{nas}", check=False).stderr
        assert accd.ctl("release", f"host:{w.dir}/none", check=False).returncode == 2
        mount(nas, "acc-nas")
        (nas / "a").mkdir()
        (nas / "more").mkdir()
        (nas / "b").mkdir()
        wait(lambda: all(accd.state_of(s) == "up" for s in ("a", "b", "c")), 30, "all are back")
        wait(lambda: not accd.incidents(), 20, "the incident is over")
        run("umount", nas)
        wait(lambda: "would not start again" in accd.service("b")["reason"], 20, "it is lost again")
        w.docker.crash("s-a-1")
        w.docker.crash("s-b-1")
        w.docker.crash("s-d-1")
        for name in ("a", "b", "d"):
            accd.wait_state(name, "blocked", seconds=20)
        assert sorted(i["root"] for i in accd.incidents()) == sorted([f"host:{nas}", f"host:{disk}"]), accd.incidents()
        starts = record.count("start", "s-d-1")
        for source in (nas / "a", nas / "more", nas / "b", disk / "d"):
            source.mkdir()
        told = accd.ctl("release", f"host:{nas}").stdout
        assert "release: done, 2 services (2 released" in told, told
        for name in ("a", "b", "c"):
            accd.wait_state(name, "up", seconds=20)
        holds(lambda: accd.state_of("d") == "blocked" and record.count("start", "s-d-1") == starts, 1, "the disk is another matter")
    finally:
        run("umount", nas, check=False)
        run("umount", disk, check=False)


@needs(seconds=120)
def test_a_mount_that_some_name_is_one_root_for_all(w):
    """One service names the mount, another only has a source on it: one incident, whoever is told of first."""
    nas = w.dir / "nas"
    nas.mkdir()
    root = f"host:mount:{nas}"
    try:
        run("mount", "-t", "tmpfs", "acc-nas", nas)
        (nas / "b").mkdir()
        accd = accd_of(w, {"a": service(**{"x-acc": {"host": [f"mount:{nas}"]}}), "b": service(volumes=[f"{nas}/b:/b"])})
        accd.ctl("up", "--all")
        run("umount", nas)
        wait(lambda: "would not start again" in accd.service("b")["reason"], 20, "b has lost it")
        w.docker.crash("s-a-1")
        w.docker.crash("s-b-1")
        for name in ("a", "b"):
            lost = accd.wait_state(name, "blocked", seconds=20)
            assert lost["root"] == [root] and "because" in lost["reason"], lost
        assert [(i["root"], sorted(i["impact"]), i["cause"]) for i in accd.incidents()] == [
            (root, ["s/a", "s/b"], f"nothing is mounted on {nas}")], accd.incidents()
        run("mount", "-t", "tmpfs", "acc-nas", nas)
        (nas / "b").mkdir()
        accd.wait_all_up(30)
        wait(lambda: not accd.incidents(), 20, "the incident is over")
        told = accd.ctl("incidents").stdout + accd.ctl("events").stdout
        assert told.count("closed after") == 1, told
    finally:
        run("umount", nas, check=False)
