"""Networks and volumes that are there and aren't as their files say by now: told, and left alone."""
import json
import shlex

from lib import BB, compose_v1, compose_v2, needs, service, wait


def rows(accd, *targets):
    """what -> (action, texts) of the plan."""
    got = json.loads(accd.ctl("--json", "plan", *targets).stdout)["changes"]
    return {r["service"]: (r["action"], [x["text"] for x in r["reasons"]]) for r in got}


def told(accd):
    """The same of status."""
    got = json.loads(accd.ctl("--json", "status").stdout).get("resources", [])
    return {r["service"]: [x["text"] for x in r["reasons"]] for r in got}


def pool(subnet, **keys):
    return {"ipam": {"config": [{"subnet": subnet}]}, **keys}


def obey(w, accd, advice):
    """Run the commands at the end of an advice, one after the other."""
    for command in advice.split(": ", 1)[1].split("; "):
        tool, *args = shlex.split(command)
        if tool == "accctl":
            accd.ctl(*args)
        else:
            kind, verb, name = args
            assert (tool, verb) == ("docker", "rm"), command
            w.docker.call("DELETE", f"/{kind}s/{name}")


@needs(seconds=150)
def test_a_changed_network_is_told_and_made_anew_as_told(w):
    """Plan, apply, status and the log name what differs; doing what they say is all that it takes."""
    path = w.stack("s", {"a": service(networks=["n"]), "b": service(), "c": service(networks=["n"])},
                   networks={"n": pool("172.30.5.0/24")})
    accd = w.accd(config=w.config([path, w.stack("t", {"z": service()})]))
    accd.ctl("up", "--all")
    assert rows(accd) == {} and told(accd) == {}
    w.stack("s", {"a": service(networks=["n"]), "b": service(), "c": service(networks=["n"])},
            networks={"n": pool("172.30.7.0/24", internal=True, labels={"l": "2"})})
    advice = ("it stays as it is; to have it made anew: accctl stop s/a s/c; docker network rm s_n; "
              "accctl apply; accctl start s/a s/c")
    differs = ["subnet 172.30.5.0/24 -> 172.30.7.0/24", "internal: false -> true", "label l added", advice]
    assert rows(accd) == {"network s_n": ("keep", differs)}, rows(accd)
    assert rows(accd, "s") == rows(accd, "c") == rows(accd, "s/a") == rows(accd)
    assert rows(accd, "t") == rows(accd, "s/b") == {}, rows(accd, "t")
    before = w.docker.identities()
    said = accd.ctl("apply").stdout
    line = f"{', '.join(differs[:-1])}; {advice}"
    assert f"network s_n: {line}\n" in said and "apply: nothing to do" in said, said
    assert w.docker.identities() == before, "something was touched"
    assert told(accd) == {"network s_n": differs}, told(accd)
    assert f"network s_n isn't as its file says: {line}" in accd.ctl("status", "s").stdout
    assert "s_n" not in accd.ctl("status", "t").stdout
    log = accd.log.read_text()
    assert log.count(f"warning network s_n isn't as its file says: {line}") == 1, log
    obey(w, accd, advice)
    accd.wait_all_up(30)
    assert rows(accd) == {}, rows(accd)
    wait(lambda: told(accd) == {}, 10, "status knows that it was made anew")
    made = w.docker.call("GET", "/networks/s_n")
    assert made["Internal"] and made["IPAM"]["Config"][0]["Subnet"] == "172.30.7.0/24", made
    ran = {n for n, was in before.items() if w.docker.identities().get(n) == was}
    assert ran == {"s-b-1", "t-z-1"}, ran


