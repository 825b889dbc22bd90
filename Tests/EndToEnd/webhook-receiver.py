"""A webhook endpoint on the loopback address that keeps what it is sent.

usage: webhook-receiver.py SECRETFILE DIRECTORY

Writes its port to DIRECTORY/port. Each delivery whose Standard Webhooks signature holds becomes
DIRECTORY/ID.json and is answered with 204; any other becomes DIRECTORY/ID.refused and gets 401.
"""

import base64
import hashlib
import hmac
import http.server
import pathlib
import re
import sys
import time

MAX_BODY = 1 << 20
MAX_AGE = 300


def main():
    secret_file, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    secrets = [
        base64.b64decode(line.removeprefix("whsec_"))
        for line in pathlib.Path(secret_file).read_text().split()
    ]

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("content-length", "0"))
            if not 0 < length <= MAX_BODY:
                return self.answer(413)
            body = self.rfile.read(length)
            identifier = self.headers.get("webhook-id", "")
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identifier):
                return self.answer(400)
            good = self.is_signed(identifier, body)
            path = directory / (identifier + (".json" if good else ".refused"))
            part = path.with_suffix(".part")
            part.write_bytes(body)
            part.rename(path)
            self.answer(204 if good else 401)

        def is_signed(self, identifier, body):
            stamp = self.headers.get("webhook-timestamp", "")
            if not stamp.isdigit() or abs(time.time() - int(stamp)) > MAX_AGE:
                return False
            content = f"{identifier}.{stamp}.".encode() + body
            wanted = [
                "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
                for key in secrets
            ]
            given = self.headers.get("webhook-signature", "").split(" ")
            return any(hmac.compare_digest(a, b) for a in wanted for b in given)

        def answer(self, status):
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    part = directory / "port.part"
    part.write_text(f"{server.server_address[1]}\n")
    part.rename(directory / "port")
    server.serve_forever()


main()
