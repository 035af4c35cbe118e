"""Upgrades of a phase that goes back as a whole."""
from lib import needs, service, wait
from test_upgrade import TIMING, image, names, version

OLD = ["s-a-1", "s-b-1", "s-c-1"]


def ref(name):
    return f"acc-up/{name}:1"


def images(w, number, **of_c):
    for name in "abc":
        image(w, ref(name), VERSION=number, **(of_c if name == "c" else {}))


def of_phase(name, *on):
    return service(*on, interval="1s", image=ref(name), **{"x-acc": {"phase": "base"}})


@needs(seconds=150)
def test_a_phase_goes_back_as_a_whole(w):
    """Three in a phase, the last one's image is bad: all end on their old containers, though two had been watched."""
    images(w, "1")
    path = w.stack("s", {"a": of_phase("a"), "b": of_phase("b", "a"), "c": of_phase("c", "b")})
    accd = w.accd(config=w.config([path], timing=TIMING, phases=[{"name": "base", "rollback": "phase"}]))
    accd.ctl("up", "--all")
    before = {name: w.docker.inspect(name)["Id"] for name in OLD}
    images(w, "2", HEALTH="fail")
    done = accd.ctl("upgrade", "--phase", "base", check=False)
    assert done.returncode == 1 and "did not get ready" in done.stderr, done
    assert "a: rolled back to r1: c of the same phase was rolled back" in done.stderr, done
    wait(lambda: names(w) == OLD, 30, "what was new is gone")
    wait(lambda: all(w.docker.inspect(n)["State"]["Running"] for n in OLD), 30, "the old ones run")
    assert {name: w.docker.inspect(name)["Id"] for name in OLD} == before
    assert [version(w, name) for name in OLD] == ["1", "1", "1"]
    accd.wait_all_up(30)
    for name in "abc":
        newest = accd.json("history", name)["revisions"][0]
        assert (newest["revision"], newest["result"]) == (2, "rolled-back"), newest
        why = "did not get ready" if name == "c" else "c of the same phase was rolled back"
        assert why in newest["reason"], newest
        assert accd.service(name)["revision"] == 1
    done = accd.ctl("upgrade", "--phase", "base", check=False)
    assert done.returncode != 0 and "c of the same phase could not be upgraded" in done.stderr, done
    assert "name it with --image" in done.stderr, done
    assert {name: w.docker.inspect(name)["Id"] for name in OLD} == before and names(w) == OLD
    assert [i["State"]["Running"] for i in map(w.docker.inspect, OLD)] == [True] * 3
    images(w, "3")
    accd.ctl("upgrade", "--phase", "base")
    assert [version(w, name) for name in OLD] == ["3", "3", "3"]
    assert names(w) == OLD, "all have proven themselves, and none of the kept ones is left"


@needs(seconds=120)
def test_who_shares_a_namespace_is_back_before_its_phase_begins(w):
    """vpn and the one in its network, of a later phase, in one order: that one is down for vpn's start, not for half its watch."""
    images(w, "1")
    path = w.stack("s", {"a": of_phase("a"), "b": dict(of_phase("b"), network_mode="service:a",
                                                       **{"x-acc": {"phase": "apps"}})})
    watch = 16
    accd = w.accd(config=w.config([path], timing={**TIMING, "upgrade_monitor": f"{watch}s"},
                                  phases=[{"name": "base"}, {"name": "apps"}]))
    accd.ctl("up", "--all")
    plan = accd.ctl("upgrade", "--all", "--dry-run").stdout
    assert ("s/b: stops with s/a, as it shares with that, and is made anew when the new one is ready; "
            "its own upgrade follows\n") in plan, plan
    images(w, "2")
    record = w.record()
    accd.ctl("upgrade", "--all", "--detach")
    wait(lambda: accd.service("b")["revision"] == 2 and accd.state_of("b") == "up", 60, "b is upgraded in its turn")
    ends = [t for t, _ in record.of("die", "s-b-1")]
    starts = [t for t, _ in record.of("start") if _["Actor"]["Attributes"]["name"].startswith("s-b-1")]
    assert len(ends) == 2 and len(starts) == 2, (ends, starts)
    assert starts[0] - ends[0] < watch / 4, "as it was, as soon as vpn's new one was ready"
    assert ends[1] - ends[0] > watch / 2 and starts[1] - ends[1] < watch / 4, "and then its new one"
    assert [version(w, name) for name in ("s-a-1", "s-b-1")] == ["2", "2"]
    inside = w.docker.inspect("s-b-1")["HostConfig"]["NetworkMode"]
    assert inside == "container:" + w.docker.inspect("s-a-1")["Id"], inside