@needs(seconds=150)
def test_a_changed_volume_keeps_its_data(w):
    """Told like a network; nothing of accd removes it, and what its options are isn't printed."""
    spec = {"a": service(volumes=["vv:/v", "ww:/w"])}
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=700"}
    path = w.stack("s", spec, volumes={"vv": {"labels": {"x": "2"}}, "ww": {"driver_opts": options}})
    accd = w.accd(path)
    accd.ctl("up", "--all")
    w.docker.exec("s-a-1", "/bin/sh", "-c", "echo kept >/v/data")
    w.stack("s", spec, volumes={"vv": {"labels": {"x": "1"}},
                                "ww": {"driver_opts": {**options, "o": "size=2m,mode=700"}, "labels": {"y": "1"}}})
    plan = rows(accd)
    advice = "it stays as it is; to lose its data and have it made anew: accctl down s/a; docker volume rm s_%s; accctl apply; accctl up s/a"
    assert plan == {"volume s_vv": ("keep", ["label x changed", advice % "vv"]),
                    "volume s_ww": ("keep", ["driver_opts o changed", "label y added", advice % "ww"])}, plan
    said = accd.ctl("apply", "--prune", "--volumes").stdout
    assert "volume s_vv: label x changed; it stays" in said and "apply: nothing to do" in said, said
    assert w.docker.exec("s-a-1", "/bin/sh", "-c", "cat /v/data")[1].endswith(b"kept\n")
    accd.kill()
    accd.start()  # another one knows it, too
    accd.wait_all_up(30)
    wait(lambda: set(told(accd)) == {"volume s_vv", "volume s_ww"}, 10, "status names both")
    obey(w, accd, plan["volume s_ww"][1][-1])
    assert set(rows(accd)) == {"volume s_vv"}, rows(accd)
    assert w.docker.call("GET", "/volumes/s_ww")["Labels"]["y"] == "1"
    assert w.docker.exec("s-a-1", "/bin/sh", "-c", "cat /v/data")[1].endswith(b"kept\n")


@needs(seconds=150)
def test_a_volume_that_is_removed_by_hand_is_made_as_its_file_says(w):
    """Docker would make it by its name alone. One that is external is asked for."""
    at = lambda device: {"driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": f"size={device}m"}, "labels": {"x": "1"}}  # noqa: E731
    spec = {"a": service(volumes=["vv:/v"]), "b": service(volumes=["vv:/v:ro", "ww:/w", "xx:/x"])}
    declared = {"ww": {"labels": {"y": "1"}}, "xx": {"external": True, "name": "theirs"}}
    made = lambda name: w.docker.call("GET", f"/volumes/{name}")  # noqa: E731
    w.docker.call("POST", "/volumes/create", {"Name": "theirs"})
    accd = w.accd(w.stack("s", spec, volumes={"vv": at(1), **declared}))
    accd.ctl("up", "--all")
    w.stack("s", spec, volumes={"vv": at(2), **declared})
    plan = rows(accd)
    assert set(plan) == {"volume s_vv"}, plan
    obey(w, accd, plan["volume s_vv"][1][-1])
    assert made("s_vv")["Options"]["o"] == "size=2m" and made("s_vv")["Labels"]["x"] == "1", made("s_vv")
    assert rows(accd) == {}, rows(accd)
    wait(lambda: told(accd) == {}, 10, "status knows that it was made anew")
    accd.ctl("down", "s/b")
    w.docker.call("DELETE", "/volumes/s_ww")
    accd.ctl("up", "s/b")
    assert made("s_ww")["Labels"]["y"] == "1", made("s_ww")
    accd.ctl("down", "s/b")
    w.docker.call("DELETE", "/volumes/theirs")
    failed = accd.ctl("up", "s/b", check=False)
    assert failed.returncode != 0 and "volume theirs is external and does not exist" in accd.ctl("why", "b").stdout, failed
    w.docker.call("POST", "/volumes/create", {"Name": "theirs"})
    accd.ctl("up", "s/b")
    accd.wait_all_up(30)


