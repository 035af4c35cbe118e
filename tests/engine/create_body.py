#!/usr/bin/env python3
"""create_body.py: does accd ask Docker for exactly what Docker Compose asks for?

    create_body.py --compose BIN --dump create_dump --engine unix:///...sock FILE.yml...

Runs the real `docker compose create` of each file through tests/lab/apiproxy.py, takes the bodies
of its POST requests, and compares them with those of create_dump for the same project. Differences
that are ours on purpose are left out: RestartPolicy (always `no`), the io.acc labels, hashes (the
loader's business) and the order of lists that come from Go maps. Then each container is inspected,
and must not differ from its file by acc_docker_diff_make(). Exit 1 on any difference.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
KEEP_EMPTY = {"Cmd", "Entrypoint", "BindOptions", "VolumeOptions", "TmpfsOptions", "MaskedPaths",
              "ReadonlyPaths"}


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("d", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask(path, method, url):
    c = Unix(path)
    c.request(method, url)
    return json.loads(c.getresponse().read() or b"null")


def is_empty(value):
    return value in (None, "", 0, False) or value == [] or value == {}


def tidy(value, key=None):
    """Without what says nothing, in a fixed order."""
    if isinstance(value, dict):
        out = {}
        for k, v in value.items():
            if k in ("RestartPolicy", "ConsoleSize") or k.startswith("io.acc."):
                continue
            if v is None:
                continue
            t = tidy(v, k)
            if key in ("ExposedPorts", "EndpointsConfig", "Labels", "Tmpfs", "Options", "DriverOpts") \
                    or not is_empty(t) or (k in KEEP_EMPTY):
                out[k] = t
        if key == "Labels":
            for hidden in ("config-hash", "image"):
                out.pop("com.docker.compose." + hidden, None)
            deps = out.get("com.docker.compose.depends_on")
            if deps:
                out["com.docker.compose.depends_on"] = ",".join(sorted(deps.split(",")))
        return out
    if isinstance(value, list):
        items = [tidy(v) for v in value]
        if key in ("Binds", "Env", "Mounts", "Ulimits", "ExtraHosts", "Links"):
            items.sort(key=lambda v: json.dumps(v, sort_keys=True))
        return items
    return value


def paths(value, at=""):
    if isinstance(value, dict) and value:
        for k, v in value.items():
            yield from paths(v, f"{at}/{k}")
    elif isinstance(value, list) and value:
        for i, v in enumerate(value):
            yield from paths(v, f"{at}/{i}")
    else:
        yield at, value


def compare(name, want, got):
    a, b = dict(paths(tidy(want))), dict(paths(tidy(got)))
    bad = 0
    for at in sorted(a.keys() | b.keys()):
        if a.get(at, "absent") != b.get(at, "absent"):
            print(f"    {name}{at}: compose {a.get(at, 'absent')!r}, accd {b.get(at, 'absent')!r}")
            bad += 1
    return bad


def sent_by_compose(log, ids):
    """(what, key) -> body of Compose's requests. Ids are told by the service they belong to."""
    text = log.read_text()
    for cid, service in ids.items():
        text = text.replace(cid, f"ID({service})")
    out = {}
    line = None
    for raw in text.splitlines():
        if not raw.startswith("  "):
            line = raw.split()
            continue
        url = urllib.parse.urlsplit(line[1])
        path = re.sub(r"^/v[0-9.]+", "", url.path)
        body = json.loads(raw)
        if path == "/containers/create":
            if body["Labels"]["com.docker.compose.container-number"] != "1":
                continue
            body["?"] = url.query
            out["container", body["Labels"]["com.docker.compose.service"]] = body
        elif path == "/networks/create":
            out["network", body["Labels"]["com.docker.compose.network"]] = body
        elif path == "/volumes/create":
            out["volume", body["Labels"]["com.docker.compose.volume"]] = body
        elif path.endswith("/connect"):
            service = body.pop("Container")[3:-1]
            out["connect", path.split("/")[2] + " " + service] = body
    return out


def sent_by_accd(args, config, file, api, env):
    out = {}
    cmd = [args.dump, config, str(file.parent), str(file), str(api)]
    if args.seccomp:
        cmd.append(args.seccomp)
    r = subprocess.run(cmd, env=env, capture_output=True, text=True, check=False)
    for raw in r.stdout.splitlines():
        line = json.loads(raw)
        key = line["key"]
        if line["what"] == "container":
            line["body"]["?"] = line["query"]
        if line["what"] == "connect":
            key = f"{key} {line['query']}"
            line["body"].pop("Container")
        out[line["what"], key] = line["body"]
    return out, r.stderr


