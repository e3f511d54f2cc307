"""What the peers of all dialects share: sockets, the agency's file, the store, the lottery and the command line.

No byte of any dialect is known here: each dialect has its codec in a file of its own.
"""

import argparse
import csv
import datetime
import json
import os
import socket
import sys
import threading
import time
from typing import NamedTuple

WINNING_NUMBER = 7574


class Broken(Exception):
    """The other side did something that the original of this side could not take."""


class Bet(NamedTuple):
    first_name: str
    last_name: str
    document: str
    birthdate: str
    number: str


class Connection:
    """A socket that is read exactly. A frame is written with one write, or with `chunk`, in pieces of so many bytes."""

    def __init__(self, sock, options):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A server's own deadline covers its connections too, and says what it was waiting for.
        sock.settimeout(options.timeout if options.role == "client" else None)
        self._socket = sock
        self._chunk = options.chunk
        self._pause = options.pause

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, frame):
        size = self._chunk or max(len(frame), 1)
        for at in range(0, len(frame), size):
            if at > 0 and self._pause > 0:
                time.sleep(self._pause)
            self._socket.sendall(frame[at : at + size])

    def receive_some(self, most):
        """What one read brings; nothing when the other side has closed."""
        return self._socket.recv(most)

    def receive_or_end(self, length):
        """`length` bytes, or None when the other side has closed before the first of them."""
        data = bytearray()
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            if not piece and not data:
                return None
            if not piece:
                raise Broken(f"closed after {len(data)} of {length} bytes")
            data += piece
        return bytes(data)

    def receive(self, length):
        """`length` bytes, in the middle of a message."""
        data = self.receive_or_end(length) if length > 0 else b""
        if data is None:
            raise Broken("closed where a message had to go on or an answer had to come")
        return data

    def receive_number(self, length):
        return int.from_bytes(self.receive(length), "big")

    def expect_end(self, why):
        """Waits for the other side to close."""
        data = self._socket.recv(64)
        if data:
            raise Broken(f"{data.hex(' ')} came {why}")

    def end_writing(self):
        self._socket.shutdown(socket.SHUT_WR)


# The client's side


class Report:
    """What a client prints when it is done. `acknowledged` and `errors` count batches."""

    def __init__(self, agency):
        self.agency = agency
        self.batches = 0
        self.bets = 0
        self.acknowledged = 0
        self.errors = 0
        self.winners = []


def dial(options):
    return Connection(socket.create_connection((options.host, options.port), options.timeout), options)


def read_bets(path):
    """The agency's file: `nombre,apellido,documento,nacimiento,numero`, without a header."""
    with open(path, encoding="utf-8", newline="") as file:
        yield from (Bet(*row) for row in csv.reader(file))


def in_batches(encoded_bets, bets_max, bytes_max):
    """Runs of encoded bets: so many bets at most, and so many bytes at most."""
    batch, size = [], 0
    for bet in encoded_bets:
        if batch and (len(batch) == bets_max or size + len(bet) > bytes_max):
            yield batch
            batch, size = [], 0
        batch.append(bet)
        size += len(bet)
    if batch:
        yield batch


# The server's side


