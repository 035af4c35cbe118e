"""Images of old revisions: pinned through docker image prune, pulled again by digest after a system prune -a."""
from lib import BB, needs, service, wait
from registry import Registry

TIMING = {"upgrade_drain": "0", "upgrade_stable": "500ms", "upgrade_monitor": "500ms", "upgrade_timeout": "8s"}


def start(w, r, timing=None, **keys):
    r.push("app:1", VERSION="1")
    path = w.stack("s", {"a": service(interval="1s", image=f"{r.at}/app:1", **keys)})
    accd = w.accd(config=w.config([path], timing={**TIMING, **(timing or {})}))
    accd.ctl("up", "--all")
    return accd


def version(w, name="s-a-1"):
    env = w.docker.inspect(name)["Config"]["Env"]
    return next(e.split("=", 1)[1] for e in env if e.startswith("VERSION="))


def pins(w):
    return sorted(t for i in w.docker.call("GET", "/images/json") for t in i["RepoTags"] or []
                  if t.startswith("acc-pin/"))


def prune(w, *args):
    """As a person does it; the scenarios' own image survives under a container of its own."""
    return w.engine.inside("docker", *args, "-f")


@needs(seconds=240)
def test_old_revisions_survive_a_prune_of_images(w):
    """After each upgrade the old image is kept by a tag of ours; five revisions are, the sixth goes."""
    r = Registry(w)
    accd = start(w, r)
    for n in range(2, 8):
        r.push("app:1", VERSION=str(n))
        accd.ctl("upgrade", "a")
    want = [f"acc-pin/s/a:r{k}" for k in range(3, 8)]
    wait(lambda: pins(w) == want, 20, f"the last five are pinned; there are {pins(w)}")
    prune(w, "image", "prune")
    assert pins(w) == want
    r.fault("503")  # nothing has to be pulled for it
    accd.ctl("rollback", "a", "--to", "3")
    assert version(w) == "3" and w.docker.inspect("s-a-1")["State"]["Running"]


@needs(seconds=240)
def test_a_system_prune_amid_a_rollout_is_survived(w):
    """Stop-first, watched: `docker system prune -a` takes the kept container and its image. The new one dies: the old
    one is made again, of its image pulled by digest though the tag has moved."""
    r = Registry(w)
    accd = start(w, r, timing={"upgrade_monitor": "600s"}, ports=["18091:8080"])
    keep = w.docker.call("POST", "/containers/create?name=keeper", {"Image": BB, "Cmd": ["/bin/app"]})
    w.docker.call("POST", f"/containers/{keep['Id']}/start")  # the images of the scenarios
    r.push("app:1", VERSION="2")
    accd.ctl("upgrade", "a", "--detach")
    wait(lambda: "watched" in accd.service("a")["reason"], 60, "it is watched")
    assert version(w) == "2" and version(w, "s-a-1.r1") == "1"
    prune(w, "system", "prune", "-a")
    wait(lambda: not [c for c in w.docker.containers() if c["Names"] == ["/s-a-1.r1"]], 10, "the kept one was pruned")
    accd.ctl("rollback", "a")
    assert version(w) == "1" and w.docker.inspect("s-a-1")["State"]["Running"]
    accd.wait_state("a", "up", seconds=20)


@needs(seconds=120)
def test_a_job_is_left_out_of_an_upgrade_of_all(w):
    """It runs to its end: no failure among others, refused alone; what the refusal names takes the new image."""
    r = Registry(w)
    r.push("app:1", VERSION="1")
    job = dict(check=False, image=f"{r.at}/app:1", command=["/bin/sh", "-c", "exit 0"], restart="no")
    path = w.stack("s", {
        "migrate": service(**job),
        "a": service("migrate", condition="service_completed_successfully", image=f"{r.at}/app:1"),
    })
    accd = w.accd(config=w.config([path], timing=TIMING))
    accd.ctl("up", "--all")
    hint = ("runs to its end and isn't upgraded; with a new image: pull or build that, then accctl down migrate, "
            "and up migrate")
    plan = accd.ctl("upgrade", "--all", "--dry-run").stdout
    assert f"s/migrate: it {hint}\n" in plan and "s/a: pull" in plan, plan
    r.push("app:1", VERSION="2")
    out = accd.ctl("upgrade", "--all").stdout
    assert f"s/migrate {hint}\n" in out and "upgrade: done, 1 service (1 upgraded), 1 left out" in out, out
    assert version(w) == "2" and version(w, "s-migrate-1") == "1"
    alone = accd.ctl("upgrade", "migrate", check=False)
    assert alone.returncode != 0 and hint in alone.stderr, alone
    out = accd.ctl("restart", "migrate").stdout
    assert "1 service (1 restarted)" in out, out
    assert version(w, "s-migrate-1") == "1"
    accd.ctl("down", "migrate")  # the upgrade of the other one has pulled it
    accd.ctl("up", "migrate")
    assert version(w, "s-migrate-1") == "2" and accd.state_of("migrate") == "done"


