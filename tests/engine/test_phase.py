"""Phases: groups of services come up one after the other."""
from lib import holds, needs, service, wait


@needs(seconds=150)
def test_phases_come_up_in_order(w):
    """apps begin when base is well for its gate; afterwards a crash heals without waiting."""
    path = w.stack("s", {"db": service(environment={"HEALTH": "fail"}, **{"x-acc": {"phase": "base"}}),
                         "web": service(check=False, **{"x-acc": {"phase": "apps"}})})
    config = w.config([path], phases=[{"name": "base", "gate": {"healthy_for": "2s"}}, {"name": "apps"}])
    accd = w.accd(config=config)
    record = w.record()
    accd.ctl("up", "--all", "--detach")
    queued = accd.wait_state("web", "queued", seconds=30)
    wait(lambda: "phase base: db" in accd.service("web")["reason"], 20, f"the reason names db: {queued['reason']}")
    wait(lambda: record.count("create", "s-web-1"), 20, "its container is made meanwhile")
    holds(lambda: record.count("start", "s-web-1") == 0, 2, "it is not started")
    w.docker.set_health("s-db-1", "ok")
    accd.wait_all_up(60)
    assert record.order("start") == ["s-db-1", "s-web-1"]
    w.docker.set_health("s-db-1", "fail")
    w.docker.crash("s-web-1")
    wait(lambda: record.count("start", "s-web-1") == 2, 20, "it is healed while base is ill")
    accd.ctl("down", "--all")
    done = accd.ctl("up", "--phase", "apps")
    assert "1 service" in done.stdout and accd.service("db")["state"] == "off", done.stdout


@needs(seconds=60)
def test_a_phase_that_waits_for_a_later_one_is_refused(w):
    path = w.stack("s", {"db": service(**{"x-acc": {"phase": "apps"}}),
                         "web": service("db", **{"x-acc": {"phase": "base"}})})
    config = w.config([path], phases=[{"name": "base"}, {"name": "apps"}])
    accd = w.accd(config=config, start=False)
    done = accd.ctl("check", config, check=False)
    assert done.returncode == 4 and "later phase 'apps'" in done.stdout + done.stderr, done.stderr