class Lottery:
    """The bets, who has sent all of them, and the draw, shared by the connections of a server."""

    def __init__(self, options):
        self._options = options
        self._changed = threading.Condition(threading.RLock())
        self._winners = {}
        self._batches = {}
        self._questions = {}
        self._all_sent = {}
        self._told = set()
        self._refused = set()
        self._open = 0
        self._failure = None
        self.agencies = options.agencies
        self.bets = 0
        with open(options.file, "w", encoding="utf-8"):
            pass

    def refuses(self, agency):
        """Whether this batch is the one that `--refuse` wants refused. Called once for each batch."""
        with self._changed:
            self._batches[agency] = self._batches.get(agency, 0) + 1
            return self._batches[agency] == self._options.refuse

    def refuse_agency(self, agency):
        """An agency that was sent away is not waited for."""
        with self._changed:
            self._refused.add(agency)
            self._changed.notify_all()

    def store(self, agency, bets):
        """Appends the bets to the file, as the course's `store_bets` does."""
        with self._changed, open(self._options.file, "a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL)
            for bet in bets:
                writer.writerow([agency, *bet[:4], int(bet.number)])
                if int(bet.number) == WINNING_NUMBER:
                    self._winners.setdefault(agency, []).append(bet.document)
            self.bets += len(bets)

    def all_sent(self, agency):
        """@returns how often this agency has said it, this time included"""
        with self._changed:
            self._all_sent[agency] = self._all_sent.get(agency, 0) + 1
            self._changed.notify_all()
            return self._all_sent[agency]

    def has_sent_all(self, agency):
        with self._changed:
            return agency in self._all_sent

    @property
    def _drawn(self):
        return len(self._all_sent.keys() | self._refused) >= self.agencies

    def await_draw(self):
        with self._changed:
            self._changed.wait_for(lambda: self._drawn)

    def ask_winners(self, agency):
        """The documents, or None: the draw has not been held, or `--not-yet` wants another question."""
        with self._changed:
            self._questions[agency] = self._questions.get(agency, 0) + 1
            if not self._drawn or self._questions[agency] <= self._options.not_yet:
                return None
            return self.winners_of(agency)

    def winners_of(self, agency):
        return self._winners.get(agency, [])

    def told(self, agency):
        with self._changed:
            self._told.add(agency)
            self._refused.discard(agency)
            self._changed.notify_all()

    def fail(self, why):
        with self._changed:
            self._failure = self._failure or why
            self._changed.notify_all()

    def opened(self):
        with self._changed:
            self._open += 1

    def closed(self):
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def await_end(self):
        """Waits until all agencies know their winners and have closed. Raises Broken when it does not come to that."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure or self._over, self._options.timeout)
            if self._failure:
                raise Broken(self._failure)
            if not self._over:
                raise Broken(f"not over after {self._options.timeout:g} s: {self._waiting_for}")

    @property
    def _over(self):
        return self._open == 0 and len(self._told | self._refused) >= self.agencies

    @property
    def _waiting_for(self):
        if not self._drawn:
            return f"'all sent' came from {sorted(self._all_sent)}, of {self.agencies} agencies; {self.bets} bets"
        if len(self._told | self._refused) < self.agencies:
            return f"only {sorted(self._told)} know their winners, of {self.agencies} agencies"
        return f"{self._open} connections are still open"

    def summary(self):
        return {
            "done": True,
            "bets": self.bets,
            "all_sent": {str(agency): count for agency, count in sorted(self._all_sent.items())},
        }


def check_birthdate(text):
    """Raises ValueError when it is not a date of the calendar, `YYYY-MM-DD`."""
    datetime.datetime.strptime(text, "%Y-%m-%d")
    if len(text) != 10:
        raise ValueError(f"birthdate {text!r}")


def serve(options, converse, connections_max=None):
    """Gives each connection a thread with `converse(connection, lottery)` until everything is over."""
    lottery = Lottery(options)
    listener = socket.create_server((options.host, options.port), backlog=128)
    say({"port": listener.getsockname()[1]})

    def talk(connection):
        try:
            with connection:
                converse(connection, lottery)
        except Exception as error:  # Whatever it is: the server is to end with it, not to wait on.
            lottery.fail(explain(error))
        finally:
            lottery.closed()

    def accept():
        accepted = 0
        while True:
            sock, _ = listener.accept()
            accepted += 1
            lottery.opened()
            if connections_max is not None and accepted > connections_max:
                lottery.fail(f"connection {accepted}, where there may be {connections_max}")
            threading.Thread(target=talk, args=(Connection(sock, options),), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    lottery.await_end()
    say(lottery.summary())


# The command line


def explain(error):
    return str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"


def say(line):
    print(json.dumps(line), flush=True)


def main(description, client, server, options_of_client=None, options_of_server=None):
    """Runs one of the two roles. The exit code is 0 when the conversation went as the original's would."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    roles = parser.add_subparsers(dest="role", required=True)

    of_client = roles.add_parser("client")
    of_client.add_argument("host")
    of_client.add_argument("port", type=int)
    of_client.add_argument("agency", type=int)
    of_client.add_argument("file", help="the agency's CSV: nombre,apellido,documento,nacimiento,numero")
    of_client.add_argument("--batch", type=int, default=100, help="bets in a batch at most")

    of_server = roles.add_parser("server")
    of_server.add_argument("port", type=int, help="0 is any free port")
    of_server.add_argument("agencies", type=int)
    of_server.add_argument("file", help="where the bets go, as CSV")
    of_server.add_argument("--host", default="127.0.0.1")
    of_server.add_argument("--refuse", type=int, help="refuse this batch of every agency, counted from 1")
    of_server.add_argument(
        "--not-yet", type=int, default=0, help="answer so many questions of every agency with 'not yet'"
    )

    for role in (of_client, of_server):
        role.add_argument("--chunk", type=int, help="write frames in pieces of so many bytes")
        role.add_argument("--pause", type=float, default=0, help="seconds between two pieces")
        role.add_argument("--timeout", type=float, default=60, help="seconds until it gives up")
    if options_of_client:
        options_of_client(of_client)
    if options_of_server:
        options_of_server(of_server)

    options = parser.parse_args()
    try:
        if options.role == "server":
            server(options)
        else:
            report = Report(options.agency)
            client(options, read_bets(options.file), report)
            say(vars(report))
    except Exception as error:  # Told in a line, without the way to it: who reads it has the other side in mind.
        print(explain(error), file=sys.stderr, flush=True)
        if options.role == "client":
            say(vars(report))
        # Threads of other conversations must not keep the process, nor its exit code.
        os._exit(1)
