"""The dialect op-codes: both sides, as the original ones behave.

    str           u16 length in bytes + UTF-8
    batch         03, u16 count, then for each bet: 01, u8 agency, str nombre, str apellido, str documento,
                  str nacimiento, u16 numero
    answer        02, u8 code, str text. Codes: 1 stored, 2 error in the batch, 3 not drawn yet, 4 winners follow
    notify        04, u8 agency, u8 kind: 0 all bets sent (no answer), 1 tell me the winners
    winners       05, u16 count, str for each document; behind the answer 4

Integers are big-endian and no frame has a length. Newer clients keep one connection; older ones (`--old`) open one for each batch
and each question, close after each answer, and say "all sent" and ask for the first time on the same connection.
"""

import struct
import time
from itertools import islice

import common
from common import Bet, Broken

BET, ANSWER, BATCH, NOTIFY, WINNERS = 1, 2, 3, 4, 5
STORED, BATCH_ERROR, NOT_DRAWN, WINNERS_FOLLOW = 1, 2, 3, 4
ALL_SENT, ASK = 0, 1
BATCH_BYTES_MAX = 8192
NUMBER_MAX = 9997


def encode_text(text):
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def encode_bet(agency, bet):
    texts = (bet.first_name, bet.last_name, bet.document, bet.birthdate)
    return struct.pack(">BB", BET, agency) + b"".join(map(encode_text, texts)) + struct.pack(">H", int(bet.number))


def encode_notify(agency, kind):
    return struct.pack(">BBB", NOTIFY, agency, kind)


def encode_answer(code, text):
    return struct.pack(">BB", ANSWER, code) + encode_text(text)


def receive_text(connection):
    return connection.receive(connection.receive_number(2)).decode()


def receive_bet(connection):
    """The agency and the bet."""
    if (operation := connection.receive_number(1)) != BET:
        raise Broken(f"operation {operation} in the place of a bet")
    agency = connection.receive_number(1)
    texts = [receive_text(connection) for _ in range(4)]
    return agency, Bet(*texts, str(connection.receive_number(2)))


def receive_answer(connection):
    """The code."""
    if (operation := connection.receive_number(1)) != ANSWER:
        raise Broken(f"operation {operation} in the place of an answer")
    code = connection.receive_number(1)
    receive_text(connection)
    return code


def client(options, bets, report):
    encoded = (encode_bet(options.agency, bet) for bet in bets)
    batches = islice(common.in_batches(encoded, options.batch, BATCH_BYTES_MAX - 3), options.amount)
    if options.old:
        talk_on_many(options, batches, report)
    else:
        with common.dial(options) as connection:
            talk_on_one(connection, options, batches, report)


def talk_on_one(connection, options, batches, report):
    for batch in batches:
        send_batch(connection, batch, report)
    connection.send(encode_notify(options.agency, ALL_SENT))
    while True:
        connection.send(encode_notify(options.agency, ASK))
        if take_winners(connection, report):
            return
        time.sleep(options.wait)


def talk_on_many(options, batches, report):
    for batch in batches:
        with common.dial(options) as connection:
            send_batch(connection, batch, report)
    with common.dial(options) as connection:
        connection.send(encode_notify(options.agency, ALL_SENT))
        connection.send(encode_notify(options.agency, ASK))
        told = take_winners(connection, report)
    while not told:
        time.sleep(options.wait)
        with common.dial(options) as connection:
            connection.send(encode_notify(options.agency, ASK))
            told = take_winners(connection, report)


def send_batch(connection, batch, report):
    connection.send(struct.pack(">BH", BATCH, len(batch)) + b"".join(batch))
    report.batches += 1
    report.bets += len(batch)
    code = receive_answer(connection)
    if code == STORED:
        report.acknowledged += 1
    elif code == BATCH_ERROR:
        report.errors += 1  # The batch is lost: the original goes on with the next one.
    else:
        raise Broken(f"the answer to a batch has the code {code}")


def take_winners(connection, report):
    """@returns whether the draw has been held"""
    code = receive_answer(connection)
    if code == NOT_DRAWN:
        return False
    if code != WINNERS_FOLLOW:
        raise Broken(f"the answer to a question has the code {code}")
    if (operation := connection.receive_number(1)) != WINNERS:
        raise Broken(f"operation {operation} in the place of the winners")
    report.winners = [receive_text(connection) for _ in range(connection.receive_number(2))]
    return True


def server(options):
    return common.serve(options, converse)


def converse(connection, lottery):
    while (operation := connection.receive_or_end(1)) is not None:
        if operation[0] == BATCH:
            take_batch(connection, lottery)
        elif operation[0] == NOTIFY:
            take_notify(connection, lottery)
        else:
            raise Broken(f"operation {operation[0]}")


def take_batch(connection, lottery):
    bets = [receive_bet(connection) for _ in range(connection.receive_number(2))]
    agencies = {agency for agency, _ in bets}
    if len(agencies) > 1:
        raise Broken(f"bets of {sorted(agencies)} in one batch")
    for agency, bet in bets:
        if int(bet.number) > NUMBER_MAX:
            raise Broken(f"agency {agency} bets on {bet.number}, and the original refuses 9998 and above")
        common.check_birthdate(bet.birthdate)
    for agency in agencies:
        if lottery.refuses(agency):
            connection.send(encode_answer(BATCH_ERROR, "refused"))
            return
        lottery.store(agency, [bet for _, bet in bets])
    connection.send(encode_answer(STORED, f"{len(bets)} bets stored"))


def take_notify(connection, lottery):
    agency = connection.receive_number(1)
    kind = connection.receive_number(1)
    if kind == ALL_SENT:
        if lottery.all_sent(agency) > 1:
            raise Broken(f"a second 'all sent' of agency {agency}: the original counts them")
    elif kind == ASK:
        answer(connection, lottery, agency)
    else:
        raise Broken(f"a notification of kind {kind}")


def answer(connection, lottery, agency):
    documents = lottery.ask_winners(agency)
    if documents is None:
        connection.send(encode_answer(NOT_DRAWN, "the draw has not been held"))
        return
    connection.send(encode_answer(WINNERS_FOLLOW, "winners"))
    connection.send(struct.pack(">BH", WINNERS, len(documents)) + b"".join(map(encode_text, documents)))
    lottery.told(agency)


def options_of_client(parser):
    parser.add_argument("--wait", type=float, default=5, help="seconds between two questions")
    parser.add_argument("--old", action="store_true", help="a connection for each batch and each question")
    parser.add_argument("--amount", type=int, help="batches at most (`loop.amount`); the rest is not sent")


if __name__ == "__main__":
    common.main(__doc__, client, server, options_of_client)
