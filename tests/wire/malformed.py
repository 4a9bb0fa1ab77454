"""malformed.py - requests that must be refused, as data.

TWENTY is the family of reference/c-codebases.md section 3, by which HTTP
libraries were compared (tests/wire/compare.py does it again); MORE are the
desync bugs of reference/security-and-reliability.md 1.5 and their neighbours.
Each is (name, bytes, statuses that are right)."""

H = b"Host: a\r\n"
BODY = b"hello"


def head(fields, line=b"POST /echo HTTP/1.1"):
    return line + b"\r\n" + H + fields + b"\r\n"


def chunks(data, fields=b"Transfer-Encoding: chunked\r\n"):
    return head(fields) + data


TWENTY = [
    ("two lengths, equal", head(b"Content-Length: 5\r\nContent-Length: 5\r\n") + BODY),
    ("two lengths, first larger", head(b"Content-Length: 6\r\nContent-Length: 5\r\n") + BODY + b"X"),
    ("two lengths, first smaller", head(b"Content-Length: 5\r\nContent-Length: 6\r\n") + BODY + b"X"),
    ("length and chunked", head(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")
     + b"0\r\n\r\n"),
    ("gzip, chunked", head(b"Transfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n"),
    ("unknown coding with length", head(b"Transfer-Encoding: cow\r\nContent-Length: 5\r\n") + BODY),
    ("two codings", head(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")
     + b"0\r\n\r\n"),
    ("length +5", head(b"Content-Length: +5\r\n") + BODY),
    ("length -1", head(b"Content-Length: -1\r\n")),
    ("length 5 5", head(b"Content-Length: 5 5\r\n") + BODY),
    ("space before colon", head(b"Content-Length : 5\r\n") + BODY),
    ("no host", b"GET /hello HTTP/1.1\r\n\r\n"),
    ("two hosts", b"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("bare LF", b"GET /hello HTTP/1.1\nHost: a\n\n"),
    ("folded line", head(b"X-A: b\r\n c\r\n", b"GET /hello HTTP/1.1")),
    ("chunk size 0x5", chunks(b"0x5\r\nhello\r\n0\r\n\r\n")),
    ("chunk size +5", chunks(b"+5\r\nhello\r\n0\r\n\r\n")),
    ("chunks with LF only", chunks(b"5\nhello\n0\n\n")),
    ("bare CR", head(b"X-A: b\rX-B: c\r\n", b"GET /hello HTTP/1.1")),
    ("NUL", head(b"X-A: b\0c\r\n", b"GET /hello HTTP/1.1")),
]

LINES = [
    b"GET /hello", b"GET  /hello HTTP/1.1", b"GET /hello  HTTP/1.1", b"GET\t/hello HTTP/1.1",
    b" GET /hello HTTP/1.1", b"GET /hello HTTP/1.1 ", b"GET /hello http/1.1",
    b"GET /hello HTTP/1.10", b"GET /hello HTTP/257.1", b"GET /hello HTTP/1.257",
    b"GET /hello HTTP/-1.1", b"GET /hello HTTP/1", b"GET hello HTTP/1.1", b"GET * HTTP/1.1",
    b"GET /he llo HTTP/1.1", b"GET /hello#x HTTP/1.1", b"GET /\0 HTTP/1.1",
    b"GET /\xc3\xa4 HTTP/1.1", b"CONNECT a:443 HTTP/1.1", b"GET http://b/ HTTP/1.1",
    b"GET http://u:p@a/ HTTP/1.1", b"G<T /hello HTTP/1.1", b"GET /hello HTTP/1.1\rX-A: b",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x80\x2e\x01\x00\x02",
]

FIELDS = [
    b": x", b"X-A", b"X A: b", b"\tX-A: b", b"X-A\xa0: b", b"X\0: b", b"X-A: \x01", b"X-A: \x7f",
    b"X-A: b\r", b"\rX", b"Host: a", b"host: b",
    b"Content-Length: 0x5", b"Content-Length: 5_0", b"Content-Length: ", b"Content-Length: 5,5",
    b"Content-Length: 5,", b"Content-Length: 5;", b"Content-Length: 5.0", b"Content-Length: 5a",
    b"Content-Length: -0", b"Content-Length: \x855", b"Content-Length: 5\xa0",
    b"Content-Length: 18446744073709551621", b"Content-Length: 4294967301000000000000",
    b"Content-Length: 9223372036854775808",
    b"Content-Length: 5\r\nContent-Length: 0", b"Content-Length: 5\r\nContent-Length: +5",
    b"Transfer-Encoding: chunked\r\nContent-Length: 0",
    b"Transfer-Encoding:", b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx", b"Transfer-Encoding: chunked;q=1",
    b'Transfer-Encoding: "chunked"', b"Transfer-Encoding: chunked\xa0",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked", b"Transfer-Encoding: chun\r\n ked",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer_Encoding: chunked\r\nTransfer-Encoding: cow",
]

HOSTS = [b"", b"a b", b"a,b", b"a/b", b"u@a", b":80", b"a:b", b"a:99999", b"[::1", b"[::1]x",
         b"\xc3\xa4", b"a\tb", b"a#b", b"a?b"]

CHUNKS = [
    b"0x0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"5_0\r\nhello\r\n0\r\n\r\n",
    b" 5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"\r\nhello", b";x\r\n", b"g\r\n",
    b"5;" + b"e" * 16 + b"\r\nhello\r\n0\r\n\r\n", b"5;a b\r\nhello\r\n0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n", b"5\rXhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n",
    b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\rX", b"5\r\nhel\r\n0\r\n\r\n",
    b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"fffffffffffffffff\r\n", b"8000000000000000\r\n",
    b"5\0\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\r\n\rX",
    b"0\r\nX-A\r\n\r\n", b"0\r\nX-A : b\r\n\r\n", b"0\r\n X-A: b\r\n\r\n",
    b"0\r\nX-A: b\r\n c\r\n\r\n", b"0\r\nX-A: \0\r\n\r\n", b"0\r\nX-A: " + b"t" * 5000,
]

OTHERS = [
    ("head ended by CR X", b"GET /hello HTTP/1.1\r\n" + H + b"\rX", (400,)),
    ("head ended by LF", b"GET /hello HTTP/1.1\r\n" + H + b"\n", (400,)),
    ("head ended by CR CR LF", b"GET /hello HTTP/1.1\r\n" + H + b"\r\r\n", (400,)),
    ("two empty lines first", b"\r\n\r\n" + head(b"", b"GET /hello HTTP/1.1"), (400,)),
    ("LF first", b"\n" + head(b"", b"GET /hello HTTP/1.1"), (400,)),
    ("space before the first field", b"GET /hello HTTP/1.1\r\n Host: a\r\n\r\n", (400,)),
    ("chunked in HTTP/1.0", head(b"Transfer-Encoding: chunked\r\n", b"POST /echo HTTP/1.0")
     + b"0\r\n\r\n", (400,)),
    ("two hosts in HTTP/1.0", b"GET /hello HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", (400,)),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505,)),
    ("HTTP/1.2", head(b"", b"GET /hello HTTP/1.2"), (505,)),
    ("HTTP/0.9", b"GET /hello\r\n", (400,)),
    ("line of 8193 bytes", head(b"", b"GET /" + b"x" * 8179 + b" HTTP/1.1"), (414,)),
    ("line without end", b"GET /" + b"x" * 9000, (414,)),
    ("101 fields", head(b"X-A: b\r\n" * 100, b"GET /hello HTTP/1.1"), (431,)),
    ("head of 33 kB", head(b"X-A: " + b"y" * 33000 + b"\r\n", b"GET /hello HTTP/1.1"), (431,)),
    ("head without end", b"GET /hello HTTP/1.1\r\n" + H + b"X-A: " + b"y" * 33000, (431,)),
]

MORE = (
    [(f"line {line[:40]!r}", line + b"\r\n" + H + b"\r\n", (400,)) for line in LINES]
    + [(f"field {field[:60]!r}", head(field + b"\r\n") + BODY, (400,)) for field in FIELDS]
    + [(f"host {host!r}", b"GET /hello HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", (400,))
       for host in HOSTS]
    + [(f"chunk {chunk[:40]!r}", chunks(chunk), (400,)) for chunk in CHUNKS]
    + OTHERS
)