@needs(seconds=150)
def test_an_address_of_a_subnet_that_the_network_has_not(w):
    """Both were changed in the file: the network wasn't, and that is what is said of the failed start."""
    at = lambda n: {"a": service(networks={"n": {"ipv4_address": f"172.30.{n}.10"}})}  # noqa: E731
    path = w.stack("s", at(5), networks={"n": pool("172.30.5.0/24")})
    accd = w.accd(config=w.config([path]))
    accd.ctl("up", "--all")
    w.stack("s", at(6), networks={"n": pool("172.30.6.0/24")})
    failed = accd.ctl("apply", check=False)
    why = "network s_n isn't as its file says, subnet 172.30.5.0/24 -> 172.30.6.0/24: accctl plan; "
    assert failed.returncode == 1 and why in failed.stderr and why in accd.ctl("why", "a").stdout, failed
    plan = rows(accd)
    assert set(plan) == {"network s_n", "s/a"}, plan
    obey(w, accd, plan["network s_n"][1][-1])
    accd.wait_all_up(30)
    assert w.docker.inspect("s-a-1")["NetworkSettings"]["Networks"]["s_n"]["IPAddress"] == "172.30.6.10"
    assert rows(accd) == {}, rows(accd)


@needs(seconds=150)
def test_obeying_the_plan_before_the_apply(w):
    """A service whose address changes with its network's subnet comes up with both."""
    at = lambda n: {"a": service(networks={"n": {"ipv4_address": f"172.30.{n}.10"}})}  # noqa: E731
    path = w.stack("s", at(5), networks={"n": pool("172.30.5.0/24")})
    accd = w.accd(config=w.config([path]))
    accd.ctl("up", "--all")
    w.stack("s", at(6), networks={"n": pool("172.30.6.0/24")})
    plan = rows(accd)
    assert set(plan) == {"network s_n", "s/a"}, plan
    obey(w, accd, plan["network s_n"][1][-1])
    accd.wait_all_up(30)
    assert w.docker.inspect("s-a-1")["NetworkSettings"]["Networks"]["s_n"]["IPAddress"] == "172.30.6.10"
    assert rows(accd) == {} and not accd.incidents(), rows(accd)


@needs(seconds=150)
def test_what_was_rolled_back_and_has_its_address_by_now(w):
    """Put on the network that was made anew, by the file: status says no longer that it differs."""
    at = lambda n: {"a": service(networks={"n": {"ipv4_address": f"172.30.{n}.10"}}),  # noqa: E731
                    "b": service("a", networks=["n", "default"])}
    path = w.stack("s", at(5), networks={"n": pool("172.30.5.0/24")})
    accd = w.accd(config=w.config([path]))
    accd.ctl("up", "--all")
    w.stack("s", at(6), networks={"n": pool("172.30.6.0/24", internal=True)})
    assert accd.ctl("apply", check=False).returncode == 1
    assert "ipv4_address changed" in accd.ctl("status", "s").stdout, accd.ctl("status", "s").stdout
    before = w.docker.identities()
    obey(w, accd, rows(accd)["network s_n"][1][-1])
    accd.wait_all_up(30)
    assert w.docker.inspect("s-a-1")["NetworkSettings"]["Networks"]["s_n"]["IPAddress"] == "172.30.6.10"
    assert w.docker.identities()["s-a-1"][0] == before["s-a-1"][0] and rows(accd) == {}, rows(accd)
    wait(lambda: "ipv4_address" not in accd.ctl("status", "s").stdout, 10, "status knows that, too")
    assert "ipv4_address" not in accd.ctl("stop", "s/a").stdout


