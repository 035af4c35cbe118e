"""A registry of a scenario's own: the real one, behind one that fails as it is told (tests/lab/registry)."""
import itertools
import os
import shutil

from lib import BB, LAB, Skip, run

PORTS = itertools.count(5100, 2)


class Registry:
    def __init__(self, w, login=None):
        if not shutil.which("docker-registry") or not shutil.which("docker"):
            raise Skip("docker-registry or the docker command is not installed")
        self.w, self.login, self.port = w, login, next(PORTS)
        self.real, self.front = w.dir / f"registry{self.port}", w.dir / f"front{self.port}"
        self.at = f"127.0.0.1:{self.port}"
        self.lab("start", self.real, self.port + 1, *(["--auth", ":".join(login)] if login else []))
        w.extra.callback(run, LAB / "registry", "stop", self.real, check=False)
        self.lab("proxy", self.front, self.port, self.port + 1)
        w.extra.callback(run, LAB / "registry", "stop", self.front, check=False)

    def lab(self, command, folder, *args):
        return self.w.engine.inside(LAB / "registry", command, folder, *args)

    def push(self, name, keep=False, **env):
        """Make NAME mean a new image, the controllable one with these variables; -> its digest. Kept here when asked for.
        To the real one: nothing that is tested pushes."""
        w, real = self.w, f"127.0.0.1:{self.port + 1}"
        repo, tag = name.rsplit(":", 1)
        made = w.docker.call("POST", "/containers/create", {"Image": BB, "Env": [f"{k}={v}" for k, v in env.items()]})
        done = w.docker.call("POST", f"/commit?container={made['Id']}&repo={real}/{repo}&tag={tag}")
        w.docker.call("DELETE", f"/containers/{made['Id']}")
        environ = {"DOCKER_CONFIG": str(w.dir / "pusher")}
        if self.login:
            w.engine.inside("docker", "login", "-u", self.login[0], "-p", self.login[1], real, env=environ)
        w.engine.inside("docker", "push", f"{real}/{name}", env=environ, timeout=20)
        digest = w.docker.call("GET", f"/images/{done['Id']}/json")["RepoDigests"][0].split("@")[1]
        if keep:
            w.docker.call("POST", f"/images/{done['Id']}/tag?repo={self.at}/{repo}&tag={tag}")
            w.docker.call("DELETE", f"/images/{real}%2F{repo}:{tag}")
        else:
            w.docker.call("DELETE", f"/images/{done['Id']}?force=1")
        return digest

    def fault(self, *what):
        """Fail from now on: fault("429"), fault("hang", "/blobs/"); fault() ends it."""
        self.lab("fault", self.front, *what)

    def requests(self, *needles):
        path = self.front / "requests"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if all(n in line for n in needles)]

    def forget_requests(self):
        (self.front / "requests").write_text("")

    def config(self, folder):
        """A ~/.docker/config.json with its login; -> the environment that names it."""
        self.w.engine.inside("docker", "login", "-u", self.login[0], "-p", self.login[1], self.at,
                             env={"DOCKER_CONFIG": str(folder)})
        return {"DOCKER_CONFIG": str(folder), "PATH": os.environ["PATH"]}
