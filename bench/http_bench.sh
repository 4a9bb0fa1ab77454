#!/usr/bin/env bash
# The HTTP engine alone, beside GNU libmicrohttpd (when its -dev package is there), loaded by wrk
# in turn: prints a Markdown table, best of three rounds. usage: bench/http_bench.sh [build folder]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

cat > "$work/post.lua" <<'LUA'
wrk.method = "POST"
wrk.body = string.rep("x", 1000)
LUA

start() { # name, command...: leaves the port in $port
	local name=$1
	shift
	"$@" > "$work/$name.port" &
	servers+=($!)
	until [ -s "$work/$name.port" ]; do sleep 0.05; done
	port=$(cat "$work/$name.port")
}

rate() { # connections, url, wrk options...: requests a second, best of three
	local connections=$1 url=$2
	shift 2
	for _ in 1 2 3; do
		wrk -t1 -c"$connections" -d3 "$@" "$url" | awk '/Requests\/sec/ {print int($2)}'
	done | sort -n | tail -1
}

row() { # what, connections, path, wrk options...
	local what=$1 connections=$2 path=$3 own other=-
	shift 3
	own=$(rate "$connections" "http://127.0.0.1:$own_port$path" "$@")
	[ -z "$other_port" ] || other=$(rate "$connections" "http://127.0.0.1:$other_port$path" "$@")
	echo "| $what | $own | $other |"
}

start engine "$build/wire_server" 0 16 20000
own_port=$port
other_port=
if cc -O2 bench/peers/microhttpd.c -lmicrohttpd -o "$work/microhttpd" 2>/dev/null; then
	start microhttpd "$work/microhttpd" 0
	other_port=$port
fi

echo "| requests a second | engine | libmicrohttpd |"
echo "| --- | ---: | ---: |"
row "GET, 6 bytes, 8 connections" 8 /hello
row "GET, 6 bytes, 64 connections" 64 /hello
row "GET, 6 bytes, 512 connections" 512 /hello
row "GET, a connection each" 64 /hello -H "Connection: close"
row "POST, 1 000 bytes" 64 /echo -s "$work/post.lua"
other_port= # paths only the engine's test server has
row "GET, 16 kB" 64 "/large?n=16384"
row "GET, 4 MiB of a file" 16 /file
row "handler that sleeps 1 ms, 16 workers" 64 "/nap?ms=1"
row "deferred, answered by another thread" 16 "/defer?ms=0"
/usr/bin/python3 - "$own_port" "${servers[0]}" <<'PY'
import socket, sys, time
port, pid = int(sys.argv[1]), sys.argv[2]
def rss():
    return int(next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")).split()[1])
before = rss()
peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(10000)]
for peer in peers:
    peer.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
for peer in peers:
    assert peer.recv(1000).startswith(b"HTTP/1.1 200")
time.sleep(3)
print(f"\n10 000 idle connections: {rss() - before} kB more, {(rss() - before) * 1024 // 10000} bytes each "
      f"(server: {rss()} kB)")
PY