@needs(seconds=150)
def test_what_has_ended_is_left_out_of_an_upgrade(w):
    """restart: no, with 0, and nobody waits for it: neither run again by an upgrade nor taken for broken. One that runs is
    upgraded; `up` and `restart` say that they have run it."""
    r = Registry(w)
    r.push("app:1", VERSION="1")
    image = f"{r.at}/app:1"
    path = w.stack("s", {
        "once": service(check=False, image=image, command=["/bin/sh", "-c", "exit 0"], restart="no"),
        "a": service(image=image, restart="no", interval="1s"),
    })
    accd = w.accd(config=w.config([path], timing=TIMING))
    accd.ctl("up", "--all")
    accd.wait_state("once", "done", seconds=20)
    ran = w.docker.inspect("s-once-1")["State"]["StartedAt"]
    plan = accd.ctl("upgrade", "--all", "--dry-run").stdout
    assert "s/once: it runs to its end and isn't upgraded" in plan and "s/a: pull" in plan, plan
    r.push("app:1", VERSION="2")
    out = accd.ctl("upgrade", "--all").stdout
    assert "upgrade: done, 1 service (1 upgraded), 1 left out" in out, out
    assert version(w) == "2" and w.docker.inspect("s-once-1")["State"]["StartedAt"] == ran
    alone = accd.ctl("upgrade", "once", check=False)
    assert alone.returncode != 0 and "runs to its end and isn't upgraded" in alone.stderr, alone
    assert accd.state_of("once") == "done"
    assert "1 service (1 restarted)" in accd.ctl("restart", "once").stdout
    accd.ctl("stop", "once")
    out = accd.ctl("up", "once").stdout
    assert "so already" not in out and "1 service (1 started)" in out, out
    assert w.docker.inspect("s-once-1")["State"]["StartedAt"] != ran and accd.state_of("once") == "done"


@needs(seconds=150)
def test_what_was_rolled_back_is_no_difference_of_a_changed_file(w):
    """The tag still means the bad image, and the change doesn't bring that in: nor do plan, apply and history name it."""
    r = Registry(w)
    accd = start(w, r)
    image = f"{r.at}/app:1"
    r.push("app:1", VERSION="2", HEALTH="fail")
    assert accd.ctl("upgrade", "a", check=False).returncode == 1 and version(w) == "1"
    w.stack("s", {"a": service(interval="1s", image=image, environment={"A": "1"})})
    plan = accd.ctl("plan").stdout
    assert "environment A added" in plan and "another one" not in plan, plan
    out = accd.ctl("apply").stdout
    assert "recreated (environment A added)" in out and "another one" not in out, out
    assert version(w) == "1"
    what = accd.json("history", "a")["revisions"]
    assert not [x for x in what if "another one" in (x["what"] or "")], what
    assert "accctl upgrade s/a --image" in accd.ctl("outdated", "a", check=False).stdout


def untag(w, image):
    """As `docker image prune -a` does to the tag of what runs under another one of ours."""
    w.engine.inside("docker", "rmi", "-f", image)


@needs(seconds=240)
def test_a_changed_file_whose_image_was_pruned(w):
    """A change has its image by the pull_policy when somebody has removed the tag meanwhile; where it is not to be had
    `apply` ends with the reason, `why` has it, and it is brought in when the registry is back."""
    r = Registry(w)
    accd = start(w, r)
    image = f"{r.at}/app:1"

    def change(value, **keys):
        w.stack("s", {"a": service(interval="1s", image=image, environment={"A": value}, **keys)})

    def value():
        env = w.docker.inspect("s-a-1")["Config"]["Env"]
        return next((e[2:] for e in env if e.startswith("A=")), None)

    untag(w, image)
    change("1")
    out = accd.ctl("apply").stdout
    assert "recreated (environment A added)" in out and value() == "1" and version(w) == "1", out
    wait(lambda: "watched" not in accd.service("a")["reason"], 20, "its watch is over")

    untag(w, image)
    change("2", pull_policy="never")
    out = accd.ctl("apply", check=False)
    assert out.returncode == 1 and "pull_policy is never; pull or load it" in out.stderr, out
    assert "pull_policy is never" in accd.ctl("why", "a").stdout, accd.ctl("why", "a").stdout
    assert accd.state_of("a") == "up" and value() == "1"

    r.fault("503")
    change("3")
    out = accd.ctl("apply", check=False)
    assert out.returncode == 1 and f"needs {image}" in out.stderr, out
    r.fault()
    wait(lambda: value() == "3", 90, "it is tried again")
    assert version(w) == "1"
