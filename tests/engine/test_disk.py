"""A disk without room for the state: what is asked for is done and said to be forgotten, until there is room again."""
import contextlib
import os

from lib import needs, run, service, wait

NOT_SAVED = "not saved: disk full ("


def small_disk(w, path, kib=2048):  # the write-ahead log alone may have some hundred
    path.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", path)
    w.extra.callback(lambda: run("umount", "-l", path, check=False))


def fill(path):
    with open(path / "fill", "wb", buffering=0) as f, contextlib.suppress(OSError):
        while True:
            f.write(b"x" * 512)


@needs(seconds=180)
def test_a_full_disk_is_told_and_got_over(w):
    """hold and stop say that they aren't saved, status too; with room again the next one saves all of it."""
    state = w.dir / "accd" / "state"
    small_disk(w, state)
    files = [w.stack("s", {n: service(check=False) for n in "abc"})]
    accd = w.accd(config=w.config(files, timing={"incident_notify": "1s", "incident_close": "2s"}))
    accd.ctl("up", "--all")
    assert "not saved" not in accd.ctl("status").stdout
    fill(state)
    for verb in (["hold", "a", "--for", "2h"], ["stop", "b"]):
        done = accd.ctl(*verb)
        assert NOT_SAVED + str(state) in done.stderr, (verb, done)
    assert NOT_SAVED in accd.ctl("status").stdout.splitlines()[1], accd.ctl("status").stdout
    assert NOT_SAVED[11:] in accd.json("hold", "a")["unsaved"]
    w.docker.crash("s-a-1")
    accd.wait_state("a", "held", seconds=20)
    assert accd.ctl("events", "a").stdout, "what can't be written can be read"
    wait(lambda: "host:disk" in [i["root"] for i in accd.incidents()], 20, "the host's disk is an incident")
    refused = accd.ctl("upgrade", "c", check=False)
    assert refused.returncode and "host:disk" in refused.stdout + refused.stderr, refused
    (state / "fill").unlink()
    done = accd.ctl("release", "a")
    wait(lambda: not accd.incidents(), 20, "the incident is over")
    assert "not saved" not in done.stderr and "not saved" not in accd.ctl("status").stdout, done
    accd.kill()
    accd.start()
    accd.wait_state("b", "off", seconds=20)  # asked for while nothing could be written
    accd.wait_state("a", "up", seconds=30)


@needs(seconds=180)
def test_the_edge_of_a_full_disk_is_full(w):
    """Where one record has room and the next one hasn't, that isn't told each time: it is full until there is room for more."""
    state = w.dir / "accd" / "state"
    small_disk(w, state)
    accd = w.accd(config=w.config([w.stack("s", {n: service(check=False) for n in "abc"})]))
    accd.ctl("up", "--all")
    fill(state)
    size = (state / "fill").stat().st_size
    for step in range(24):
        os.truncate(state / "fill", size - step * 4096)
        accd.ctl("hold" if step % 2 == 0 else "release", "a")
        if accd.log.read_text().count("can be written again"):
            break
    assert NOT_SAVED in accd.ctl("status").stdout, "it flaps"
    assert "can be written again" not in accd.log.read_text()
    (state / "fill").unlink()
    accd.ctl("hold", "a")
    assert "not saved" not in accd.ctl("status").stdout
    assert accd.log.read_text().count("can be written again") == 1


@needs(seconds=180)
def test_an_apply_finds_out_that_there_is_room_again(w):
    """A full disk ends an apply; once there is room the next one does it at once, although nothing was saved since."""
    state = w.dir / "accd" / "state"
    small_disk(w, state)

    def files(value):
        return w.stack("s", {"a": service(interval="1s", environment={"V": value})})
    accd = w.accd(config=w.config([files("1")], timing={"upgrade_stable": "1s", "upgrade_drain": "0"}))
    accd.ctl("up", "--all")
    fill(state)
    accd.ctl("hold", "a")
    accd.ctl("release", "a")
    wait(lambda: NOT_SAVED in accd.ctl("status").stdout, 20, "it is seen")
    files("2")
    done = accd.ctl("apply", check=False)
    assert done.returncode and "host:disk" in done.stderr, done
    (state / "fill").unlink()
    done = accd.ctl("apply", check=False)
    assert done.returncode == 0 and "apply: done, 1 service (1 recreated), " in done.stdout, done
    assert "V=2" in w.docker.inspect("s-a-1")["Config"]["Env"]


@needs(seconds=180)
def test_how_one_ended_on_a_full_disk_is_told_later(w):
    """A change that is taken back while nothing can be saved is no longer on trial once there is room."""
    state = w.dir / "accd" / "state"
    small_disk(w, state)

    def files(value):
        return w.stack("s", {"a": service(interval="1s", environment={"V": value})})

    def told():
        return {r["revision"]: r["result"] for r in accd.json("history", "a")["revisions"]}
    accd = w.accd(config=w.config([files("1")], timing={"upgrade_stable": "1s", "upgrade_drain": "0"}))
    accd.ctl("up", "--all")
    files("2")
    accd.ctl("apply")
    assert told() == {1: "stable", 2: "trial"}, told()
    fill(state)
    accd.ctl("rollback", "a")
    assert NOT_SAVED in accd.ctl("status").stdout
    (state / "fill").unlink()
    accd.ctl("hold", "a")
    assert told() == {1: "stable", 2: "rolled-back"}, told()


@needs(seconds=180)
def test_a_start_on_a_full_disk(w):
    """accd runs without state where it can't have any, knows what it has written before, and saves again later."""
    state = w.dir / "accd" / "state"
    small_disk(w, state)
    accd = w.accd(w.stack("s", {"a": service(check=False), "b": service(check=False)}))
    accd.ctl("up", "--all")
    accd.ctl("stop", "b")
    accd.kill()
    fill(state)
    accd.start()
    accd.wait_state("a", "up", seconds=20)
    assert accd.state_of("b") == "off", "what was there can be read"
    accd.stop()
    for f in state.iterdir():
        f.unlink()
    fill(state)
    accd.start()
    wait(lambda: NOT_SAVED in accd.ctl("status").stdout, 20, "it says that it has no state")
    accd.ctl("adopt", "s", check=False)
    record = w.record()
    w.docker.crash("s-a-1")
    wait(lambda: record.count("start", "s-a-1") == 1, 30, "it heals")
    (state / "fill").unlink()
    done = accd.ctl("hold", "a")
    assert "not saved" not in done.stderr, done
    accd.kill()
    accd.start()
    assert accd.service("a")["hold"]["kind"] == "freeze"
    assert accd.status()["stacks"][0]["mode"] == "managing"
