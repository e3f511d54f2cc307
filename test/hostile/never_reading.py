"""Peers that ask and ask and read no answer: `python3 never_reading.py PORT COUNT`.

In Python, because they have as little room for answers as the system allows, which Node cannot ask for: answers of four bytes
would fill the usual room only after millions. Each that is cut off is replaced. Prints a line when all have connected.
"""

import selectors
import socket
import sys
import time

ROOM_BYTES = 2048
QUESTIONS = b"GWIN" * 1000


def connect(port, agency):
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)
    peer.connect(("127.0.0.1", port))
    payload = str(agency).encode()
    peer.sendall(b"CONN" + len(payload).to_bytes(4, "big") + payload)
    peer.setblocking(False)
    return peer


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    selector = selectors.DefaultSelector()
    for index in range(count):
        selector.register(connect(port, 50 + index % 40), selectors.EVENT_WRITE, 50 + index % 40)
    print("connected", flush=True)
    while True:
        for key, _ in selector.select():
            try:
                key.fileobj.send(QUESTIONS)
            except OSError:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                time.sleep(0.02)
                selector.register(connect(port, key.data), selectors.EVENT_WRITE, key.data)


if __name__ == "__main__":
    main()
