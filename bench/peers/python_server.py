"""A server of the base protocol, written the way the solutions of the assignment are.

    python3 python_server.py PORT [FOLDER]

A thread for each connection, an object for each bet, the course's own `store_bets` with one lock around it, the line in the log
that exercise 6 asks for, and no sync: what it has acknowledged may be lost with the power. It answers `OK` to each batch, remembers who has finished, and holds no
draw: it is there to be measured (`loteria bench --server localhost:PORT`).
"""

import csv
import datetime
import logging
import os
import signal
import socket
import sys
import threading

STORAGE_FILEPATH = "bets.csv"
BACKLOG = 1024
PAYLOAD_BYTES_MAX = 8192 - 8

OK = b"OK\0\0"
NOK = b"NOK\0"
FIELDS_PER_BET = 5


class Bet:
    """A bet as the course's skeleton has it."""

    def __init__(self, agency, first_name, last_name, document, birthdate, number):
        self.agency = int(agency)
        self.first_name = first_name
        self.last_name = last_name
        self.document = document
        self.birthdate = datetime.date.fromisoformat(birthdate)
        self.number = int(number)


def store_bets(bets):
    """The course's function: appends the bets to the file. Not safe to be called by two threads at the same time."""
    with open(STORAGE_FILEPATH, "a+", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL)
        for bet in bets:
            writer.writerow(
                [bet.agency, bet.first_name, bet.last_name, bet.document, bet.birthdate, bet.number]
            )


def receive_exactly(connection, length):
    """Reads `length` bytes, or raises EOFError when the client has closed the connection."""
    data = bytearray()
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def receive_payload(connection):
    length = int.from_bytes(receive_exactly(connection, 4), "big")
    if length > PAYLOAD_BYTES_MAX:
        raise ValueError(f"payload of {length} bytes")
    return receive_exactly(connection, length).decode("utf-8")


def parse_bets(agency, payload):
    """The bets of `n|` and then 5·n fields."""
    count, *fields = payload.split("|")
    if len(fields) != int(count) * FIELDS_PER_BET:
        raise ValueError(f"{count} bets with {len(fields)} fields")
    return [Bet(agency, *fields[at : at + FIELDS_PER_BET]) for at in range(0, len(fields), FIELDS_PER_BET)]


class Server:
    def __init__(self, port):
        self._listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self._lock = threading.Lock()
        self._finished = set()

    def run(self):
        while True:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                self._answer_messages(connection)
            except (EOFError, ConnectionError):
                pass
            except ValueError as error:
                print(f"refused: {error}", file=sys.stderr)
                connection.sendall(NOK)

    def _answer_messages(self, connection):
        agency = None
        while True:
            message = receive_exactly(connection, 4)
            if message == b"CONN":
                agency = receive_payload(connection)
            elif message == b"NBET":
                bets = parse_bets(agency, receive_payload(connection))
                with self._lock:
                    store_bets(bets)
                logging.info("action: apuesta_recibida | result: success | cantidad: %d", len(bets))
                connection.sendall(OK)
            elif message == b"END\0":
                with self._lock:
                    self._finished.add(agency)
                connection.sendall(OK)
            else:
                raise ValueError(f"message {message!r}")


def main():
    logging.basicConfig(
        format="%(asctime)s %(levelname)-8s %(message)s", level=logging.INFO, datefmt="%Y-%m-%d %H:%M:%S"
    )
    port = int(sys.argv[1])
    if len(sys.argv) > 2:
        os.chdir(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(port).run()


if __name__ == "__main__":
    main()
