import type { Mutant } from './mutant.ts';

const SERVER = 'server/main.py';
const CLIENT = 'client/main.py';

/** Faults of the draw: its time, and the winners of each agency. */
export const PYTHON_DRAW_MUTANTS: readonly Mutant[] = [
  {
    name: 'winners-to-all',
    why: 'One message for all clients is one line of code, and each client can choose its own.',
    patches: [
      {
        file: SERVER,
        find: '            return self.winners.get(agency, [])\n',
        replace:
          '            return [f"{of} {document}" for of, all in self.winners.items() for document in all]\n',
      },
      {
        file: CLIENT,
        find: '    winners = text.split("\\n") if text else []\n',
        replace:
          '    winners = [line for line in text.split("\\n") if line.startswith(f"{agency} ")]\n',
      },
    ],
    expected: { privacy: 'fail' },
  },
  {
    name: 'winners-of-all',
    why: 'A list of winning documents does not say to which agency each belongs.',
    patches: [
      {
        file: SERVER,
        find: '            return self.winners.get(agency, [])\n',
        replace: '            return sum(self.winners.values(), [])\n',
      },
    ],
    expected: { outcome: 'fail', privacy: 'fail' },
  },
  {
    name: 'winners-too-early',
    why: 'An agency that has sent everything already has all of its winners on the server.',
    patches: [
      {
        file: SERVER,
        find: `            self.changed.wait_for(lambda: self.winners is not None or self.stopped)
            if self.stopped:
                raise ConnectionError("the server stops")
            return self.winners.get(agency, [])
`,
        replace: `            with self.storage_lock:
                return load_winners().get(agency, [])
`,
      },
    ],
    expected: { 'draw-rule': 'fail' },
  },
  {
    name: 'draw-after-connections',
    why: 'Five agencies are five connections, as long as no agency comes twice.',
    patches: [
      {
        file: SERVER,
        find: '            self.lottery.finish(int(text))\n',
        replace: '            self.lottery.finish(connection)\n',
      },
    ],
    expected: { 'draw-rule': 'fail' },
  },
  {
    name: 'finished-counter',
    why: 'A counter in place of a set counts an agency that comes back twice.',
    patches: [
      // The checker names the file of an additional agency after it too.
      { file: 'generar-compose.sh', find: ':/agency.csv', replace: ':/data/agency-$client.csv' },
      {
        file: CLIENT,
        find: 'read_batches("agency.csv",',
        replace: 'read_batches(f"data/agency-{agency}.csv",',
      },
      { file: SERVER, find: 'self.finished = set()', replace: 'self.finished = 0' },
      { file: SERVER, find: 'self.finished.add(agency)', replace: 'self.finished += 1' },
      { file: SERVER, find: 'len(self.finished) >=', replace: 'self.finished >=' },
    ],
    expected: { 'draw-rule': 'fail' },
  },
  {
    name: 'barrier',
    why: 'threading.Barrier(n) is what the lecture shows; the agency n + 1 waits in it for ever.',
    patches: [
      {
        file: SERVER,
        find: '        self.finished = set()\n',
        replace:
          '        self.finished = set()\n        self.barrier = threading.Barrier(agencies)\n',
      },
      {
        file: SERVER,
        find: `        with self.changed:
            self.changed.wait_for(lambda: self.winners is not None or self.stopped)
            if self.stopped:
                raise ConnectionError("the server stops")
            return self.winners.get(agency, [])
`,
        replace: `        try:
            self.barrier.wait()
        except threading.BrokenBarrierError as error:
            raise ConnectionError("the server stops") from error
        return self.winners.get(agency, [])
`,
      },
      {
        file: SERVER,
        find: '            self.stopped = True\n',
        replace: '            self.barrier.abort()\n',
      },
    ],
    expected: { 'draw-rule': 'fail' },
  },
  {
    name: 'sorteo-per-agency',
    why: 'The line of the draw is written where the winners are handed out, once for each agency.',
    patches: [
      {
        file: SERVER,
        find: '                logging.info("action: sorteo | result: success")\n',
        replace: '',
      },
      {
        file: SERVER,
        find: '            return self.winners.get(agency, [])\n',
        replace: `            logging.info("action: sorteo | result: success")
            return self.winners.get(agency, [])
`,
      },
    ],
    expected: { outcome: 'fail' },
  },
];