EVERYTHING = {
    "services": {"a": {"image": BB, "networks": ["n", "m", "o"], "volumes": ["vv:/v", "ww:/w"]}},
    "networks": {
        "n": {"driver": "bridge", "internal": True, "labels": {"x": "1"},
              "driver_opts": {"com.docker.network.bridge.enable_icc": "false", "com.docker.network.driver.mtu": "1400"},
              "ipam": {"driver": "default", "config": [{
                  "subnet": "172.30.6.0/24", "ip_range": "172.30.6.128/25", "gateway": "172.30.6.9",
                  "aux_addresses": {"h": "172.30.6.7"}}]}},
        "m": {}, "o": {"enable_ipv6": True, "ipam": {"config": [{"subnet": "fd00:0:0:1::/64"}]}}},
    "volumes": {"vv": {"labels": {"x": "2"}, "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}},
                "ww": {"driver": "local"}}}


@needs(seconds=240)
def test_what_other_composes_have_made_is_as_the_file_says(w):
    """1.29.2 and 2.40.3, each with all that it can say: no difference; then a change of each."""
    made = {"one": (compose_v1(), {"version": "2.4"}, "7"), "two": (compose_v2(), {}, "6")}
    texts = {name: json.dumps({**version, **EVERYTHING}).replace("172.30.6.", f"172.30.{net}.").replace("fd00:0:0:1:", f"fd00:0:0:{net}:")
             for name, (_, version, net) in made.items()}
    paths = {name: w.stack(name, {}, raw=text) for name, text in texts.items()}
    for name, (tool, _, _) in made.items():
        w.engine.compose("up", "-d", cwd=paths[name].parent, tool=tool)
    accd = w.accd(config=w.config(paths.values()))
    accd.ctl("adopt", "--all")
    assert rows(accd) == {} and told(accd) == {}, rows(accd)
    for name, text in texts.items():  # written otherwise, and the same
        w.stack(name, {}, raw=text.replace('"m": {}', '"m": {"driver": "bridge", "labels": {}}').replace(".0/24", ".1/24"))
    accd.ctl("apply")
    assert rows(accd) == {} and told(accd) == {}, rows(accd)
    for name, text in texts.items():
        w.stack(name, {}, raw=text.replace('"internal": true, "labels": {"x": "1"},', "").replace('"enable_ipv6": true', '"enable_ipv6": false')
                .replace(', "com.docker.network.driver.mtu": "1400"', "").replace('.9"', '.8"').replace('"labels": {"x": "2"}, ', ""))
    accd.ctl("apply")
    differs = {what: lines[1][:-1] for what, lines in rows(accd).items()}
    for name, (_, _, net) in made.items():
        assert differs[f"network {name}_n"] == [
            f"gateway of subnet 172.30.{net}.0/24 changed", "internal: true -> false",
            *(["driver_opts com.docker.network.driver.mtu removed"] if name == "two" else []), "label x removed"], differs
        assert differs[f"network {name}_o"] == ["enable_ipv6: true -> false"], differs
        assert differs[f"volume {name}_vv"] == ["label x removed"], differs
    assert len(differs) == 6, differs


@needs(seconds=150)
def test_what_is_only_observed_is_told_when_it_is_taken_over(w):
    """Nothing of it follows its file before. Nor does a hang of Docker keep an apply, or the end of accd, for long."""
    path = w.stack("s", {"a": service(networks=["n"])}, networks={"n": pool("172.30.5.0/24")})
    w.engine.compose("up", "-d", cwd=path.parent)
    w.stack("s", {"a": service(networks=["n"])}, networks={"n": pool("172.30.5.0/24", internal=True)})
    accd = w.accd(config=w.config([path]))
    accd.wait_all_up(30)
    assert set(rows(accd)) == {"s"}, rows(accd)
    assert "network" not in accd.ctl("apply").stdout and told(accd) == {}
    accd.ctl("adopt", "s")
    wait(lambda: set(told(accd)) == {"network s_n"}, 10, "it is told, now that its file counts")
    assert rows(accd)["network s_n"][1][0] == "internal: false -> true"
    w.engine.lab("freeze")
    try:
        done = accd.ctl("apply", "--timeout", "2s", check=False)
        assert done.returncode == 0 and "apply: nothing to do" in done.stdout, done
        accd.stop()
    finally:
        w.engine.lab("thaw")
    assert "ERROR: " not in accd.log.read_text(), accd.tail()
