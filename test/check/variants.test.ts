import { rmSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { needsPython } from '../lottery/python.ts';
import { CHECK_LIMIT_MS, checkVerdicts } from './matrix.ts';
import { makeSubject, type Patch } from './subjects/subject.ts';

const SERVER = 'server/main.py';
const CLIENT = 'client/main.py';

interface Variant {
  readonly what: string;
  readonly patches: readonly Patch[];
  readonly only: readonly string[];
}

/** Correct behaviour of solutions that a check could report as a fault. */
const VARIANTS: readonly Variant[] = [
  {
    what: 'ends its server when every agency has its winners',
    patches: [
      {
        file: SERVER,
        find: '        self.stopping = False\n',
        replace: '        self.stopping = False\n        self.answered = set()\n',
      },
      {
        file: SERVER,
        find: '            send_frame(connection, b"W", "\\n".join(winners))\n',
        replace: `            send_frame(connection, b"W", "\\n".join(winners))
            self.answered.add(int(text))
            if len(self.answered) == self.lottery.agencies:
                self.stopping = True
                self.listener.shutdown(socket.SHUT_RDWR)
`,
      },
    ],
    only: ['outcome', 'short-reads', 'draw-rule'],
  },
  {
    what: 'has the number of its agency in a variable of its own',
    patches: [
      {
        file: 'generar-compose.sh',
        find: '      - CLI_ID=$client\n',
        replace: '      - CLI_ID=$client\n      - AGENCIA=$client\n',
      },
      { file: CLIENT, find: 'os.environ["CLI_ID"]', replace: 'os.environ["AGENCIA"]' },
    ],
    only: ['draw-rule'],
  },
];

test.for(VARIANTS)(
  'loteria check accepts a solution that $what',
  { timeout: CHECK_LIMIT_MS },
  async ({ patches, only }, context) => {
    needsPython(context);
    const subject = makeSubject('python', patches);
    onTestFinished(() => rmSync(subject, { recursive: true }));
    expect(await checkVerdicts(subject, { seed: 1, only })).toEqual({});
  },
);
