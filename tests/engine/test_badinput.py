"""Bad input: a message that says what, where and what to do; exit 4; what runs is left alone."""
import subprocess
import time

from lib import needs, run, service, wait

OK = "services:\n  a:\n    image: acc-test/bb:1\n"
BOMB = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n" + "".join(
    f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 9)) + OK

# name, file, what the message must hold
TABLE = [
    ("a cycle, with its full path",
     "services:\n" + "".join(f"  {s}:\n    image: x\n    depends_on: [{d}]\n" for s, d in (("a", "b"), ("b", "c"), ("c", "a"))),
     ["a", "b", "c", "cycle"]),
    ("a tab", "services:\n  a:\n\timage: x\n", ["compose.yaml:3:", "tab"]),
    ("a duplicate key", OK + "    image: y\n", ["compose.yaml:4:", "image"]),
    ("an unknown key, with the nearest", OK + "    comand: [x]\n", ["compose.yaml:4:5", "comand", "command"]),
    ("an unknown dependency, with the nearest", OK + "  database:\n    image: x\n  b:\n    image: x\n    depends_on: [databse]\n",
     ["compose.yaml:", "databse", "database"]),
    ("an alias bomb", BOMB, ["compose.yaml"]),
    ("ten megabytes of garbage", "\x01\x02{[%&*!" * 1_250_000, ["compose.yaml:1:"]),
    ("an empty file", "", ["compose.yaml"]),
    ("a wrong type", OK + "    ports: yes\n", ["compose.yaml:4:", "ports"]),
    ("a missing variable that must be set", "services:\n  a:\n    image: ${IMAGE:?set it to the image}\n", ["compose.yaml:3:", "IMAGE"]),
    ("a bad duration", OK + "    stop_grace_period: soon\n", ["compose.yaml:4:", "soon"]),
]


@needs(seconds=120)
def test_table(w):
    """Each bad file ends accd with 4 at once, and its message has the place and the remedy."""
    wrong = []
    for name, text, expected in TABLE:
        path = w.stack("s", None, raw=text)
        accd = w.accd(path, start=False)
        t = time.monotonic()
        said = run(*accd.argv(), check=False, timeout=30)
        took, text = time.monotonic() - t, said.stdout + said.stderr
        if said.returncode != 4 or took > 5 or not all(e in text for e in expected):
            wrong.append(f"{name}: exit {said.returncode} after {took:.1f} s: {text[-600:]}")
    assert not wrong, "\n".join(wrong)


@needs(seconds=30)
def test_missing_file_and_bad_options(w):
    """A file that isn't there: 4. An option that isn't one: 2."""
    accd = w.accd(w.dir / "nowhere.yaml", start=False)
    said = run(*accd.argv(), check=False, timeout=10)
    assert said.returncode == 4 and "nowhere.yaml" in said.stderr, said
    said = run(accd.argv()[0], "--frobnicate", check=False, timeout=10)
    assert said.returncode == 2, said
    said = run(accd.argv()[0], "-c", w.config([], timing={"opn": "3s"}), "--check", check=False, timeout=10)
    assert said.returncode == 4 and "acc.yaml:" in said.stderr and "open" in said.stderr, said
    # a pattern below a folder that isn't there matches nothing, as one below a folder that is empty
    said = run(accd.argv()[0], "-c", w.config([w.dir / "nowhere" / "*" / "compose.yaml"]), "--check", check=False, timeout=10)
    assert said.returncode == 0 and "acc.yaml:" in said.stderr and "no file matches" in said.stderr, said


@needs(seconds=90)
def test_image_that_is_not_there(w):
    """The service is not up and says which image; the others are brought up all the same."""
    path = w.stack("s", {"a": service(), "gone": {**service(), "image": "acc-test/never:9", "pull_policy": "never"}})
    accd = w.accd(path)
    accd.ctl("up", "--all", "--detach", check=False)
    accd.wait_state("a", "up", seconds=30)
    bad = accd.wait_state("gone", "failed", "backoff", seconds=30)
    assert "acc-test/never:9" in bad["reason"], bad["reason"]


@needs(seconds=90)
def test_bad_reload_by_signal(w):
    """SIGHUP with a broken file: logged with its place, nothing else happens."""
    path = w.stack("s", {"a": service()})
    good = path.read_text()
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before = w.docker.identities()
    path.write_text(good + "  broken: [\n")
    accd.hup()
    wait(lambda: "compose.yaml:" in accd.tail(), 10, "the log has the place")
    assert accd.alive() and accd.state_of("a") == "up" and w.docker.identities() == before


@needs(seconds=60)
def test_accctl_with_wrong_arguments(w):
    """2 for usage, 3 when accd can't be reached; a service that isn't there gets the nearest name."""
    accd = w.accd(w.stack("s", {"postgres": service()}))
    said = accd.ctl("why", "postgrse", check=False)
    assert said.returncode not in (0, 3) and "postgres" in said.stderr + said.stdout, said
    assert accd.ctl("frobnicate", check=False).returncode == 2
    assert accd.ctl("why", check=False).returncode == 2
    said = subprocess.run([accd.build / "client/accctl", "--socket", w.dir / "none", "status"],
                          capture_output=True, text=True, check=False, timeout=10)
    assert said.returncode == 3 and str(w.dir / "none") in said.stderr, said
