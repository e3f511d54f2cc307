"""The central of the lottery: one thread per connection.

    frame    u16 length of the payload, u8 count of bets, u8 kind, payload in UTF-8; integers are big-endian

    B  client  agency, then a line per bet: nombre, apellido, documento, nacimiento, numero between tabs    + or -
    F  client  agency: all bets sent; no answer
    Q  client  agency: who won?                                     W after the draw: a line per document
"""

import configparser
import csv
import datetime
import logging
import os
import signal
import socket
import struct
import sys
import threading

STORAGE = "bets.csv"
WINNING_NUMBER = 7574
HEADER = struct.Struct(">HBc")


class Bet:
    def __init__(self, agency, first_name, last_name, document, birthdate, number):
        """Raises ValueError for what is no bet."""
        if not first_name or not last_name or not document.isdecimal():
            raise ValueError("a field is missing")
        self.agency = agency
        self.first_name = first_name
        self.last_name = last_name
        self.document = document
        self.birthdate = datetime.date.fromisoformat(birthdate)
        self.number = int(number)


def store_bets(bets):
    with open(STORAGE, "a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for bet in bets:
            writer.writerow(
                [bet.agency, bet.first_name, bet.last_name, bet.document, bet.birthdate, bet.number]
            )


def load_winners():
    """The documents of the winners of each agency."""
    winners = {}
    with open(STORAGE, encoding="utf-8", newline="") as file:
        for agency, _, _, document, _, number in csv.reader(file):
            if int(number) == WINNING_NUMBER:
                winners.setdefault(int(agency), []).append(document)
    return winners


def receive_exactly(connection, length):
    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise ConnectionError("closed in the middle of a message")
        data += chunk
    return data


def receive_frame(connection):
    """The count, the kind and the text of a message, or None when the client has closed."""
    first = connection.recv(1)
    if not first:
        return None
    length, count, kind = HEADER.unpack(first + receive_exactly(connection, HEADER.size - 1))
    return count, kind, receive_exactly(connection, length).decode()


def send_frame(connection, kind, text=""):
    payload = text.encode()
    connection.sendall(HEADER.pack(len(payload), 0, kind) + payload)


class Lottery:
    """The bets and who has sent all of theirs, shared by the threads."""

    def __init__(self, agencies):
        self.agencies = agencies
        self.changed = threading.Condition()
        self.storage_lock = threading.Lock()
        self.finished = set()
        self.winners = None
        self.stopped = False
        open(STORAGE, "w").close()

    def store(self, bets):
        with self.storage_lock:
            store_bets(bets)

    def finish(self, agency):
        with self.changed:
            self.finished.add(agency)
            if self.winners is None and len(self.finished) >= self.agencies:
                self.winners = load_winners()
                logging.info("action: sorteo | result: success")
                self.changed.notify_all()

    def await_winners(self, agency):
        with self.changed:
            self.changed.wait_for(lambda: self.winners is not None or self.stopped)
            if self.stopped:
                raise ConnectionError("the server stops")
            return self.winners.get(agency, [])

    def stop(self):
        with self.changed:
            self.stopped = True
            self.changed.notify_all()


class Server:
    def __init__(self, port, backlog, agencies):
        self.lottery = Lottery(agencies)
        self.connections = {}
        self.stopping = False
        self.listener = socket.create_server(("", port), backlog=backlog)
        signal.signal(signal.SIGTERM, self.on_sigterm)
        logging.info(f"action: listen | result: success | port: {port}")

    def on_sigterm(self, *_):
        self.stopping = True
        self.listener.close()

    def run(self):
        while not self.stopping:
            try:
                connection, (address, _) = self.listener.accept()
            except OSError:
                break
            logging.info(f"action: accept_connections | result: success | ip: {address}")
            thread = threading.Thread(target=self.serve, args=(connection,))
            self.connections[connection] = thread
            thread.start()
        self.close()

    def close(self):
        self.listener.close()
        logging.info("action: close_listener | result: success")
        self.lottery.stop()
        for connection, thread in list(self.connections.items()):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It has closed by itself.
            thread.join()
        logging.info("action: shutdown | result: success")

    def serve(self, connection):
        try:
            while (message := receive_frame(connection)) is not None:
                self.answer(connection, *message)
        except (OSError, ValueError, struct.error) as error:
            logging.error(f"action: receive_message | result: fail | error: {error}")
        finally:
            connection.close()
            self.connections.pop(connection, None)
            logging.info("action: close_connection | result: success")

    def answer(self, connection, count, kind, text):
        if kind == b"B":
            self.take_batch(connection, count, text)
        elif kind == b"F":
            self.lottery.finish(int(text))
        elif kind == b"Q":
            winners = self.lottery.await_winners(int(text))
            send_frame(connection, b"W", "\n".join(winners))
        else:
            raise ValueError(f"unknown message {kind}")

    def take_batch(self, connection, count, text):
        agency, *lines = text.split("\n")
        if len(lines) != count:
            raise ValueError(f"{len(lines)} bets where {count} were announced")
        try:
            bets = [Bet(int(agency), *line.split("\t")) for line in lines]
        except (TypeError, ValueError):
            logging.error(f"action: apuesta_recibida | result: fail | cantidad: {len(lines)}")
            send_frame(connection, b"-")
            return
        self.lottery.store(bets)
        logging.info(f"action: apuesta_recibida | result: success | cantidad: {len(bets)}")
        send_frame(connection, b"+")


def main():
    config = configparser.ConfigParser(os.environ)
    config.read("config.ini")
    settings = config["DEFAULT"]
    logging.basicConfig(
        format="%(asctime)s %(levelname)-8s %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        level=os.environ.get("LOGGING_LEVEL", settings["LOGGING_LEVEL"]),
        stream=sys.stdout,
    )
    port = int(os.environ.get("SERVER_PORT", settings["SERVER_PORT"]))
    backlog = int(settings["SERVER_LISTEN_BACKLOG"])
    Server(port, backlog, int(os.environ.get("AGENCIES", "5"))).run()


if __name__ == "__main__":
    main()
