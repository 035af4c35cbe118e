"""The host goes down: logind waits for accd, which stops what runs in order; or it stays up after all."""
import queue
import subprocess
import threading

from lib import Skip, needs, service, shutil, wait

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*" eavesdrop="true"/>
  </policy>
</busconfig>
"""


class Logind:
    """A bus of its own, and on it a stand-in for logind (login1.c) that waits `delay_ms` at most."""

    def __init__(self, w, delay_ms):
        tool = w.build / "tests/unit/login1"
        if not shutil.which("dbus-daemon") or not tool.exists():
            raise Skip("dbus-daemon, or a build with libsystemd, is missing")
        socket, config = w.dir / "bus", w.dir / "bus.conf"
        config.write_text(CONFIG.format(socket=socket))
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={socket}"}
        self.bus = subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}"],
                                    stderr=subprocess.DEVNULL)  # it may not raise its limits here
        w.extra.callback(self.end, self.bus)
        wait(socket.exists, 10, "the bus is there")
        self.process = subprocess.Popen([str(tool), str(delay_ms)], env=self.env, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        w.extra.callback(self.end, self.process)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.must_say("ready")

    @staticmethod
    def end(process):
        process.kill()
        process.wait()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def must_say(self, line, seconds=30):
        said = wait(lambda: not self.lines.empty() and self.lines.get(), seconds, f"logind's part: {line}")
        assert said == line, f"{said!r} instead of {line!r}"

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()


LOCK = "inhibit shutdown accd stopping services in order delay"
STACK = {"db": service(), "cache": service(check=False), "api": service("db"),
         "web": service("api", "cache", condition="service_started"), "lone": service(check=False)}


def up(w, delay_ms, services):
    logind = Logind(w, delay_ms)
    accd = w.accd(w.stack("s", services), start=False)
    accd.env = logind.env
    accd.start()
    logind.must_say(LOCK)
    accd.ctl("up", "--all")
    accd.wait_all_up(len(services))
    return logind, accd


@needs(seconds=150)
def test_stops_in_reverse_order_and_lets_the_host_go(w):
    """Three levels: each is down before the next one is stopped; then the lock goes, and all comes back after boot."""
    logind, accd = up(w, 60000, STACK)
    record = w.record()
    before = w.docker.identities()
    logind.tell("down")
    logind.must_say("released", 60)
    assert not any(w.docker.running(name) for name in before), "the host was let go before all was down"
    assert w.docker.identities().keys() == before.keys(), "a container was removed"
    died = {e["Actor"]["Attributes"]["name"]: t for t, e in record.of("die")}
    sent = {name: record.of("kill", name)[0][0] for name in before}
    for dependent, needed in (("web", "api"), ("web", "cache"), ("api", "db")):
        assert died[f"s-{dependent}-1"] < sent[f"s-{needed}-1"], f"{needed} was stopped under {dependent}"
    assert record.count("start") == 0
    head = accd.ctl("status").stdout
    assert "the host is shutting down: 0 services still to be stopped" in head, head
    assert accd.json("status")["shutdown"] == {"running": 0, "until": ""}

    # The boot: a new accd, and a logind that knows of no shutdown.
    accd.stop()
    logind.tell("stays")
    accd.start()
    logind.must_say(LOCK)
    accd.wait_all_up(len(STACK))
    assert "shutdown" not in accd.json("status")
    assert w.docker.identities().keys() == before.keys(), "something was made anew"


@needs(seconds=150)
def test_comes_back_when_the_host_stays(w):
    """PrepareForShutdown(false): all is brought up again, and the next shutdown is held up, too."""
    logind, accd = up(w, 60000, STACK)
    for _ in range(2):
        logind.tell("down")
        logind.must_say("released", 60)
        logind.tell("stays")
        logind.must_say(LOCK)
        accd.wait_all_up(len(STACK))
    assert not accd.json("incidents")["incidents"]


@needs(seconds=150)
def test_lets_the_host_go_when_its_time_is_over(w):
    """One that doesn't obey SIGTERM takes its level's part of the time; the one below it is stopped all the same."""
    deaf = service("db", stop_grace_period="1m", environment={"IGNORE_TERM": "1"})
    logind, _ = up(w, 6500, {"db": service(), "deaf": deaf})
    record = w.record()
    logind.tell("down")
    wait(lambda: record.count("kill", "s-db-1"), 30, "the next level begins")
    assert w.docker.running("s-deaf-1"), "it isn't deaf"
    logind.must_say("released", 30)
    assert not w.docker.running("s-db-1")


@needs(seconds=150)
def test_does_not_take_the_end_for_one_by_hand(w):
    """A unit that runs `docker stop` and `docker compose down` as the host goes down stops nothing for good."""
    logind, accd = up(w, 60000, {"db": service(), "api": service("db", environment={"STOP_DELAY": "3"})})
    logind.tell("down")
    wait(lambda: accd.json("status")["shutdown"]["running"] == 2, 10, "it has begun")
    w.docker.call("POST", "/containers/s-db-1/stop")
    logind.must_say("released", 60)
    w.docker.call("DELETE", "/containers/s-db-1?force=1", ok=(404,))
    accd.kill()
    logind.tell("stays")
    accd.start()
    accd.wait_all_up(2)


@needs(seconds=120)
def test_a_new_accd_amid_a_shutdown_keeps_still(w):
    """accd dies while the host goes down: nobody waits for the next one, which starts nothing."""
    logind, accd = up(w, 60000, {"db": service(), "api": service("db", environment={"STOP_DELAY": "3"})})
    record = w.record()
    logind.tell("down")
    wait(lambda: accd.json("status").get("shutdown") and record.count("kill", "s-api-1"), 10, "it has begun, and Docker knows")
    accd.kill()
    logind.must_say("released", 60)
    wait(lambda: not w.docker.running("s-api-1"), 30, "its stop goes on, or was a kill")
    accd.start()
    wait(lambda: accd.json("status").get("shutdown"), 10, "it knows")
    wait(lambda: accd.json("status")["engine"]["connected"], 10, "it sees Docker")
    assert record.count("start") == 0
    logind.tell("stays")
    accd.wait_all_up(2)
