"""The root, not the symptoms: one incident, nobody else restarted, and a sentence that says why."""
from lib import needs, service, wait

DEPENDENTS = [f"d{i}" for i in range(12)]


def world(w, hook=None, **timing):
    services = {"db": service(environment={"START_DELAY": "3"}, restart="always")}
    for d in DEPENDENTS:
        services[d] = service("db", interval="1s", environment={"NEEDS": "db:8080"})
    # one that can't live without it: it ends when the database is gone
    loop = "while nc -w 1 db 8080 -e /bin/true; do sleep 1; done; echo lost the database; exit 1"
    services["fragile"] = service("db", check=False, command=["/bin/sh", "-c", loop], restart="always")
    path = w.stack("s", services)
    keys = {"on_incident": [hook]} if hook else {}
    return w.accd(config=w.config([path], timing={"incident_notify": "0s", "incident_close": "2s", **timing}, **keys))


@needs(seconds=200)
def test_only_the_root_is_restarted(w):
    """The database is killed: 12 dependents ride, one falls and comes back, one incident is told."""
    told = w.dir / "told"
    accd = world(w, hook=f"env | grep ^ACC_ | sort | tr '\\n' ' ' >>{told}; echo >>{told}")
    accd.ctl("up", "--all")
    before = w.docker.identities()
    w.docker.crash("s-db-1")

    def cascade():
        services = accd.services()
        return services["s/db"]["state"] != "up" and \
            all(services[f"s/{d}"]["state"] == "impaired" and services[f"s/{d}"]["root"] == ["s/db"] for d in DEPENDENTS)
    wait(cascade, 10, "all dependents are impaired, with the database as their root")
    why = accd.ctl("why", "d3").stdout
    assert "db" in why and "d3" in why, why
    incidents = accd.incidents()
    assert [i["root"] for i in incidents] == ["s/db"], incidents

    accd.wait_all_up(60)
    after = w.docker.identities()
    touched = [d for d in DEPENDENTS if after[f"s-{d}-1"] != before[f"s-{d}-1"]]
    assert not touched, f"restarted for nothing: {touched}"
    services = accd.services()
    assert services["s/db"]["restarts"] == 1
    assert {services[f"s/{d}"]["restarts"] for d in DEPENDENTS} == {0}
    assert services["s/fragile"]["state"] == "up"
    wait(lambda: not accd.incidents(), 30, "the incident is closed")
    wait(lambda: len(told.read_text().splitlines()) == 2, 10, "the command was told of opening and closing")
    opened, closed = told.read_text().splitlines()
    assert "s/db" in opened and "s/db" in closed and opened != closed, told.read_text()


@needs(seconds=120)
def test_blocked_until_the_root_is_back(w):
    """A dependency that is stopped by hand blocks what isn't running; the reason names it."""
    path = w.stack("s", {"db": service(), "app": service("db")})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("stop", "app")
    accd.ctl("stop", "db")
    wait(lambda: not w.docker.running("s-db-1"), 20, "db is stopped")
    accd.ctl("up", "app", "--detach", check=False)
    record = w.record()
    state = wait(lambda: accd.service("app")["state"] in ("blocked", "up", "starting") and accd.service("app"), 20,
                 "app is asked for")
    # `up app` pulls its dependencies in, as Compose does; then both come up in order.
    if state["state"] == "blocked":
        assert state["root"] == ["s/db"], state
        accd.ctl("up", "db")
    accd.wait_all_up(60)
    order = record.order("start")
    assert order.index("s-db-1") < order.index("s-app-1") if "s-db-1" in order else True
