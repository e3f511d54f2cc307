"""The dialect push-codes: both sides, as the original ones behave.

    hello         u8 agency, raw, first; no answer
    batch         u16 length of the packets, then the packets
    packet        u16 length (without itself), u8 len + nombre, u8 len + apellido, 10 bytes nacimiento,
                  u32 documento, u32 numero
    all sent      u16 9000 in the place of a length; no answer
    answer        ACK or ERR, 3 bytes, for each batch
    winners       u16 9001, u16 length in bytes, u32 for each document; pushed after the draw

Integers are big-endian. One connection for each agency, from start to end.
"""

import struct

import common
from common import Bet, Broken

ALL_SENT = 9000
WINNERS = 9001
BATCH_BYTES_MAX = 8192
NAME_LETTERS_MAX = 30


def encode_packet(bet):
    name = bet.first_name.encode()
    surname = bet.last_name.encode()
    body = struct.pack(">B", len(name)) + name + struct.pack(">B", len(surname)) + surname
    body += bet.birthdate.encode() + struct.pack(">II", int(bet.document), int(bet.number))
    return struct.pack(">H", len(body)) + body


def decode_packets(data):
    bets = []
    while data:
        (length,) = struct.unpack_from(">H", data)
        packet, data = data[2 : 2 + length], data[2 + length :]
        if len(packet) < length:
            raise Broken(f"a packet of {length} bytes has {len(packet)}")
        bets.append(decode_packet(packet))
    return bets


def decode_packet(packet):
    name, rest = packet[1 : 1 + packet[0]], packet[1 + packet[0] :]
    surname, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    if len(rest) != 10 + 4 + 4:
        raise Broken(f"{len(rest)} bytes behind the names, not 18")
    document, number = struct.unpack(">II", rest[10:])
    return Bet(name.decode(), surname.decode(), str(document), rest[:10].decode(), str(number))


def client(options, bets, report):
    with common.dial(options) as connection:
        connection.send(struct.pack(">B", options.agency))
        for batch in common.in_batches(map(encode_packet, bets), options.batch, BATCH_BYTES_MAX - 2):
            packets = b"".join(batch)
            connection.send(struct.pack(">H", len(packets)) + packets)
            report.batches += 1
            report.bets += len(batch)
            answer = connection.receive(3)
            if answer not in (b"ACK", b"ERR"):
                raise Broken(f"the answer to a batch is {answer.hex(' ')}")
            if answer == b"ERR":
                report.errors += 1
                return  # The original ends at the first answer that is not ACK.
            report.acknowledged += 1
        connection.send(struct.pack(">H", ALL_SENT))
        code = connection.receive_number(2)
        if code != WINNERS:
            raise Broken(f"code {code} in the place of the winners")
        documents = connection.receive(connection.receive_number(2))
        report.winners = [str(document) for (document,) in struct.iter_unpack(">I", documents)]


def server(options):
    agencies = set()

    def converse(connection, lottery):
        hello = connection.receive_or_end(1)
        if hello is None:
            raise Broken("a connection without an agency id")
        agency = hello[0]
        if not 1 <= agency <= options.agencies or agency in agencies:
            raise Broken(f"agency {agency}, where each of 1..{options.agencies} comes once")
        agencies.add(agency)
        if take_batches(connection, lottery, agency):
            lottery.await_draw()
            documents = lottery.winners_of(agency)
            winners = b"".join(struct.pack(">I", int(document)) for document in documents)
            connection.send(struct.pack(">HH", WINNERS, len(winners)) + winners)
            lottery.told(agency)
        connection.expect_end(f"from agency {agency} after everything was said")

    return common.serve(options, converse, connections_max=options.agencies)


def take_batches(connection, lottery, agency):
    """@returns whether the agency has sent all its bets; false when it was refused"""
    while True:
        code = connection.receive_number(2)
        if code == ALL_SENT:
            lottery.all_sent(agency)
            return True
        if code == 0:
            raise Broken("a batch without a packet")
        bets = decode_packets(connection.receive(code))
        for bet in bets:
            check(bet)
        if lottery.refuses(agency):
            connection.send(b"ERR")
            lottery.refuse_agency(agency)
            return False
        lottery.store(agency, bets)
        connection.send(b"ACK")


def check(bet):
    if max(len(bet.first_name), len(bet.last_name)) > NAME_LETTERS_MAX:
        raise Broken(f"a name of more than {NAME_LETTERS_MAX} characters: {bet}")
    try:
        common.check_birthdate(bet.birthdate)
    except ValueError:
        raise Broken(f"a birthdate that the original never answers: {bet}") from None


if __name__ == "__main__":
    common.main(__doc__, client, server)
