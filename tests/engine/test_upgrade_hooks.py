"""Commands around an upgrade: in the container and on the host, with a limit; what they said is kept."""
import subprocess

from lib import needs, service, wait
from test_upgrade import image, names, version, IMAGE, TIMING


def start(w, **upgrade):
    image(w, VERSION="1")
    path = w.stack("s", {"a": service(interval="1s", image=IMAGE, **{"x-acc": {"upgrade": upgrade}})})
    accd = w.accd(config=w.config([path], timing=TIMING))
    accd.ctl("up", "--all")
    return accd


def said(accd):
    return accd.ctl("events", "-n", "200", "a").stdout


@needs(seconds=120)
def test_before_and_after_in_the_container_and_on_the_host(w):
    """pre runs in the old container before anything is touched, post in the new one; output is in the history."""
    log = w.dir / "log"
    accd = start(w, pre=[{"run": ["/bin/sh", "-c", "echo dump of $$VERSION; echo $$VERSION >/tmp/dump"]},
                         f'echo "$$ACC_HOOK $$ACC_SERVICE $$ACC_REVISION" >>{log}'],
                 post=[{"run": "echo it is $$VERSION now"}, {"host": ["/bin/sh", "-c", f"echo $$ACC_HOOK >>{log}"]}])
    old = w.docker.inspect("s-a-1")["Id"]
    image(w, VERSION="2")
    record = w.record()
    accd.ctl("upgrade", "a")
    assert version(w) == "2" and names(w) == ["s-a-1"] and w.docker.inspect("s-a-1")["Id"] != old
    lines = log.read_text().split("\n")
    assert lines[0] == "pre s/a 2" and "post" in lines, lines
    text = said(accd)
    assert "upgrade.pre: dump of 1" in text and "upgrade.post: it is 2 now" in text, text
    execs = [(t, e["Actor"]["ID"]) for t, e in record.of("create")]
    assert len(execs) == 1, "one container was made"


@needs(seconds=120)
def test_a_command_that_fails_or_hangs_before_it_changes_nothing(w):
    """Its exit code and last line are the reason; over its time it is killed. The old container is not touched."""
    accd = start(w, pre=["echo working; echo no space left >&2; exit 3"])
    before = w.docker.identities()
    image(w, VERSION="2")
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1 and "command 1 of upgrade.pre exited with 3: no space left" in done.stderr, done
    assert "nothing was changed" in done.stderr and "upgrade.pre: working" in said(accd)
    rows = accd.json("history", "a")["revisions"]
    assert [(r["revision"], r["result"], r["attempt"]) for r in rows] == [(2, "failed", True), (1, "stable", False)], rows
    assert "exited with 3" in rows[0]["reason"] and rows[0]["by"] == "root" and rows[0]["image_id"], rows
    assert "-         failed" in accd.ctl("history", "a").stdout, accd.ctl("history", "a").stdout
    assert w.docker.identities() == before and names(w) == ["s-a-1"]
    path = w.dir / "s/compose.yaml"
    text = path.read_text()
    assert "exit 3" in text
    path.write_text(text.replace('"echo working; echo no space left >&2; exit 3"',
                                 '{"host": "exec sleep 3600", "timeout": "2s"}'))
    accd.ctl("apply")
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1 and "did not end within 2 s" in done.stderr, done
    path.write_text(text.replace('"echo working; echo no space left >&2; exit 3"',
                                 '{"run": "sleep 3599; true", "timeout": "2s"}'))
    accd.ctl("apply")
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1 and "did not end within 2 s" in done.stderr and "go on" not in done.stderr, done
    commands = [x[-1] for x in w.docker.call("GET", "/containers/s-a-1/top")["Processes"]]
    assert not [x for x in commands if "sleep 3599" in x], f"nor what it has begun goes on: {commands}"
    assert w.docker.identities() == before and accd.state_of("a") == "up"


@needs(seconds=120)
def test_a_command_that_fails_after_it_takes_it_back(w):
    """post fails in the new container: the kept one runs again, and the image isn't tried a second time."""
    accd = start(w, post=[{"run": "test $$VERSION = 1"}])
    old = w.docker.inspect("s-a-1")["Id"]
    image(w, VERSION="2")
    done = accd.ctl("upgrade", "a", check=False)
    assert done.returncode == 1 and "command 1 of upgrade.post exited with 1" in done.stderr, done
    wait(lambda: names(w) == ["s-a-1"], 20, "the failed one is gone")
    assert w.docker.inspect("s-a-1")["Id"] == old and version(w) == "1"
    assert "rolled back before" in accd.ctl("upgrade", "a", check=False).stderr


@needs(seconds=120)
def test_accd_may_die_under_a_command(w):
    """kill -9 while pre runs: nothing was changed, and it says so; the next upgrade goes through."""
    mark = w.dir / "mark"
    accd = start(w, pre=[f"test -e {mark} || {{ touch {mark}; exec sleep 60; }}"])
    image(w, VERSION="2")
    accd.ctl("upgrade", "a", "--detach")
    wait(mark.exists, 20, "the command runs")
    assert "upgrade.pre" in accd.service("a")["reason"]
    accd.kill()
    accd.start()
    wait(lambda: "accd ended while" in said(accd), 20, "it is told")
    assert version(w) == "1" and names(w) == ["s-a-1"]
    accd.ctl("upgrade", "a")
    assert version(w) == "2" and names(w) == ["s-a-1"]


@needs(seconds=120)
def test_an_upgrade_whose_commands_accd_did_not_see_the_end_of(w):
    """kill -9 amid upgrade.pre: accctl doesn't promise what the next accd won't do, and that one says how it ended."""
    begun = w.dir / "begun"
    accd = start(w, pre=[{"host": f"touch {begun}; exec sleep 3600", "timeout": "1h"}])
    before = w.docker.identities()
    image(w, VERSION="2")
    order = subprocess.Popen([str(accd.build / "client/accctl"), "--socket", str(accd.sock), "upgrade", "a"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    wait(begun.exists, 30, "the command runs")
    said_so = ""
    while "runs the commands of upgrade.pre" not in said_so:
        said_so = order.stdout.readline()
        assert said_so, "accctl ended before accd did"
    accd.kill()
    out, err = order.communicate(timeout=20)
    assert order.returncode == 3 and "doesn't go on with upgrade" in err and "goes on with upgrade as" not in err, (out, err)
    assert "s/a stays as it was: the commands of upgrade.pre ran" in err and "accctl upgrade s/a" in err, err
    accd.start()
    accd.wait_state("a", "up", seconds=30)
    why = accd.ctl("why", "a").stdout
    assert "accd ended while the commands of upgrade.pre ran" in why, why
    assert w.docker.identities() == before
