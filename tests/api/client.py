"""client.py - one HTTP/1.1 caller: keep-alive, a session cookie or a bearer token, the
CSRF token where a browser would send it. Answers keep status, fields and bytes."""
import http.client
import json
import time
import urllib.parse


class Answer:
    def __init__(self, response, body):
        self.status, self.body = response.status, body
        self.fields = response.headers

    @property
    def type(self):
        return (self.fields.get("Content-Type") or "").split(";")[0]

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


class Client:
    def __init__(self, base_url, token=None):
        self.address = urllib.parse.urlsplit(base_url)
        self.token, self.cookie, self.csrf = token, None, None
        self.connection = None

    def _connect(self):
        self.connection = http.client.HTTPConnection(self.address.hostname, self.address.port,
                                                     timeout=30)

    def raw(self, method, path, body=None, fields=None):
        """Sends exactly what is given."""
        for attempt in (1, 2):
            if self.connection is None:
                self._connect()
            try:
                self.connection.request(method, path, body=body, headers=fields or {})
                response = self.connection.getresponse()
                answer = Answer(response, response.read())
                if response.will_close:
                    self.connection = None
                return answer
            except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError):
                self.connection = None
                if attempt == 2:
                    raise
        raise AssertionError("not reached")

    def __call__(self, method, path, body=None, fields=None, **query):
        headers = {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            headers["Cookie"] = self.cookie
            if self.csrf and method not in ("GET", "HEAD", "OPTIONS"):
                headers["X-CSRF-Token"] = self.csrf
        data = None
        if body is not None:
            data = body if isinstance(body, (bytes, str)) else json.dumps(body)
            headers["Content-Type"] = "application/json"
        for name, value in (fields or {}).items():
            headers.pop(name, None)
            if value is not None:
                headers[name] = value
        if query:
            path += "?" + urllib.parse.urlencode(query)
        if isinstance(data, str):
            data = data.encode()
        answer = self.raw(method, path, data, headers)
        for cookie in answer.fields.get_all("Set-Cookie") or []:
            pair = cookie.split(";")[0]
            self.cookie = pair if pair.split("=", 1)[1] else None
        return answer


def eventually(seconds, probe):
    """The first true answer of probe, or its last one."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)