def differences(args, sock, config, file, api, ids, tmp, env):
    """Adoption: what Compose has just made must be what the file says. The restart policy is ours."""
    bad = 0
    for cid, service in ids.items():
        inspect = ask(sock, "GET", f"/containers/{cid}/json")
        if inspect["Config"]["Labels"]["com.docker.compose.container-number"] != "1":
            continue
        text = json.dumps(inspect)
        for other, name in ids.items():
            if other != cid:
                text = text.replace(other, f"ID({name})")
        (tmp / "inspect.json").write_text(text)
        (tmp / "image.json").write_text(json.dumps(ask(sock, "GET", f"/images/{inspect['Image']}/json")))
        r = subprocess.run([args.dump, config, str(file.parent), str(file), str(api),
                            args.seccomp or "/dev/null", service, str(tmp / "inspect.json"),
                            str(tmp / "image.json")], env=env, capture_output=True, text=True, check=False)
        lines = [x for x in r.stdout.splitlines() if not x.startswith("restart policy")]
        if r.returncode != 0:
            lines.append(f"create_dump failed: {r.stderr.strip()}")
        for line in lines:
            print(f"    adopting {service}: {line}")
        bad += len(lines)
    return bad


def run_case(args, sock, api, file, tmp):
    name = "cb" + re.sub(r"[^a-z0-9]", "", file.stem.lower())[:20]
    env = dict(os.environ, DOCKER_HOST=f"unix://{sock}", SET="set", TAG="x")
    compose = [args.compose, "-p", name, "-f", str(file)]
    reader = [args.reader or args.compose] + compose[1:]
    reader += ["config", "--format", "json"]
    if args.accctl:
        reader = [args.accctl, "config", "-p", name, "-f", str(file), "--json"]
    config = subprocess.run(reader, env=env, capture_output=True, text=True, check=False)
    if config.returncode != 0:
        print(f"  {file.name}: compose refuses it: {config.stderr.strip()[:150]}")
        return 0, 1
    (tmp / "config.json").write_text(config.stdout)
    log, proxy_sock = tmp / "log", tmp / "proxy"
    log.write_text("")
    proxy = subprocess.Popen([sys.executable, HERE.parent / "lab/apiproxy.py", str(proxy_sock), sock,
                              str(log)])
    try:
        while not proxy_sock.exists():
            time.sleep(0.02)
        r = subprocess.run(compose + ["create", "--no-build", "--pull", "never"],
                           env=dict(env, DOCKER_HOST=f"unix://{proxy_sock}"), capture_output=True,
                           text=True, check=False)
        label = urllib.parse.quote(json.dumps({"label": [f"com.docker.compose.project={name}"]}))
        ids = {c["Id"]: c["Labels"]["com.docker.compose.service"]
               for c in ask(sock, "GET", f"/containers/json?all=1&filters={label}")}
        bad = differences(args, sock, str(tmp / "config.json"), file, api, ids, tmp, env)
    finally:
        proxy.send_signal(signal.SIGTERM)
        proxy.wait()
        proxy_sock.unlink(missing_ok=True)
        subprocess.run(compose + ["down", "-v", "-t", "0"], env=env, capture_output=True, check=False)
    theirs = sent_by_compose(log, ids)
    ours, complaints = sent_by_accd(args, str(tmp / "config.json"), file, api, env)
    n = 0
    if args.adopt:
        theirs = {}
        n = len(ids)
    for key, body in sorted(theirs.items()):
        if key[0] == "connect" and "ID" in key[1]:
            continue
        n += 1
        if key not in ours:
            print(f"    {' '.join(key)}: compose sends it, accd does not. {complaints.strip()[:200]}")
            bad += 1
        else:
            bad += compare(" ".join(key), body, ours[key])
    bad += r.returncode != 0
    print(f"  {file.name}: {n} {'containers' if args.adopt else 'requests'}, {bad} differences"
          + (f" (compose stopped: {r.stderr.strip().splitlines()[-1][:120]})" if r.returncode else ""))
    return n, bad


def run_cases(args):
    sock = args.engine.removeprefix("unix://")
    version = ask(sock, "GET", "/version")
    api = int(version["ApiVersion"].split(".")[1])
    print(f"engine {version['Version']}, API 1.{api}")
    n = bad = 0
    with tempfile.TemporaryDirectory() as tmp:
        for file in args.files:
            r = run_case(args, sock, api, file.resolve(), pathlib.Path(tmp))
            n, bad = n + r[0], bad + r[1]
    print(f"{len(args.files)} files, {n} requests, {bad} differences")
    return n, bad


def parse(argv=None):
    p = argparse.ArgumentParser()
    p.add_argument("--compose", required=True)
    p.add_argument("--dump", required=True)
    p.add_argument("--engine", required=True)
    p.add_argument("--reader", help="another docker compose that prints the configuration")
    p.add_argument("--accctl", help="read the files with accd's own loader")
    p.add_argument("--adopt", action="store_true",
                   help="only compare the containers, for a release that sends other requests")
    p.add_argument("--seccomp", help="a profile for security_opt seccomp=FILE")
    p.add_argument("files", nargs="+", type=pathlib.Path)
    return p.parse_args(argv)


def main():
    n, bad = run_cases(parse())
    return 1 if bad or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
