"""What the benches share: an engine, accd on it, medians, and raw peers that stand on the same API."""
import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "engine"))
import lib  # noqa: E402


def options(text, **defaults):
    parser = argparse.ArgumentParser(description=text.strip().split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build")
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    return parser.parse_args()


@contextlib.contextmanager
def world(build):
    """A World on an engine of its own, removed afterwards."""
    build = pathlib.Path(build).resolve()
    if not (build / "daemon/accd").exists():
        sys.exit(f"no {build}/daemon/accd; build first: meson setup build && ninja -C build")
    base = pathlib.Path(os.environ.get("ACC_TEST_DIR") or tempfile.mkdtemp(prefix="acc-bench-"))
    engine = lib.Engine(base / "e0")
    try:
        engine.start()
        engine.need_image("bb", "svc")
        w = lib.World(build, engine, base / "w0")
        try:
            yield w
        finally:
            w.close()
    finally:
        engine.stop()
        if not os.environ.get("ACC_TEST_DIR"):
            shutil.rmtree(base, ignore_errors=True)


def median(values):
    return statistics.median(values)


def spread(values, unit="s", scale=1.0):
    values = sorted(v * scale for v in values)
    return f"median {statistics.median(values):8.2f} {unit}   min {values[0]:.2f}, max {values[-1]:.2f}, n {len(values)}"


def ratio(name, value, bound, above):
    met = value >= bound if above else value <= bound
    print(f"  {name:52} {value:6.2f}   (asked: {'above' if above else 'below'} {bound}{'' if met else ', MISSED'})", flush=True)


def load():
    return open("/proc/loadavg").read().split()[0]


def parallel(n, items, function):
    """function(item) over items by n threads."""
    items, lock, errors = iter(items), threading.Lock(), []

    def work():
        while True:
            with lock:
                item = next(items, None)
            if item is None:
                return
            try:
                function(item)
            except Exception as e:  # pylint: disable=broad-except
                errors.append(e)
                return
    threads = [threading.Thread(target=work) for _ in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


class Floor:
    """The least that a bring-up costs: the same graph and HealthChecks by raw API calls, 4 at once.

    A service is created up front, started when what it needs has passed its check, and its check is
    run through the exec API at once, then with doubling pauses. No names, labels or state kept.
    """

    def __init__(self, docker, services, n_parallel=4):
        self.docker, self.services, self.slots = docker, services, threading.Semaphore(n_parallel)
        self.n_parallel, self.ready, self.changed, self.ids = n_parallel, set(), threading.Condition(), {}

    def create(self, name):
        spec = self.services[name]
        check = spec["healthcheck"]
        self.ids[name] = self.docker.call("POST", f"/containers/create?name=floor-{name}", {
            "Image": spec["image"], "Cmd": spec["command"],
            "Healthcheck": {"Test": check["test"], "Interval": int(check["interval"][:-1]) * 10**9,
                            "Timeout": 3 * 10**9, "Retries": 3},
            "HostConfig": {"NetworkMode": "floor"}})["Id"]

    def check(self, name):
        with self.slots:
            code, _ = self.docker.exec(self.ids[name], *self.services[name]["healthcheck"]["test"][1:])
        return code == 0

    def bring_up(self, name):
        wanted = set(self.services[name].get("depends_on", ()))
        with self.changed:
            self.changed.wait_for(lambda: wanted <= self.ready)
        with self.slots:
            self.docker.call("POST", f"/containers/{self.ids[name]}/start")
        pause = 0.05
        while not self.check(name):
            time.sleep(pause)
            pause = min(2 * pause, 5)
        with self.changed:
            self.ready.add(name)
            self.changed.notify_all()

    def run(self):
        begin = time.monotonic()
        self.docker.call("POST", "/networks/create", {"Name": "floor", "CheckDuplicate": True})
        parallel(self.n_parallel, self.services, self.create)
        parallel(len(self.services), self.services, self.bring_up)
        return time.monotonic() - begin
