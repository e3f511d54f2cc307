"""An agency of the lottery: sends the bets of its file and asks for its winners. See the server for the messages."""

import csv
import logging
import os
import signal
import socket
import struct
import sys
import time

HEADER = struct.Struct(">HBc")
MESSAGE_BYTES_MAX = 8192
BETS_MAX = 255
CONNECT_ATTEMPTS = 20
TIMEOUT_SECONDS = 60


class Terminated(Exception):
    """SIGTERM has arrived."""


def on_sigterm(*_):
    raise Terminated


def read_config(path):
    """The two levels of config.yaml that this client has, as `section.key`."""
    config, section = {}, ""
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, colon, value = line.partition(":")
            if not colon or key.lstrip().startswith("#"):
                continue
            if not key.startswith(" "):
                section = key
            config[f"{section}.{key.strip()}"] = value.strip().strip("\"'")
    return config


def setting(config, key):
    return os.environ.get("CLI_" + key.upper().replace(".", "_"), config.get(key))


def receive_exactly(connection, length):
    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise ConnectionError("the server has closed the connection")
        data += chunk
    return data


def receive_frame(connection):
    length, _, kind = HEADER.unpack(receive_exactly(connection, HEADER.size))
    return kind, receive_exactly(connection, length).decode()


def send_frame(connection, kind, text, count=0):
    payload = text.encode()
    connection.sendall(HEADER.pack(len(payload), count, kind) + payload)


def read_batches(path, agency, amount):
    """The lines of each batch: the agency, then so many bets at most, with the header 8 kB at most."""
    header = str(agency)
    batch, size = [header], len(header)
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            bet = "\t".join(row)
            length = len(bet.encode()) + 1
            full = len(batch) > amount or HEADER.size + size + length > MESSAGE_BYTES_MAX
            if full and len(batch) > 1:
                yield batch
                batch, size = [header], len(header)
            batch.append(bet)
            size += length
    if len(batch) > 1:
        yield batch


def connect(address):
    host, _, port = address.rpartition(":")
    for _ in range(CONNECT_ATTEMPTS):
        try:
            return socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS)
        except OSError as error:
            logging.info(f"action: connect | result: in_progress | error: {error}")
            time.sleep(0.5)
    raise ConnectionError(f"no server at {address}")


def send_bets(connection, agency, amount):
    for batch in read_batches("agency.csv", agency, amount):
        count = len(batch) - 1
        send_frame(connection, b"B", "\n".join(batch), count)
        kind, _ = receive_frame(connection)
        result = "success" if kind == b"+" else "fail"
        logging.debug(f"action: batch_enviado | result: {result} | cantidad: {count}")
    send_frame(connection, b"F", str(agency))


def ask_winners(connection, agency):
    connection.settimeout(None)  # The draw waits for the slowest agency.
    send_frame(connection, b"Q", str(agency))
    _, text = receive_frame(connection)
    winners = text.split("\n") if text else []
    logging.info(f"action: consulta_ganadores | result: success | cant_ganadores: {len(winners)}")


def run(config, agency):
    with connect(setting(config, "server.address")) as connection:
        send_bets(connection, agency, min(BETS_MAX, int(setting(config, "batch.maxAmount"))))
        ask_winners(connection, agency)
    logging.info(f"action: close_connection | result: success | client_id: {agency}")


def main():
    signal.signal(signal.SIGTERM, on_sigterm)
    config = read_config("config.yaml")
    logging.basicConfig(
        format="%(asctime)s %(levelname)-8s %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        level=setting(config, "log.level"),
        stream=sys.stdout,
    )
    agency = int(os.environ["CLI_ID"])
    try:
        run(config, agency)
    except Terminated:
        logging.info(f"action: close_connection | result: success | client_id: {agency}")
        logging.info(f"action: shutdown | result: success | client_id: {agency}")
    except OSError as error:
        logging.error(f"action: comunicacion | result: fail | client_id: {agency} | error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
