"""Up, in order, at once: gates by evidence, and no waiting for Docker's first interval."""
from lib import needs, nine_layers, service, wait


def passed_before(record, dependency, moment):
    """Evidence that `dependency` was ready: its check passed (accd's own, or Docker's)."""
    own = [t for t, e in record.of("exec_die", dependency)
           if e["Actor"]["Attributes"].get("exitCode") == "0" and t <= moment]
    return own or [t for t, _ in record.of("health_status: healthy", dependency) if t <= moment]


@needs("svc", seconds=300, alone=True)
def test_nine_layers_of_seventy_start_in_order(w):
    """Each of 70 services starts once, after both that it needs have passed a check in this run."""
    services = nine_layers("30s")
    path = w.stack("big", services)
    record = w.record()
    accd = w.accd(path)
    accd.ctl("up", "--all", timeout=200)
    accd.wait_all_up(5)

    starts = {e["Actor"]["Attributes"]["name"]: t for t, e in record.of("start")}
    assert len(starts) == 70 and record.count("start") == 70, f"{record.count('start')} starts of {len(starts)}"
    for name, spec in services.items():
        for dependency in spec.get("depends_on", ()):
            assert passed_before(record, f"big-{dependency}-1", starts[f"big-{name}-1"]), \
                f"{name} started before {dependency} had passed its check"
    # Docker's first check comes after 30 s: nine layers of that would be 270 s.
    took = max(starts.values()) - min(starts.values())
    assert took < 120, f"{took:.0f} s: it waited for Docker's own checks"


@needs(seconds=150)
def test_one_shots_and_services_without_a_check(w):
    """completed_successfully waits for exit 0; a service without a check is ready when it listens."""
    path = w.stack("mix", {
        "plain": service(check=False, environment={"START_DELAY": "2"}, expose=["8080"]),
        "after-plain": service("plain", condition="service_started", check=False, expose=["8080"]),
        "migrate": service("plain", condition="service_started", check=False, restart="no",
                           command=["/bin/sh", "-c", "i=0; until nc -w 1 plain 8080 -e /bin/true; do "
                                    "i=$$((i + 1)); [ $$i -lt 50 ] || exit 1; sleep 0.2; done"]),
        "app": service("migrate", condition="service_completed_successfully"),
    })
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.wait_all_up(5)
    assert accd.state_of("migrate") == "done"
    # It had something to talk to: `plain` listens two seconds after its start.
    assert w.docker.inspect("mix-migrate-1")["State"]["ExitCode"] == 0
    assert w.docker.inspect("mix-app-1")["State"]["Running"]


PG = """
[ -s $PGDATA/PG_VERSION ] || {
  initdb -U postgres -A trust --no-locale -E UTF8 -N >/dev/null && echo host all all all trust >>$PGDATA/pg_hba.conf
  pg_ctl -w -o "-c listen_addresses='' -k /tmp" start >/dev/null
  psql -h /tmp -U postgres -qc "select pg_sleep(3); create table ready (at timestamptz)"
  pg_ctl -w -m fast stop >/dev/null
}
exec postgres -h 0.0.0.0 -k /tmp
"""


@needs("postgres", seconds=180)
def test_dependents_of_postgres_wait_for_the_real_server(w):
    """From an empty volume: pg_isready already passes on the temporary server of the first start."""
    ask = 'psql -h db -U postgres -qtc "select count(*) from ready"'
    client = {"image": "acc-test/postgres:1", "restart": "no", "command": ["/bin/sh", "-c", ask],
              "depends_on": {"db": {"condition": "service_healthy"}}}
    path = w.stack("pg", {
        "db": {"image": "acc-test/postgres:1", "command": ["/bin/sh", "-c", PG.replace("$", "$$")],
               "volumes": ["data:/data"], "expose": ["5432"],
               "healthcheck": {"test": ["CMD", "pg_isready", "-U", "postgres", "-h", "/tmp"],
                               "interval": "30s", "timeout": "5s", "retries": 5}},
        **{f"client{i}": client for i in range(3)},
    }, volumes={"data": {}})
    record = w.record()
    accd = w.accd(path)
    accd.ctl("up", "--all", check=False)
    for i in range(3):
        name = f"pg-client{i}-1"
        wait(lambda name=name: record.count("die", name), 60, f"{name} has asked")
        state = w.docker.inspect(name)["State"]
        assert state["ExitCode"] == 0, f"{name} met no server: exit {state['ExitCode']}"
        assert record.count("start", name) == 1
