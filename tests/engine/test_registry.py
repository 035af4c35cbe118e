"""A registry that asks who is there."""
import json
import os
import shutil

from lib import BB, LAB, Skip, needs, run, service, wait

PORT = 5077
USER, WORD = "ann", "s3cret-word"


def registry(w):
    """The real one with a password, inside the engine's namespace; with one image that the engine has not."""
    if not shutil.which("docker-registry") or not shutil.which("docker"):
        raise Skip("docker-registry or the docker command is not installed")
    folder = w.dir / "registry"
    w.engine.inside(LAB / "registry", "start", folder, PORT, "--auth", f"{USER}:{WORD}")
    w.extra.callback(run, LAB / "registry", "stop", folder, check=False)
    image = f"127.0.0.1:{PORT}/team/app:1"
    env = {"DOCKER_CONFIG": str(w.dir / "pusher")}
    w.docker.call("POST", f"/images/{BB.replace('/', '%2F')}/tag?repo=127.0.0.1:{PORT}/team/app&tag=1")
    w.engine.inside("docker", "login", "-u", USER, "-p", WORD, f"127.0.0.1:{PORT}", env=env)
    w.engine.inside("docker", "push", image, env=env)
    w.docker.call("DELETE", f"/images/127.0.0.1:{PORT}%2Fteam%2Fapp:1")
    return image


def helper(w, text):
    """docker-credential-acc in a folder of its own, asked for by config.json; -> accd's environment"""
    folder = w.dir / "login"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"credHelpers": {f"127.0.0.1:{PORT}": "acc"}}))
    program = folder / "docker-credential-acc"
    program.write_text(f"#!/bin/sh\nread -r server || :\necho \"$1 $server\" >>{folder}/asked\n{text}\n")
    program.chmod(0o755)
    return {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}:{os.environ['PATH']}"}


@needs(seconds=120)
def test_a_credential_helper_is_asked(w):
    """docker-credential-* gives the password for a pull; it is neither logged nor shown. Without one: said why."""
    image = registry(w)
    path = w.stack("s", {"a": service(image=image)})
    accd = w.accd(path, start=False)
    accd.env = helper(w, "echo 'gpg: no secret key' >&2; exit 1")
    accd.start()
    accd.ctl("up", "a", "--detach")
    wait(lambda: "no basic auth" in accd.service("a")["reason"] or "authentication" in accd.service("a")["reason"]
         or "unauthorized" in accd.service("a")["reason"], 30, "the registry's refusal is told")
    assert "docker-credential-acc failed (1): gpg: no secret key" in accd.service("a")["reason"], accd.service("a")
    accd.stop()
    answer = json.dumps({"ServerURL": f"127.0.0.1:{PORT}", "Username": USER, "Secret": WORD})
    program = w.dir / "login/docker-credential-acc"
    program.write_text(program.read_text().replace("exit 1", f"echo '{answer}'"))
    accd.start()
    accd.ctl("up", "a")
    assert w.docker.running("s-a-1")
    assert f"get 127.0.0.1:{PORT}" in (w.dir / "login/asked").read_text()
    shown = accd.log.read_text() + json.dumps(accd.status()) + json.dumps(w.docker.inspect("s-a-1"))
    assert WORD not in shown
