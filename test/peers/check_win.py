"""The dialect check-win: both sides, as the original ones behave.

    frame         u32 length of the payload, u8 type, payload
    payload       fields: u32 length + text each

    B  client     agency id, then nombre, apellido, documento, nacimiento, numero for each bet
    0  server     number of bets stored
    E  server     error, with a field at least
    F  client     agency id: all bets sent; no answer. Older clients append their last batch again
    Q  client     agency id: who won?
    Q  server     no field: not yet
    W  server     a field for each document

Integers are big-endian. One connection carries all batches and F, and the client closes it at once. Each Q has a
connection of its own, which both sides close after the answer.
"""

import struct
import time

import common
from common import Bet, Broken

FRAME_BYTES_MAX = 8202
HEADER_BYTES = 5
FIELDS_PER_BET = 5


def encode_field(text):
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def encode_frame(kind, payload=b""):
    return struct.pack(">I", len(payload)) + kind + payload


def encode_bet(bet):
    return b"".join(map(encode_field, bet))


def receive_frame(connection):
    """The type and the fields, or None at the end."""
    header = connection.receive_or_end(HEADER_BYTES)
    if header is None:
        return None
    length = int.from_bytes(header[:4], "big")
    return header[4:], decode_fields(connection.receive(length))


def decode_fields(payload):
    fields = []
    while payload:
        (length,) = struct.unpack_from(">I", payload)
        field, payload = payload[4 : 4 + length], payload[4 + length :]
        if len(field) < length:
            raise Broken(f"a field of {length} bytes has {len(field)}")
        fields.append(field.decode())
    return fields


def receive_answer(connection):
    answer = receive_frame(connection)
    if answer is None:
        raise Broken("closed in the place of an answer")
    return answer


def client(options, bets, report):
    send_bets(options, bets, report)
    wait = options.wait
    while True:
        winners = ask(options)
        if winners is not None:
            report.winners = winners
            return
        time.sleep(wait)
        wait *= 2


def send_bets(options, bets, report):
    agency = encode_field(str(options.agency))
    bytes_max = FRAME_BYTES_MAX - HEADER_BYTES - len(agency)
    last = b""
    with common.dial(options) as connection:
        for batch in common.in_batches(map(encode_bet, bets), options.batch, bytes_max):
            last = b"".join(batch)
            connection.send(encode_frame(b"B", agency + last))
            report.batches += 1
            report.bets += len(batch)
            take_answer(connection, report)
        if options.overtake and ask(options) is not None:
            raise Broken("winners before this agency has sent everything")
        connection.send(encode_frame(b"F", agency + (last if options.old else b"")))


def take_answer(connection, report):
    kind, fields = receive_answer(connection)
    if kind not in (b"0", b"E"):
        raise Broken(f"the answer to a batch is of type {kind}")
    if not fields:
        raise Broken(f"an answer {kind} without a field: the original stops")
    if kind == b"0":
        int(fields[0])
        report.acknowledged += 1
    else:
        report.errors += 1


def ask(options):
    """@returns the documents, or None: not yet"""
    with common.dial(options) as connection:
        connection.send(encode_frame(b"Q", encode_field(str(options.agency))))
        kind, fields = receive_answer(connection)
        if kind == b"W":
            return fields
        if kind != b"Q" or fields:
            raise Broken(f"the answer to a question is {kind} with {fields}")
        return None


def server(options):
    return common.serve(options, converse)


def converse(connection, lottery):
    first = True
    while (frame := receive_frame(connection)) is not None:
        kind, fields = frame
        if kind == b"B":
            take_batch(connection, lottery, fields)
        elif kind == b"F" and fields:
            lottery.all_sent(int(fields[0]))
            return connection.expect_end("after F, where the original closes at once")
        elif kind == b"Q" and first and len(fields) == 1:
            answer(connection, lottery, int(fields[0]))
            connection.end_writing()
            return connection.expect_end("after a question was answered")
        else:
            raise Broken(f"{kind} with {fields}{'' if first else ' behind other messages'}")
        first = False


def take_batch(connection, lottery, fields):
    if len(fields) % FIELDS_PER_BET != 1:
        raise Broken(f"B with {len(fields)} fields")
    agency = int(fields[0])
    bets = [Bet(*fields[at : at + FIELDS_PER_BET]) for at in range(1, len(fields), FIELDS_PER_BET)]
    for bet in bets:
        common.check_birthdate(bet.birthdate)
    if lottery.refuses(agency):
        connection.send(encode_frame(b"E", encode_field("0")))
        return
    lottery.store(agency, bets)
    connection.send(encode_frame(b"0", encode_field(str(len(bets)))))


def answer(connection, lottery, agency):
    if lottery.bets == 0:
        raise Broken(f"a question of agency {agency} before any bet is stored: the original blocks for ever")
    documents = lottery.ask_winners(agency)
    if documents is None:
        connection.send(encode_frame(b"Q"))
        return
    connection.send(encode_frame(b"W", b"".join(map(encode_field, documents))))
    lottery.told(agency)


def options_of_client(parser):
    parser.add_argument("--wait", type=float, default=1, help="seconds of the first wait; each next one is double")
    parser.add_argument("--old", action="store_true", help="append the last batch again to F")
    parser.add_argument("--overtake", action="store_true", help="let a question be there before F, on its own connection")


if __name__ == "__main__":
    common.main(__doc__, client, server, options_of_client)
