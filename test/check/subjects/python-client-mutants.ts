import { CHECKS } from '../../../src/check/checks.ts';
import type { Mutant } from './mutant.ts';
import type { Patch } from './subject.ts';

const CLIENT = 'client/main.py';
const SERVER = 'server/main.py';

const ASK = `    send_frame(connection, b"Q", str(agency))
    _, text = receive_frame(connection)
`;

const CLIENT_RECEIVE = `    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise ConnectionError("the server has closed the connection")
        data += chunk
    return data
`;

/** Polls until the draw. The pause is a multiple of `loop.period`. */
const polling = (periods: number): readonly Patch[] => [
  {
    file: SERVER,
    find: '            winners = self.lottery.await_winners(int(text))\n',
    replace: `            if self.lottery.winners is None:
                send_frame(connection, b"N")
                return
            winners = self.lottery.await_winners(int(text))
`,
  },
  {
    file: CLIENT,
    find: ASK,
    replace: `    kind = b"N"
    period = setting(read_config("config.yaml"), "loop.period")
    while kind == b"N":
        send_frame(connection, b"Q", str(agency))
        kind, text = receive_frame(connection)
        time.sleep(${periods} * float(period.rstrip("ms")) / (1000 if period.endswith("ms") else 1))
`,
  },
];

/** Checks that run the programs of exercise 8. */
export const LOTTERY_CHECKS = CHECKS.filter(
  ({ id, exercises }) => id !== 'compose' && exercises.includes('ej8'),
).map(({ id }) => id);

