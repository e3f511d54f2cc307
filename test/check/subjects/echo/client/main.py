"""The client of exercises 1 to 4: sends a line and expects it back, as often as the configuration says."""

import logging
import os
import signal
import socket
import sys
import time

CONNECT_ATTEMPTS = 20


class Terminated(Exception):
    """SIGTERM has arrived."""


def on_sigterm(*_):
    raise Terminated


def read_config(path):
    """The two levels of config.yaml, as `section.key`."""
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


def seconds(text):
    """`5s` or `200ms`."""
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.rstrip("s"))


def connect(address):
    host, _, port = address.rpartition(":")
    for _ in range(CONNECT_ATTEMPTS):
        try:
            return socket.create_connection((host, int(port)))
        except OSError as error:
            logging.info(f"action: connect | result: in_progress | error: {error}")
            time.sleep(0.5)
    raise ConnectionError(f"no server at {address}")


def run(config, client):
    for number in range(1, int(setting(config, "loop.amount")) + 1):
        message = f"[CLIENT {client}] Message N°{number}"
        with connect(setting(config, "server.address")) as connection:
            connection.sendall(f"{message}\n".encode())
            with connection.makefile(encoding="utf-8", newline="\n") as answers:
                answer = answers.readline().rstrip("\n")
        result = "success" if answer == message else "fail"
        logging.info(f"action: receive_message | result: {result} | client_id: {client} | msg: {answer}")
        time.sleep(seconds(setting(config, "loop.period")))
    logging.info(f"action: loop_finished | result: success | client_id: {client}")


def main():
    signal.signal(signal.SIGTERM, on_sigterm)
    config = read_config("config.yaml")
    logging.basicConfig(
        format="%(asctime)s %(levelname)-8s %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        level=setting(config, "log.level"),
        stream=sys.stdout,
    )
    client = int(os.environ["CLI_ID"])
    logging.debug(f"action: config | result: success | client_id: {client}")
    try:
        run(config, client)
    except Terminated:
        logging.info(f"action: close_connection | result: success | client_id: {client}")
        logging.info(f"action: shutdown | result: success | client_id: {client}")
    except OSError as error:
        logging.error(f"action: receive_message | result: fail | client_id: {client} | error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
