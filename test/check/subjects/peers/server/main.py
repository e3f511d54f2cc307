"""The central of test/check/subjects/python with the conversation of a dialect of test/peers."""

import logging
import sys
from types import SimpleNamespace

import common
import dialect
import solution

check_birthdate = common.check_birthdate


def check_birthdate_and_log(text):
    try:
        check_birthdate(text)
    except ValueError:
        logging.error("action: apuesta_recibida | result: fail | cantidad: 1")
        raise


class Lottery(common.Lottery):
    """Holds the answer to a question back until the draw: no client has to ask twice."""

    def __init__(self, options):
        super().__init__(options)
        self._stopped = False

    def store(self, agency, bets):
        super().store(agency, bets)
        logging.info(f"action: apuesta_recibida | result: success | cantidad: {len(bets)}")

    def all_sent(self, agency):
        with self._changed:
            was_drawn = self._drawn
            count = super().all_sent(agency)
            if self._drawn and not was_drawn:
                logging.info("action: sorteo | result: success")
            return count

    def await_draw(self):
        with self._changed:
            self._changed.wait_for(lambda: self._drawn or self._stopped)
            if self._stopped:
                raise ConnectionError("the server stops")

    def ask_winners(self, agency):
        self.await_draw()
        return self.winners_of(agency)

    def stop(self):
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class Server(solution.Server):
    def __init__(self, port, backlog, agencies):
        self.options = SimpleNamespace(
            role="server", agencies=agencies, file=solution.STORAGE, chunk=None, pause=0, refuse=None
        )
        super().__init__(port, backlog, agencies)
        self.lottery = Lottery(self.options)

    def serve(self, connection):
        try:
            converse = dialect.server(self.options)  # A new one: an agency may come again.
            converse(common.Connection(connection, self.options), self.lottery)
        except (OSError, ValueError, common.Broken) as error:
            logging.error(f"action: receive_message | result: fail | error: {error}")
        finally:
            connection.close()
            self.connections.pop(connection, None)
            logging.info("action: close_connection | result: success")


common.check_birthdate = check_birthdate_and_log
common.serve = lambda options, converse, connections_max=None: converse
dialect.NUMBER_MAX = 9999  # The original of op-codes refuses 9998, which is a number like others.
solution.Server = Server
sys.exit(solution.main())
