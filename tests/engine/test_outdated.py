"""accctl outdated: what runs against what the registries have, and why something can't be known."""
import json

from lib import BB, needs, service, wait
from registry import Registry


def rows(accd, *names, code=0):
    done = accd.ctl("--json", "outdated", *names, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return {r["service"]: r for r in json.loads(done.stdout)["images"]}


@needs(seconds=150)
def test_a_tag_that_moved_is_seen_without_a_pull(w):
    """Current, outdated, pinned, local and absent; two services with one image are one question."""
    r = Registry(w)
    one, fixed = r.push("app:1", VERSION="1"), r.push("fixed:1", VERSION="1")
    ref = f"{r.at}/app:1"
    path = w.stack("s", {"a": service(image=ref), "b": service(image=ref), "here": service(image=BB),
                         "pin": service(image=f"{r.at}/fixed@{fixed}"), "off": service(image=ref)})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    accd.ctl("down", "off")
    got = rows(accd)
    assert {k: v["state"] for k, v in got.items()} == {
        "s/a": "current", "s/b": "current", "s/here": "local", "s/pin": "pinned", "s/off": "absent"}, got
    assert got["s/a"]["running"] == got["s/a"]["remote"] == one
    two = r.push("app:1", keep=True, VERSION="2")  # also here, under the tag: what runs is what counts
    images = len(w.docker.call("GET", "/images/json"))
    r.forget_requests()
    got = rows(accd, "a", "b")
    assert [v["state"] for v in got.values()] == ["outdated"] * 2 and set(got) == {"s/a", "s/b"}, got
    assert got["s/a"]["running"] == one and got["s/a"]["remote"] == two
    assert len(r.requests("/manifests/1")) in (1, 2), r.requests()  # one question: HEAD, and GET of what it means
    assert len(r.requests("/blobs/")) <= 1, r.requests()  # of the config, for its platform; no layer
    assert len(w.docker.call("GET", "/images/json")) == images
    table = accd.ctl("outdated", check=False).stdout
    assert "s/a" in table and one[:19] in table and two[:19] in table, table
    three = r.push("app:3", VERSION="3")
    accd.ctl("upgrade", "a", "--image", f"{r.at}/app:3", "--detach")
    wait(lambda: rows(accd, "a")["s/a"]["running"] == three, 60, "it runs what was named")
    got = rows(accd, "a")["s/a"]
    assert (got["state"], got["remote"]) == ("outdated", two), got
    assert f"runs {r.at}/app:3, which was named with --image" in got["reason"], got


@needs(seconds=240)
def test_what_was_tried_and_taken_back_says_so(w):
    """The other image of the registry failed here: outdated says that, and how to try it again; a newer one is just newer."""
    r = Registry(w)
    r.push("app:1", VERSION="1")
    ref = f"{r.at}/app:1"
    path = w.stack("s", {"a": service(interval="1s", image=ref)})
    accd = w.accd(config=w.config([path], timing={"upgrade_stable": "1s", "upgrade_monitor": "3s", "upgrade_timeout": "8s"}))
    accd.ctl("up", "--all")
    two = r.push("app:1", VERSION="2", HEALTH="fail")
    assert rows(accd)["s/a"]["taken_back"] is False
    assert accd.ctl("upgrade", "a", check=False).returncode == 1
    row = rows(accd)["s/a"]
    assert row["state"] == "outdated" and row["remote"] == two and row["taken_back"] is True, row
    again = f"accctl upgrade s/a --image {ref}"
    assert row["reason"] == f"was tried and taken back; again: {again}", row
    assert again in accd.ctl("outdated").stdout
    assert accd.ctl("upgrade", "a", check=False).returncode == 6, "what it says is how it is"
    assert accd.ctl(*again.split()[1:], check=False).returncode == 1, "tried again, and as bad"
    accd.kill()
    accd.start()
    accd.wait_state("a", "up", seconds=30)
    assert rows(accd)["s/a"]["taken_back"] is True, "it outlives accd"
    r.push("app:1", VERSION="3")
    row = rows(accd)["s/a"]
    assert row["taken_back"] is False and row["reason"] == "", row


@needs(seconds=240)
def test_what_cant_be_known_says_why(w):
    """401, 403, 404, 429, 500, cut off, away, silent: each with its reason and exit 1; the rest is known all the same."""
    r, other = Registry(w), Registry(w)
    r.push("app:1", VERSION="1"), r.push("more:1", VERSION="1"), other.push("app:1", VERSION="2")
    path = w.stack("s", {"a": service(image=f"{r.at}/app:1"), "m": service(image=f"{r.at}/more:1"),
                         "o": service(image=f"{other.at}/app:1")})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    before = w.docker.identities()
    for what, words in (("401", "wants a login: docker login"), ("403", "wants a login"), ("404", "has no"),
                        ("429", "limits how often"), ("500", "is broken"), ("503", "is broken"),
                        ("reset", "can't be reached")):
        r.fault(what)
        got = rows(accd, code=1)
        assert got["s/a"]["state"] == "unknown" and words in got["s/a"]["reason"], (what, got)
        assert r.at in got["s/a"]["reason"], got
        assert got["s/m"]["state"] == "unknown" and got["s/o"]["state"] == "current", (what, got)
    r.fault("hang")
    got = rows(accd, "a", "o", code=1)
    assert "doesn't answer" in got["s/a"]["reason"] and got["s/o"]["state"] == "current", got
    r.fault()
    assert rows(accd)["s/a"]["state"] == "current"
    assert w.docker.identities() == before and accd.state_of("a") == "up"


@needs(seconds=120)
def test_credentials_are_used_and_never_shown(w):
    """With a login of config.json it is known; without one, and with a wrong one, the reason says which."""
    word = "s3cret-word"
    r = Registry(w, login=("ann", word))
    r.push("app:1", VERSION="1")
    path = w.stack("s", {"a": service(image=f"{r.at}/app:1")})
    accd = w.accd(path, start=False)
    accd.env = r.config(w.dir / "login")
    accd.start()
    accd.ctl("up", "a")
    assert rows(accd)["s/a"]["state"] == "current"
    config = w.dir / "login/config.json"
    good = config.read_text()
    config.write_text(json.dumps({"auths": {r.at: {"auth": "YW5uOndyb25n"}}}))
    assert "refuses the credentials" in rows(accd, code=1)["s/a"]["reason"]
    config.write_text("{}")
    assert "wants a login" in rows(accd, code=1)["s/a"]["reason"]
    config.write_text(good)
    assert wait(lambda: rows(accd)["s/a"]["state"] == "current", 10, "the login serves again")
    assert word not in accd.log.read_text() + json.dumps(accd.status())


@needs(seconds=120)
def test_a_local_tag_of_anothers_image_asks_no_registry(w):
    """Tagged anew, or built here and pushed, it has only another repository's digest: local, as an upgrade takes it, and the named registry isn't asked."""
    r, named = Registry(w), Registry(w)
    ref = f"{named.at}/mine:1"
    r.push("app:1", VERSION="1")
    w.docker.call("POST", f"/images/create?fromImage={r.at}/app&tag=1")
    w.docker.call("POST", f"/images/{r.at}/app:1/tag?repo={named.at}/mine&tag=1")
    accd = w.accd(w.stack("s", {"a": service(image=ref)}))
    accd.ctl("up", "--all")
    named.forget_requests()
    got = rows(accd)["s/a"]
    assert got["state"] == "local", got
    assert got["reason"] == f"registries know it as {r.at}/app; by this name it is what lies here, and an upgrade takes that", got
    accd.ctl("upgrade", "a")  # what is here under its name is all there is
    assert named.requests() == [], named.requests()


@needs(seconds=150)
def test_what_a_prune_has_untagged_is_compared_by_the_history(w):
    """`docker image prune -a` takes the names of what acc has upgraded, and the digests with them: acc knows which it pulled, and so does who upgrades by itself."""
    r = Registry(w)
    ref = f"{r.at}/app:1"
    r.push("app:1", VERSION="1")
    auto = {"upgrade": {"auto": {"window": ["00:00-24:00", "12:00-12:00"], "min_age": "0"}}}
    path = w.stack("s", {"a": service(interval="1s", image=ref), "same": service(interval="1s", image=ref),
                         "by": service(interval="1s", image=ref, **{"x-acc": auto})})
    accd = w.accd(config=w.config([path], timing={
        "upgrade_drain": "0", "upgrade_stable": "1s", "upgrade_monitor": "1s", "boot_grace": "0", "auto_spread": "0"}))
    accd.ctl("up", "--all")
    two = r.push("app:1", VERSION="2")
    accd.ctl("upgrade", "a", "by")
    wait(lambda: all(accd.json("history", x)["revisions"][0]["result"] == "stable" for x in ("a", "by")), 30, "they stand")
    accd.ctl("down", "same"), accd.ctl("up", "same")  # of the tag: it has no record of its own
    w.docker.call("DELETE", f"/images/{ref}")  # like a prune, which would take the other scenarios' images, too
    names = w.docker.call("GET", f"/images/{w.docker.inspect('s-a-1')['Image']}/json")
    assert not names["RepoDigests"] and ref not in names["RepoTags"], names
    got = rows(accd)
    assert {x["state"] for x in got.values()} == {"current"} and got["s/a"]["running"] == two, got
    accd.kill()
    accd.start()
    accd.wait_state("a", "up")
    three = r.push("app:1", VERSION="3")
    got = rows(accd)
    assert {x["state"] for x in got.values()} == {"outdated"}, got
    assert {(x["running"], x["remote"]) for x in got.values()} == {(two, three)}, got
    wait(lambda: accd.json("history", "by")["revisions"][0]["by"] == "auto", 60, "it comes by itself")
