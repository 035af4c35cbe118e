"""A registry that fails as it is told, in front of a real one or of none.

    registry_fault.py PORT DIR [UPSTREAM-PORT]

What happens to a request says DIR/fault, read each time: lines of "WHAT [REGEX of the path]"; the
first that fits wins, else it goes to the upstream. WHAT: an HTTP status, `hang`, `reset` (the
connection is cut before an answer), `cut` (after half of the body), `slow` (the body comes in 20
pieces with 0.5 s between). Each request is a line of DIR/requests: "METHOD PATH WHAT|STATUS".
"""
import http.client
import http.server
import pathlib
import re
import socketserver
import sys
import time

PORT, DIR = int(sys.argv[1]), pathlib.Path(sys.argv[2])
UPSTREAM = int(sys.argv[3]) if len(sys.argv) > 3 else 0
# https://github.com/opencontainers/distribution-spec: error codes
CODES = {401: "UNAUTHORIZED", 403: "DENIED", 404: "MANIFEST_UNKNOWN", 429: "TOOMANYREQUESTS"}


def fault_of(path):
    for line in (DIR / "fault").read_text().splitlines() if (DIR / "fault").exists() else []:
        what, _, pattern = line.partition(" ")
        if re.search(pattern, path):
            return what
    return "" if UPSTREAM else "500"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args):
        pass

    def note(self, what):
        with open(DIR / "requests", "a") as f:
            f.write(f"{self.command} {self.path} {what}\n")

    def refuse(self, status):
        code = CODES.get(status, "UNKNOWN")
        body = f'{{"errors":[{{"code":"{code}","message":"fake {status}"}}]}}'.encode()
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="fake"')
        if status == 429:
            self.send_header("Retry-After", "5")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self):
        self.close_connection = True
        self.connection.close()

    def forward(self, what):
        length = int(self.headers.get("Content-Length") or 0)
        upstream = http.client.HTTPConnection("127.0.0.1", UPSTREAM, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for key, value in self.headers.items():  # one by one: Docker sends several of Accept
            upstream.putheader(key, value)
        upstream.endheaders(self.rfile.read(length) if length else None)
        reply = upstream.getresponse()
        body = reply.read()
        self.note(what or reply.status)
        self.send_response(reply.status)
        for key, value in reply.getheaders():
            if key.lower() not in ("transfer-encoding", "connection", "date", "server", "content-length"):
                self.send_header(key, value)
        told = reply.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", told or str(len(body)))
        self.end_headers()
        if what == "cut":
            self.wfile.write(body[:len(body) // 2])
            self.wfile.flush()
            self.cut()
        elif what == "slow":
            step = len(body) // 20 + 1
            for at in range(0, len(body), step):
                self.wfile.write(body[at:at + step])
                self.wfile.flush()
                time.sleep(0.5)
        elif self.command != "HEAD":
            self.wfile.write(body)

    def answer(self):
        what = fault_of(self.path)
        if what in ("", "cut", "slow"):
            self.forward(what)
            return
        self.note(what)
        if what == "hang":
            time.sleep(3600)
        elif what == "reset":
            self.cut()
        else:
            self.refuse(int(what))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True


Server(("127.0.0.1", PORT), Handler).serve_forever()
