"""The echo server of exercises 1 to 4: a line comes back, one connection each."""

import configparser
import logging
import os
import signal
import socket
import sys

LINE_BYTES_MAX = 1024


class Server:
    def __init__(self, port, backlog):
        self.stopping = False
        self.connection = None
        self.listener = socket.create_server(("", port), backlog=backlog)
        signal.signal(signal.SIGTERM, self.on_sigterm)
        logging.info(f"action: listen | result: success | port: {port}")

    def on_sigterm(self, *_):
        self.stopping = True
        self.listener.close()
        if self.connection is not None:
            self.connection.shutdown(socket.SHUT_RDWR)

    def run(self):
        while not self.stopping:
            try:
                self.connection, (address, _) = self.listener.accept()
            except OSError:
                break
            try:
                with self.connection:
                    self.answer(self.connection, address)
            except OSError as error:
                logging.error(f"action: receive_message | result: fail | error: {error}")
            self.connection = None
        logging.info("action: close_listener | result: success")
        logging.info("action: shutdown | result: success")

    def answer(self, connection, address):
        line = b""
        while not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
            chunk = connection.recv(LINE_BYTES_MAX - len(line))
            if not chunk:
                raise ConnectionError("closed in the middle of a message")
            line += chunk
        text = line.decode().rstrip("\n")
        logging.info(f"action: receive_message | result: success | ip: {address} | msg: {text}")
        connection.sendall(line)


def main():
    config = configparser.ConfigParser()
    config.read("config.ini")
    settings = config["DEFAULT"]
    logging.basicConfig(
        format="%(asctime)s %(levelname)-8s %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        level=os.environ.get("LOGGING_LEVEL", settings["LOGGING_LEVEL"]),
        stream=sys.stdout,
    )
    logging.debug("action: config | result: success")
    port = int(os.environ.get("SERVER_PORT", settings["SERVER_PORT"]))
    Server(port, int(settings["SERVER_LISTEN_BACKLOG"])).run()


if __name__ == "__main__":
    main()
