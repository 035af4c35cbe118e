"""The create requests of real Docker Compose and ours, over the Compose files of create_body/.

What is let through on purpose stands in docs/compose.md.
"""
import create_body
from lib import BB, ROOT, Engine, compose_v2, forky, needs, service, wait

FILES = ROOT / "tests/engine/create_body"


def same_requests(w, engine, files):
    # Test images have names of their own; the files are anybody's.
    engine.docker.call("POST", "/images/acc-test%2Fbb:1/tag?repo=bb&tag=1")
    args = create_body.parse(["--compose", str(compose_v2()[0]), "--dump", str(w.build / "tests/unit/create_dump"),
                              "--accctl", str(w.build / "client/accctl"), "--engine", engine.url,
                              *map(str, files)])
    n, bad = create_body.run_cases(args)
    assert n >= len(files) and bad == 0, f"{bad} differences in {n} requests"


@needs(seconds=900)
def test_requests_are_those_of_compose(w):
    """More than 40 files of every key: what Compose sends to this engine, accd sends."""
    files = sorted(FILES.glob("*.yml"))
    assert len(files) >= 40
    same_requests(w, w.engine, [f for f in files if f.stem != "engine_25"])


@needs(seconds=600)
def test_requests_are_those_of_compose_on_28(w):
    """The same on Docker 28: all endpoints at create, and what only a new engine takes."""
    engine = Engine(w.dir.parent / f"e{w.dir.name}-paper28", forky("docker.io", "containerd"))
    w.extra.callback(engine.stop)
    engine.start()
    engine.need_image("bb")
    same_requests(w, engine, [FILES / f"{name}.yml" for name in
                              ("engine_25", "every_key", "healthchecks", "network_endpoints", "priority", "volumes_named",
                               "volumes_binds", "secrets_forms", "web_stack")])


@needs(seconds=180)
def test_build(w):
    """A missing image with build: is built by the docker command; what it says when it can't is shown."""
    path = w.stack("s", {"a": service(build={"context": "./ctx", "args": {"WORD": "hunter2"}}, image=None)})
    path.write_text(path.read_text().replace("    image: null\n", ""))
    bad = w.stack("t", {"b": {"build": "./ctx", "restart": "no"}})
    for folder, dockerfile in ((path.parent, f"FROM {BB}\nARG WORD\nRUN echo word is $WORD\nLABEL said=$WORD\n"),
                               (bad.parent, f"FROM {BB}\nCOPY not-there /\n")):
        (folder / "ctx").mkdir()
        (folder / "ctx/Dockerfile").write_text(dockerfile)
    accd = w.accd(config=w.config([path, bad], timing={"upgrade_stable": "1s", "upgrade_monitor": "3s", "upgrade_drain": "0"}))
    said = accd.ctl("up", "a").stdout
    assert w.docker.inspect("s-a-1")["Config"]["Labels"]["said"] == "hunter2"
    assert "s/a | " in said and "word is ***" in said and "hunter2" not in said, said
    assert "word is ***" in accd.log.read_text() and "hunter2" not in accd.log.read_text()
    assert w.docker.inspect("s-a-1")["Config"]["Image"] == "s-a"
    made = w.docker.identities()
    # there is an image now: nothing is built again
    accd.ctl("restart", "a")
    assert w.docker.identities()["s-a-1"][0] == made["s-a-1"][0]
    # the Dockerfile is edited: upgrade --build makes it anew and takes over
    (path.parent / "ctx/Dockerfile").write_text(f"FROM {BB}\nARG WORD\nLABEL said=$WORD edited=yes\n")
    said = accd.ctl("upgrade", "a").stdout
    assert "s/a: its image is built here" in said and "accctl upgrade --build" in said and "nothing to do" in said, said
    said = accd.ctl("upgrade", "a", "--build", "--timeout", "90s", check=False).stdout
    wait(lambda: w.docker.inspect("s-a-1")["Config"]["Labels"].get("edited") == "yes", 20, "the new one has taken over")
    assert "s/a | " in said and "hunter2" not in said + accd.log.read_text(), said
    now = w.docker.inspect("s-a-1")["Id"]
    assert now != made["s-a-1"][0] and accd.state_of("a") == "up"
    done = accd.ctl("up", "b", check=False)
    assert done.returncode == 1 and "build of t-b failed" in done.stderr, done
    assert "t/b | " in done.stdout and "not-there" in done.stdout, done
