"""The base dialect: both sides, as other solutions speak it.

    message       4 bytes type, padded with NUL; those with a payload go on with u32 length + payload

    CONN  client  agency id: first, once; no answer
    BET   client  nombre|apellido|documento|nacimiento|numero                       OK or NOK
    NBET  client  n| then 5·n fields, no trailing delimiter                         OK or NOK
    END   client  no payload: all bets sent                                         OK or NOK
    GWIN  client  no payload: who won?                                              NEND or RWIN
    RWIN  server  count|documento|documento…; none is 0| or 0

Integers are big-endian. The server does not close after NEND or RWIN; existing clients connect again after NEND, with CONN and GWIN.
"""

import struct
import time

import common
from common import Bet, Broken

OK, NOK, NEND = b"OK\0\0", b"NOK\0", b"NEND"
PAYLOAD_BYTES_MAX = 8192 - 8
FIELDS_PER_BET = 5


def encode(kind, text):
    data = text.encode()
    return kind + struct.pack(">I", len(data)) + data


def encode_connect(agency):
    return encode(b"CONN", str(agency))


def receive_payload(connection):
    length = connection.receive_number(4)
    if length > PAYLOAD_BYTES_MAX:
        raise Broken(f"a payload of {length} bytes")
    return connection.receive(length).decode()


def client(options, bets, report):
    if options.stray:
        with common.dial(options) as connection:
            connection.send(encode_connect(options.agency))
    with common.dial(options) as connection:
        connection.send(encode_connect(options.agency))
        send_bets(connection, options, bets, report)
        connection.send(b"END\0")
        expect_ok(connection, "END")
        told = ask(connection, report)
    while not told:
        time.sleep(options.wait)
        with common.dial(options) as connection:
            connection.send(encode_connect(options.agency))
            told = ask(connection, report)


def send_bets(connection, options, bets, report):
    # `n|` and then fields between delimiters: the count, and before each bet a delimiter.
    encoded = (("|" + "|".join(bet)).encode() for bet in bets)
    for batch in common.in_batches(encoded, options.batch, PAYLOAD_BYTES_MAX - len(str(options.batch))):
        message = encode(b"NBET", str(len(batch)) + b"".join(batch).decode())
        report.batches += 1
        report.bets += len(batch)
        connection.send(message)
        answer = connection.receive(4)
        if answer == NOK:
            report.errors += 1
            connection.send(message)  # Existing clients send it again, and then END.
            answer = connection.receive(4)
        if answer != OK:
            raise Broken(f"the answer to a batch is {answer}")
        report.acknowledged += 1


def expect_ok(connection, what):
    answer = connection.receive(4)
    if answer != OK:
        raise Broken(f"the answer to {what} is {answer}")


def ask(connection, report):
    """@returns whether the draw has been held"""
    connection.send(b"GWIN")
    answer = connection.receive(4)
    if answer == NEND:
        return False
    if answer != b"RWIN":
        raise Broken(f"the answer to GWIN is {answer}")
    # The documents of a whole agency may be more than a client's message holds.
    count, _, documents = connection.receive(connection.receive_number(4)).decode().partition("|")
    report.winners = documents.split("|") if documents else []
    if len(report.winners) != int(count):
        raise Broken(f"{count} winners announced, {len(report.winners)} named")
    return True


def server(options):
    return common.serve(options, converse)


def converse(connection, lottery):
    agency = None
    while (kind := connection.receive_or_end(4)) is not None:
        if kind == b"CONN" and agency is None:
            agency = int(receive_payload(connection))
        elif agency is None:
            raise Broken(f"{kind} before CONN")
        elif kind in (b"BET\0", b"NBET"):
            payload = receive_payload(connection)
            if not take_batch(connection, lottery, agency, payload if kind == b"NBET" else f"1|{payload}"):
                return
        elif kind == b"END\0":
            lottery.all_sent(agency)
            connection.send(OK)
        elif kind == b"GWIN":
            answer(connection, lottery, agency)
        else:
            raise Broken(f"{kind} of agency {agency}")


def take_batch(connection, lottery, agency, payload):
    """@returns whether it was stored; otherwise the connection is to be closed"""
    if lottery.has_sent_all(agency):
        raise Broken(f"bets of agency {agency} after its END")
    bets = decode_bets(payload)
    if lottery.refuses(agency):
        lottery.refuse_agency(agency)
        connection.send(NOK)
        return False
    if not all(map(is_valid, bets)):
        connection.send(NOK)
        return False
    lottery.store(agency, bets)
    connection.send(OK)
    return True


def decode_bets(payload):
    count, _, rest = payload.partition("|")
    fields = rest.split("|") if rest else []
    if len(fields) != int(count) * FIELDS_PER_BET:
        raise Broken(f"{count} bets with {len(fields)} fields")
    return [Bet(*fields[at : at + FIELDS_PER_BET]) for at in range(0, len(fields), FIELDS_PER_BET)]


def is_valid(bet):
    try:
        common.check_birthdate(bet.birthdate)
    except ValueError:
        return False
    return bet.document.isdigit() and bet.number.isdigit()


def answer(connection, lottery, agency):
    documents = lottery.ask_winners(agency)
    if documents is None:
        connection.send(NEND)
        return
    connection.send(encode(b"RWIN", f"{len(documents)}|" + "|".join(documents)))
    lottery.told(agency)


def options_of_client(parser):
    parser.add_argument("--wait", type=float, default=1, help="seconds between two questions")
    parser.add_argument("--stray", action="store_true", help="begin with a connection that carries only CONN")


if __name__ == "__main__":
    common.main(__doc__, client, server, options_of_client)