/** Faults of the client; some need a change of the server. */
export const PYTHON_CLIENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'recv-once',
    why: 'recv(n) looks as if it returned n bytes, and on one machine it nearly always does.',
    patches: [
      { file: CLIENT, find: CLIENT_RECEIVE, replace: '    return connection.recv(length)\n' },
    ],
    // A slow reader also causes short reads.
    expected: { 'short-reads': 'fail', 'short-writes': 'fail' },
  },
  {
    name: 'send-once',
    why: 'send returns how much it took; with a timeout set, that may be less than it was given.',
    patches: [
      {
        file: CLIENT,
        find: 'connection.sendall(',
        replace: 'connection.send(',
      },
    ],
    expected: { 'short-writes': 'fail' },
  },
  {
    name: 'batch-of-one',
    why: 'The message of exercise 5 is sent in a loop.',
    patches: [
      { file: CLIENT, find: 'full = len(batch) > amount or', replace: 'full = len(batch) > 1 or' },
    ],
    expected: { batches: 'fail' },
  },
  {
    name: 'batch-over-8-kb',
    why: 'The default of batch.maxAmount fits into 8 kB, so the size is never checked.',
    patches: [
      { file: CLIENT, find: 'MESSAGE_BYTES_MAX = 8192', replace: 'MESSAGE_BYTES_MAX = 65535' },
    ],
    expected: { batches: 'fail' },
  },
  {
    name: 'batch-size-fixed',
    why: 'batch.maxAmount is in config.yaml, and the number in the program is another one.',
    patches: [
      {
        file: CLIENT,
        find: 'min(BETS_MAX, int(setting(config, "batch.maxAmount")))',
        replace: '100',
      },
    ],
    expected: { batches: 'fail' },
  },
  {
    name: 'last-batch-dropped',
    why: 'What is left over after the loop is forgotten.',
    patches: [
      {
        file: CLIENT,
        find: `            size += length
    if len(batch) > 1:
        yield batch
`,
        replace: '            size += length\n',
      },
    ],
    expected: { outcome: 'fail' },
  },
  {
    name: 'last-row-dropped',
    why: 'A row counts as complete when its line end has come; the last one of a file may have none.',
    patches: [
      {
        file: CLIENT,
        find: 'for row in csv.reader(file):',
        replace: 'for row in csv.reader(line for line in file if line.endswith("\\n")):',
      },
    ],
    expected: { outcome: 'fail' },
  },
  {
    name: 'split-on-commas',
    why: "line.split(',') is shorter than a CSV reader, and the course's files have no quoted comma.",
    patches: [
      {
        file: CLIENT,
        find: 'for row in csv.reader(file):',
        replace: 'for row in (line.rstrip("\\r\\n").split(",") for line in file):',
      },
    ],
    expected: { outcome: 'fail' },
  },
  {
    name: 'absolute-path',
    why: 'In the container of the skeleton everything is in the root folder.',
    patches: [
      { file: CLIENT, find: 'read_batches("agency.csv",', replace: 'read_batches("/agency.csv",' },
    ],
    // No fault, but it cannot run without a container.
    expected: Object.fromEntries(LOTTERY_CHECKS.map(check => [check, 'not-checkable'])),
    isOkInDocker: true,
  },
  {
    name: 'file-not-found',
    why: 'The compose file mounts the file somewhere else than the program looks for it.',
    patches: [
      { file: CLIENT, find: 'read_batches("agency.csv",', replace: 'read_batches("bets.csv",' },
    ],
    // Checks without data are not checkable.
    expected: {
      ...Object.fromEntries(LOTTERY_CHECKS.map(check => [check, 'not-checkable'])),
      outcome: 'fail',
    },
  },
  {
    name: 'poll',
    why: 'Asking again after a pause needs nothing of the server.',
    patches: polling(1),
    expected: { waiting: 'advice' },
  },
  {
    name: 'poll-seldom',
    why: 'A long pause between two polls keeps the log short.',
    patches: polling(3),
    expected: { waiting: 'advice' },
  },
  {
    name: 'log-key-in-full',
    why: 'The key is written out, and the assignment abbreviates it.',
    patches: [{ file: CLIENT, find: 'cant_ganadores: ', replace: 'cantidad_ganadores: ' }],
    expected: { 'log-grammar': 'fail' },
  },
  {
    name: 'log-without-colon',
    why: 'The number is there, and no script finds it.',
    patches: [{ file: CLIENT, find: 'cant_ganadores: {', replace: 'cant_ganadores {' }],
    expected: { 'log-grammar': 'fail' },
  },
  {
    name: 'exit-0-after-lost-server',
    why: 'The error is caught and logged, and the program ends with exit code 0.',
    patches: [{ file: CLIENT, find: '        return 1\n', replace: '        return 0\n' }],
    expected: { 'peer-gone': 'fail' },
  },
  {
    name: 'sigterm-exit-1',
    why: 'The handler closes everything, and the error that this raises in recv ends the program.',
    patches: [
      {
        file: CLIENT,
        find: '        logging.info(f"action: shutdown | result: success | client_id: {agency}")\n',
        replace:
          '        logging.info(f"action: shutdown | result: success | client_id: {agency}")\n        return 1\n',
      },
    ],
    expected: { sigterm: 'fail' },
  },
  {
    name: 'sigterm-between-batches',
    why: 'The handler sets a flag, which is not checked while recv waits for the draw.',
    patches: [
      { file: CLIENT, find: '    raise Terminated\n', replace: '    terminated.append(True)\n' },
      {
        file: CLIENT,
        find: 'def on_sigterm(*_):\n',
        replace: 'terminated = []\n\n\ndef on_sigterm(*_):\n',
      },
      {
        file: CLIENT,
        find: '        count = len(batch) - 1\n',
        replace:
          '        if terminated:\n            raise Terminated\n        count = len(batch) - 1\n',
      },
      {
        file: CLIENT,
        find: '            time.sleep(0.5)\n',
        replace:
          '            time.sleep(0.5)\n            if terminated:\n                raise Terminated\n',
      },
    ],
    expected: { sigterm: 'fail' },
  },
  {
    name: 'file-in-memory',
    why: 'A list of all rows is easy to cut into batches.',
    patches: [
      {
        file: CLIENT,
        find: 'for row in csv.reader(file):',
        replace: 'for row in list(csv.reader(file)):',
      },
    ],
    expected: { memory: 'fail' },
  },
];
