import type { Mutant } from './mutant.ts';

const SERVER = 'server/main.mjs';
const CLIENT = 'client/main.mjs';

/** The faults of the Python table that a Node program can have, with the same names. */
export const NODE_MUTANTS: readonly Mutant[] = [
  {
    name: 'recv-once',
    why: "A 'data' event looks like a message.",
    patches: [
      {
        file: CLIENT,
        find: `  while (
    received.length < HEADER_BYTES ||
    received.length < HEADER_BYTES + received.readUInt16BE()
  ) {
`,
        replace: '  if (received.length === 0) {\n',
      },
    ],
    // A slow reader also causes short reads.
    expected: { 'short-reads': 'fail', 'short-writes': 'fail' },
  },
  {
    name: 'decode-per-chunk',
    why: 'Text is easier to gather than bytes, until a letter of two bytes is cut in half.',
    patches: [
      {
        file: SERVER,
        find: 'received = Buffer.concat([received, chunk]);',
        replace: `const header = chunk.subarray(0, Math.max(0, HEADER_BYTES - received.length));
    const text = chunk.subarray(header.length).toString('utf8');
    received = Buffer.concat([received, header, Buffer.from(text)]);`,
      },
    ],
    expected: { 'short-reads': 'fail', 'short-writes': 'fail' },
  },
  {
    name: 'winners-to-all',
    why: 'One message for all clients is one line of code, and each client can choose its own.',
    patches: [
      {
        file: SERVER,
        find: "  socket.write(encodeFrame('W', (winners.get(agency) ?? []).join('\\n')));\n",
        replace: `  const lines = [...winners].flatMap(([of, documents]) => documents.map(each => \`\${of} \${each}\`));
  socket.write(encodeFrame('W', lines.join('\\n')));
`,
      },
      {
        file: CLIENT,
        find: "  const winners = text === '' ? [] : text.split('\\n');\n",
        replace:
          "  const winners = text.split('\\n').filter(line => line.startsWith(`${agency} `));\n",
      },
    ],
    expected: { privacy: 'fail' },
  },
  {
    name: 'finished-counter',
    why: 'A counter in place of a set counts an agency that comes back twice.',
    patches: [
      {
        file: SERVER,
        find: 'const finished = new Set();',
        replace: 'const finished = { size: 0 };',
      },
      { file: SERVER, find: '  finished.add(agency);\n', replace: '  finished.size += 1;\n' },
    ],
    expected: { 'draw-rule': 'fail' },
  },
  {
    name: 'batch-of-one',
    why: 'The message of exercise 5 is sent in a loop.',
    patches: [{ file: CLIENT, find: 'batch.length >= amount ||', replace: 'batch.length >= 1 ||' }],
    expected: { batches: 'fail' },
  },
  {
    name: 'sigterm-exit-1',
    why: 'The handler ends the program as for an error.',
    patches: [
      { file: CLIENT, find: '${agency}`);\n  stop(0);\n', replace: '${agency}`);\n  stop(1);\n' },
    ],
    expected: { sigterm: 'fail' },
  },
];
