"""An upgrade of a stateful service that fails after its new container has run: nothing moves before a person decides."""
from lib import needs, run, service, wait
from test_upgrade import IMAGE, TIMING, image, names, version


def fail(w, monitor="60s", **env):
    image(w, VERSION="1")
    path = w.stack("s", {"a": service(interval="1s", image=IMAGE, ports=["127.0.0.1:18091:8080"],
                                      volumes=["data:/data"], **{"x-acc": {"stateful": True}})}, volumes={"data": {}})
    accd = w.accd(config=w.config([path], timing={**TIMING, "upgrade_monitor": monitor}))
    accd.ctl("up", "--all")
    image(w, VERSION="2", **env)
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1, done
    return accd, done


@needs(seconds=150)
def test_it_waits_for_a_word_and_goes_back(w):
    """status, why, upgrade and the incident name the two commands; accd killed meanwhile asks again; --yes goes back."""
    accd, done = fail(w, HEALTH="fail")
    for text in (done.stderr, accd.ctl("status", "a").stdout, accd.ctl("why", "a", check=False).stdout):
        assert "accctl rollback a --yes goes back to r1" in text and "accctl upgrade a --keep goes on with r2" in text, text
    row = accd.json("history", "a")["revisions"][0]
    assert (row["revision"], row["result"], row["needs_operator"], row["attempt"]) == (2, "trial", True, False), row
    assert "did not get ready" in row["reason"], row
    table = accd.ctl("history", "a").stdout
    assert "needs-operator" in table and "accctl rollback a --yes" in table, table
    held = w.docker.identities()
    assert accd.state_of("a") == "failed" and [i["root"] for i in accd.incidents()] == ["s/a"]
    row = accd.json("plan")["changes"][0]
    assert row["service"] == "s/a" and row["action"] == "keep" and "s/a --keep" in row["reasons"][0]["text"], row
    again = accd.ctl("rollback", "a", check=False)
    assert again.returncode == 6 and "--yes" in again.stderr, again
    accd.kill()
    accd.start()
    accd.wait_state("a", "failed")
    assert [i["root"] for i in accd.incidents()] == ["s/a"], "the incident is open again"
    assert w.docker.identities() == held, "something was touched"
    assert accd.json("history", "a")["revisions"][0]["needs_operator"], "it still waits"
    accd.ctl("rollback", "a", "--yes")
    row = accd.json("history", "a")["revisions"][0]
    assert (row["revision"], row["result"], row["needs_operator"]) == (2, "rolled-back", False), row
    assert version(w) == "1" and names(w) == ["s-a-1"]
    accd.wait_state("a", "up")
    assert accd.ctl("upgrade", "a", "--keep", check=False).returncode == 6
    assert accd.ctl("rollback", "a", "--keep", check=False).returncode == 2


@needs(seconds=150)
def test_it_goes_on_with_the_new_one(w):
    """It was committed and died while it was watched; --keep starts it again, and in the end it is the stable one."""
    accd, done = fail(w, monitor="20s", CRASH_AFTER="8")
    assert "exited with 1" in done.stderr and not w.docker.inspect("s-a-1")["State"]["Running"], done
    assert names(w) == ["s-a-1", "s-a-1.r1"]
    accd.ctl("upgrade", "a", "--keep", "--detach")
    wait(lambda: w.docker.running("s-a-1"), 20, "it was started again")
    row = accd.json("history", "a")["revisions"][0]
    assert (row["result"], row["needs_operator"], row["reason"]) == ("trial", False, ""), row
    assert version(w) == "2" and names(w) == ["s-a-1", "s-a-1.r1"]


@needs(seconds=150)
def test_it_is_not_handed_back_before_the_word(w):
    """Neither accctl nor accd gives Docker what somebody has to decide about first; both say what, and nothing is touched."""
    accd, _ = fail(w, HEALTH="fail")
    held = w.docker.identities()
    done = accd.ctl("hand-back", "s", check=False, timeout=30)
    assert done.returncode == 6 and "accctl rollback a --yes" in done.stderr, done
    accd.stop()
    done = run(*accd.argv(), "--hand-back", cwd=accd.dir, timeout=30, check=False)
    assert done.returncode == 1 and "s/a stays accd's: the upgrade of a waits" in done.stdout + done.stderr, done
    assert w.docker.identities() == held, "something was touched"
    accd.start()
    accd.ctl("rollback", "a", "--yes")
    accd.ctl("hand-back", "s", timeout=30)
    assert version(w) == "1" and names(w) == ["s-a-1"]
