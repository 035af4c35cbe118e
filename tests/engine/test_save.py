"""What a decision was made on, saved and played again; and what would happen on the host as it is."""
import json

from lib import needs, run, service, wait

SECRET = "s3cr3t-value"


def start(w):
    path = w.stack("s", {"db": service(interval="1s", environment={"PASSWORD": SECRET}, command=["/bin/app", f"x{SECRET}"]),
                         "web": service("db", interval="1s"), "alone": service(interval="1s")})
    accd = w.accd(config=w.config([path]))
    accd.ctl("up", "--all")
    return accd


def replay(w, text, *args, check=True):
    path = w.dir / "decision.txt"
    path.write_text(text)
    return run(w.build / "client/accctl", "replay", path, *args, check=check)


@needs(seconds=120)
def test_a_saved_decision_is_decided_again(w):
    """After a crash: the file has the state, what was heard and what was asked; replay asks for the same."""
    accd = start(w)
    record = w.record()
    w.docker.crash("s-db-1")
    wait(lambda: record.count("start", "s-db-1"), 20, "db is started again")
    saved = accd.ctl("events", "--save", "1").stdout
    assert saved.splitlines()[-1] == "then start db", saved[-300:]
    assert SECRET not in saved and "PASSWORD" not in saved
    out = replay(w, saved).stdout
    assert "as it must be" in out and "start db" in out, out
    wrong = saved.replace("then start db", "then start web")
    done = replay(w, wrong, check=False)
    assert done.returncode == 1 and "differs" in done.stdout, done
    done = accd.ctl("events", "--save", "900", check=False)
    assert done.returncode == 6 and "isn't kept" in done.stderr, done
    lines = accd.json("events", "--save", "1")["lines"]
    assert "\n".join(lines).strip() == saved.strip()


@needs(seconds=120)
def test_all_that_was_decided_on_the_way_up_replays(w):
    """Creates, starts, an operator's stop: each of them, from the same accd."""
    accd = start(w)
    accd.ctl("stop", "web")
    accd.ctl("restart", "alone")
    n = 0
    while True:
        done = accd.ctl("events", "--save", str(n + 1), check=False)
        if done.returncode:
            break
        n += 1
        out = replay(w, done.stdout, "-q", check=False)
        assert out.returncode == 0, f"{n}: {out.stdout}\n{done.stdout.splitlines()[0]}"
    assert n >= 5, n


@needs(seconds=120)
def test_a_drill_begins_with_the_host_as_it_is(w):
    """What is held or stopped stays so in the what-if; nothing is touched, and accd goes on answering."""
    accd = start(w)
    before = w.docker.identities()
    out = accd.ctl("drill", "--fail", "db").stdout
    assert "start s/db" in out and "all is well after" in out, out
    told = accd.json("drill", "--fail", "db")
    assert {s["id"] for s in told["services"]} == {"s/db", "s/web"} and told["well"], told
    accd.ctl("hold", "db", "--down", "--reason", "test")
    held = accd.ctl("drill", "--fail", "db", check=False)
    assert held.returncode == 1 and "start s/db" not in held.stdout, held
    accd.ctl("release", "db")
    accd.ctl("stop", "alone")
    gone = accd.ctl("drill", "--fail", "alone", check=False)
    assert gone.returncode == 1 and "doesn't run" in gone.stderr, gone
    assert "start s/db" in accd.ctl("drill", "--fail", "engine").stdout
    assert accd.ctl("drill", "--flap", "db", "--json").returncode == 0
    assert accd.ctl("drill", "--oom", "web").returncode == 0
    del before["s-alone-1"]
    after = w.docker.identities()
    assert {k: after[k] for k in before} == before, "a drill touched something"
    assert SECRET not in json.dumps(accd.call("State"))
