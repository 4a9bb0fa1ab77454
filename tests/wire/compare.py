#!/usr/bin/env python3
"""compare.py - how many of the malformed requests of malformed.py a server on
a port answers with success: for docs/adr/0002-http-engine.md.

  compare.py PORT"""
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from malformed import MORE, TWENTY  # noqa: E402


def status_of(port, data):
    """Status of the first answer; 0 when there is none within a second."""
    with socket.create_connection(("127.0.0.1", port), 1) as peer:
        try:
            peer.sendall(data)
            found = b""
            while b"\r\n" not in found:
                piece = peer.recv(4096)
                if not piece:
                    return 0
                found += piece
            return int(found.split()[1])
        except (OSError, ValueError, IndexError):
            return 0


def main():
    port = int(sys.argv[1])
    for title, cases in (("the twenty", TWENTY), ("their neighbours", MORE)):
        accepted = [case[0] for case in cases if 200 <= status_of(port, case[1]) < 400]
        print(f"{title}: {len(accepted)} of {len(cases)} accepted")
        for name in accepted:
            print(f"    {name}")


if __name__ == "__main__":
    main()
