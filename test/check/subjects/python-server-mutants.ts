import type { Mutant } from './mutant.ts';
import { LOTTERY_CHECKS } from './python-client-mutants.ts';
import type { Patch } from './subject.ts';

const SERVER = 'server/main.py';

/** Correct in a container: the server closes first, which keeps its port in TIME_WAIT. */
const CLOSES_FIRST: readonly Patch[] = [
  {
    file: SERVER,
    find: 'socket.create_server(("", port), backlog=backlog)',
    replace:
      'socket.socket()\n        self.listener.bind(("", port)), self.listener.listen(backlog)',
  },
  {
    file: SERVER,
    find: 'send_frame(connection, b"W", "\\n".join(winners))\n',
    replace: 'send_frame(connection, b"W", "\\n".join(winners)), connection.close()\n',
  },
];

/** Faults of the server; some need a change of the client. */
export const PYTHON_SERVER_MUTANTS: readonly Mutant[] = [
  {
    name: 'header-recv-once',
    why: 'The payload is read in a loop, the few bytes of the header are not.',
    patches: [
      {
        file: SERVER,
        find: 'first + receive_exactly(connection, HEADER.size - 1)',
        replace: 'first + connection.recv(HEADER.size - 1)',
      },
    ],
    expected: { 'short-reads': 'fail' },
    possible: ['sigterm'],
  },
  {
    name: 'recv-too-much',
    why: 'The loop asks for a round number of bytes, and drops what belongs to the next message.',
    patches: [
      {
        file: SERVER,
        find: `        chunk = connection.recv(length - len(data))
        if not chunk:
            raise ConnectionError("closed in the middle of a message")
        data += chunk
    return data
`,
        replace: `        chunk = connection.recv(1024 if data else length)
        if not chunk:
            raise ConnectionError("closed in the middle of a message")
        data += chunk
    return data[:length]
`,
      },
    ],
    expected: { 'short-reads': 'fail' },
  },
  {
    name: 'decode-per-chunk',
    why: 'Text is easier to gather than bytes, until a letter of two bytes is cut in half.',
    patches: [
      {
        file: SERVER,
        find: '    return count, kind, receive_exactly(connection, length).decode()\n',
        replace: `    text, received = "", 0
    while received < length:
        chunk = connection.recv(length - received)
        if not chunk:
            raise ConnectionError("closed in the middle of a message")
        received += len(chunk)
        text += chunk.decode()
    return count, kind, text
`,
      },
    ],
    expected: { 'short-reads': 'fail' },
    // The buffers of a container are larger than those of a network namespace.
    possible: ['short-writes'],
  },
  {
    name: 'timeout-drops-bytes',
    why: 'A timeout lets a loop look whether it has to stop, and what had come before is forgotten.',
    patches: [
      {
        file: SERVER,
        find: `            while (message := receive_frame(connection)) is not None:
                self.answer(connection, *message)
`,
        replace: `            connection.settimeout(1)
            while not self.stopping:
                try:
                    message = receive_frame(connection)
                except TimeoutError:
                    continue
                if message is None:
                    break
                self.answer(connection, *message)
`,
      },
    ],
    expected: { 'short-reads': 'fail' },
    possible: ['short-writes'],
  },
  {
    name: 'bad-bet-success',
    why: 'The bad bet is left out and the rest is stored, so the batch looks like a success.',
    patches: [
      {
        file: SERVER,
        find: `        try:
            bets = [Bet(int(agency), *line.split("\\t")) for line in lines]
        except (TypeError, ValueError):
            logging.error(f"action: apuesta_recibida | result: fail | cantidad: {len(lines)}")
            send_frame(connection, b"-")
            return
`,
        replace: `        bets = []
        for line in lines:
            try:
                bets.append(Bet(int(agency), *line.split("\\t")))
            except (TypeError, ValueError):
                continue
`,
      },
    ],
    expected: { batches: 'fail' },
  },
  {
    name: 'bad-bet-acknowledged',
    why: 'The error is logged, and the client waits for an answer: the usual one.',
    patches: [
      {
        file: SERVER,
        find: '            send_frame(connection, b"-")\n',
        replace: '            send_frame(connection, b"+")\n',
      },
    ],
    expected: { batches: 'fail' },
  },
  {
    name: 'count-as-signed-byte',
    why: 'struct has b and B; up to 127 bets both are right.',
    patches: [{ file: SERVER, find: 'struct.Struct(">HBc")', replace: 'struct.Struct(">Hbc")' }],
    expected: { batches: 'fail' },
  },
  {
    name: 'busy-wait',
    why: 'A loop over a flag needs no condition variable, and one processor.',
    patches: [
      {
        file: SERVER,
        find: `        with self.changed:
            self.changed.wait_for(lambda: self.winners is not None or self.stopped)
`,
        replace: `        while self.winners is None and not self.stopped:
            pass
        with self.changed:
`,
      },
    ],
    expected: { waiting: 'fail' },
  },
  {
    name: 'recv-spins-at-end',
    why: 'recv returns no bytes for ever after the end of file, and the loop waits for more.',
    patches: [
      {
        file: SERVER,
        find: `        if not chunk:
            raise ConnectionError("closed in the middle of a message")
`,
        replace: '',
      },
    ],
    expected: { sigterm: 'fail', 'peer-gone': 'fail' },
  },
  {
    name: 'connections-left-open',
    why: 'A list of the connections is kept for SIGTERM, and nothing is ever taken from it.',
    patches: [
      {
        file: SERVER,
        find: `            connection.close()
            self.connections.pop(connection, None)
`,
        replace: '',
      },
    ],
    expected: { 'peer-gone': 'advice' },
  },
  {
    name: 'finished-when-gone',
    why: 'A client that is gone sends nothing more, and the draw must not wait for ever.',
    patches: [
      {
        file: SERVER,
        find: '            logging.error(f"action: receive_message | result: fail | error: {error}")\n',
        replace: `            logging.error(f"action: receive_message | result: fail | error: {error}")
            self.lottery.finish(connection)
`,
      },
    ],
    expected: { 'peer-gone': 'fail' },
  },
  {
    name: 'first-message-before-thread',
    why: 'The thread is to know its agency, so the first message is read where connections are accepted.',
    patches: [
      {
        file: SERVER,
        find: '            thread = threading.Thread(target=self.serve, args=(connection,))\n',
        replace: `            try:
                first = receive_frame(connection)
            except (OSError, ValueError, struct.error):
                first = None
            thread = threading.Thread(target=self.serve, args=(connection, first))
`,
      },
      {
        file: SERVER,
        find: 'def serve(self, connection):',
        replace: 'def serve(self, connection, message):',
      },
      {
        file: SERVER,
        find: `            while (message := receive_frame(connection)) is not None:
                self.answer(connection, *message)
`,
        replace: `            while message is not None:
                self.answer(connection, *message)
                message = receive_frame(connection)
`,
      },
    ],
    expected: { sigterm: 'fail', concurrency: 'fail' },
  },
  {
    name: 'one-upload-at-a-time',
    why: 'bets.csv must not be written by two, so the lock is held for the whole upload.',
    patches: [
      {
        file: SERVER,
        find: `            while (message := receive_frame(connection)) is not None:
                self.answer(connection, *message)
`,
        replace: `            with self.lottery.storage_lock:
                while (message := receive_frame(connection)) is not None and message[1] != b"Q":
                    self.answer(connection, *message)
            if message is not None:
                self.answer(connection, *message)
`,
      },
      {
        file: SERVER,
        find: '        with self.storage_lock:\n            store_bets(bets)\n',
        replace: '        store_bets(bets)\n',
      },
    ],
    expected: { concurrency: 'fail' },
  },
  {
    name: 'store-without-lock',
    why: 'Each operation on a list is atomic in CPython, and what stands between them is not.',
    patches: [
      {
        file: SERVER,
        find: '        self.finished = set()\n',
        replace: '        self.finished = set()\n        self.pending = []\n',
      },
      {
        file: SERVER,
        find: '        with self.storage_lock:\n            store_bets(bets)\n',
        replace: `        self.pending.extend(bets)
        for bet in self.pending:
            store_bets([bet])
        self.pending.clear()
`,
      },
    ],
    expected: { concurrency: 'fail' },
    // Checks with concurrent uploads.
    possible: [
      'outcome',
      'short-reads',
      'short-writes',
      'draw-rule',
      'peer-gone',
      'batches',
      'second-run',
    ],
  },
  {
    name: 'bets-not-stored',
    why: 'The answer was written first, and the call of store_bets was forgotten.',
    patches: [
      {
        file: SERVER,
        find: '        with self.storage_lock:\n            store_bets(bets)\n',
        replace: '        pass\n',
      },
    ],
    expected: {
      outcome: 'fail',
      'short-reads': 'not-checkable',
      'short-writes': 'not-checkable',
      privacy: 'not-checkable',
      'peer-gone': 'not-checkable',
      batches: 'fail',
    },
  },
  {
    name: 'server-does-not-start',
    why: 'A module that only the machine of the student has.',
    patches: [{ file: SERVER, find: 'import configparser\n', replace: 'import configparse\n' }],
    expected: {
      ...Object.fromEntries(LOTTERY_CHECKS.map(check => [check, 'not-checkable'])),
      outcome: 'fail',
    },
  },
  {
    name: 'log-misspelled',
    why: 'One letter too many, which no reader of the log notices and every script does.',
    patches: [
      {
        file: SERVER,
        find: 'action: apuesta_recibida | result: success',
        replace: 'action: apuestas_recibidas | result: success',
      },
    ],
    expected: { 'log-grammar': 'fail' },
  },
  {
    name: 'log-other-key',
    why: 'The log has a number for the reader, under a name that no script looks for.',
    patches: [
      {
        file: SERVER,
        find: 'action: apuesta_recibida | result: success | cantidad: {',
        replace: 'action: apuesta_recibida | result: success | cant: {',
      },
    ],
    expected: { 'log-grammar': 'fail' },
  },
  {
    name: 'log-dollar',
    why: 'The assignment writes ${CANTIDAD}, and an f-string of Python keeps the dollar.',
    patches: [
      {
        file: SERVER,
        find: 'action: apuesta_recibida | result: success | cantidad: {',
        replace: 'action: apuesta_recibida | result: success | cantidad: ${',
      },
    ],
    expected: { 'log-grammar': 'fail' },
  },
  {
    name: 'bets-of-last-run',
    why: "The course's store_bets appends, and the container keeps its file.",
    patches: [
      ...CLOSES_FIRST,
      {
        file: SERVER,
        find: '        open(STORAGE, "w").close()\n',
        replace: '        open(STORAGE, "a").close()\n',
      },
    ],
    expected: { 'second-run': 'advice' },
  },
];
