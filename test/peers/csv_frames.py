"""The dialect csv-frames: both sides, as the original ones behave.

    frame         4 decimal digits (length of the payload in bytes), a flag (0 data, 1 end), payload
    agency id     00010 + 1: the client's first frame; no answer
    batch         LLLL0 + lines nombre,apellido,documento,nacimiento,numero, each ended by /, the last too
    answer        00030ACK for each batch; a refusal is a closed connection
    all sent      00001; no answer
    winner        a data frame for each document, pushed after the draw
    end           00001 after the last winner

One connection for each agency. The original reads a header with one read, and decodes each piece of text that a read brings:
`--strict` does so too.
"""

import common
from common import Bet, Broken

FRAME_BYTES_MAX = 8006
HEADER_BYTES = 5
DATA = b"0"
END = b"00001"
ACK = b"00030ACK"


def encode_data(text):
    data = text.encode()
    return b"%04d" % len(data) + DATA + data


def receive_frame(connection, strict):
    """The text of a data frame, END for the end frame, or None when the other side has closed."""
    header = receive_header(connection, strict)
    if header is None or header == END:
        return header
    if not header[:4].isdigit() or header[4:] != DATA:
        raise Broken(f"a header {header}")
    return receive_text(connection, int(header[:4]), strict)


def receive_header(connection, strict):
    if not strict:
        return connection.receive_or_end(HEADER_BYTES)
    header = connection.receive_some(HEADER_BYTES)
    if 0 < len(header) < HEADER_BYTES:
        raise Broken(f"a header in two pieces, the first of them {header}: the original hangs")
    return header or None


def receive_text(connection, length, strict):
    if not strict:
        return connection.receive(length).decode()
    text = ""
    while length > 0:
        piece = connection.receive_some(length)
        if not piece:
            raise Broken(f"closed {length} bytes before the end of a frame")
        text += piece.decode()
        length -= len(piece)
    return text


def client(options, bets, report):
    with common.dial(options) as connection:
        try:
            connection.send(encode_data(str(options.agency)))
            send_bets(connection, options, bets, report)
            while (document := receive_frame(connection, options.strict)) not in (END, None):
                report.winners.append(document)
        except ConnectionError:
            # As a closed connection, which the original takes for the end of the winners.
            report.errors = report.batches - report.acknowledged


def send_bets(connection, options, bets, report):
    lines = ((",".join(bet) + "/").encode() for bet in bets)
    for batch in common.in_batches(lines, options.batch, FRAME_BYTES_MAX - HEADER_BYTES):
        report.batches += 1
        report.bets += len(batch)
        connection.send(encode_data(b"".join(batch).decode()))
        answer = receive_frame(connection, options.strict)
        if answer is None:
            raise ConnectionResetError
        if answer != "ACK":
            raise Broken(f"the answer to a batch is {answer!r}")
        report.acknowledged += 1
    connection.send(END)


def server(options):
    agencies = set()

    def converse(connection, lottery):
        text = receive_frame(connection, options.strict)
        if text is None:
            raise Broken("a connection without an agency id: such a probe disables the original")
        if text == END or int(text) in agencies:
            raise Broken(f"{text!r} as an agency id; known are {sorted(agencies)}")
        agency = int(text)
        agencies.add(agency)
        if not take_batches(connection, lottery, agency, options.strict):
            return
        lottery.await_draw()
        for document in lottery.winners_of(agency):
            connection.send(encode_data(document))
        connection.send(END)
        lottery.told(agency)
        connection.expect_end(f"from agency {agency} after everything was said")

    return common.serve(options, converse, connections_max=options.agencies)


def take_batches(connection, lottery, agency, strict):
    """@returns whether the agency has sent all its bets; false when it was refused"""
    while (text := receive_frame(connection, strict)) != END:
        if text is None:
            raise Broken(f"agency {agency} closed before it had sent all its bets")
        bets = decode_lines(text)
        if lottery.refuses(agency):
            lottery.refuse_agency(agency)
            return False
        lottery.store(agency, bets)
        connection.send(ACK)
    lottery.all_sent(agency)
    return True


def decode_lines(text):
    if not text.endswith("/"):
        raise Broken("a batch that does not end with /")
    bets = [Bet(*line.split(",")) for line in text[:-1].split("/") if line.count(",") == 4]
    if len(bets) != text.count("/"):
        raise Broken(f"a line that does not have five fields: {text!r}")
    for bet in bets:
        common.check_birthdate(bet.birthdate)
    return bets


def strict_option(parser):
    parser.add_argument("--strict", action="store_true", help="fail where the original hangs or stops over cut frames")


if __name__ == "__main__":
    common.main(__doc__, client, server, strict_option, strict_option)
