// Reads made-up payloads with both readers and made-up files of rows with and without the scanner,
// and cuts made-up files of an agency into batches both ways, until the time is over. Stops at the
// first difference.
//
//     npm run fuzz -- --minutes 10 --seed 1
//
// The same seed makes the same payloads and files. Without one it takes another every time, and
// prints it.
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { SeededRandom } from '../../src/dataset/random.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { WasmBetReader } from '../../src/kernel/wasm-bet-reader.ts';
import { cutBothWays, type CutOptions } from './cut-both-ways.ts';
import { FileMaker } from './file-maker.ts';
import { PayloadMaker } from './payload-maker.ts';
import { readRows, readRowsAsCsv } from './read-rows.ts';
import { RowsMaker } from './rows-maker.ts';
import { isSameRead } from './same-read.ts';

const PAYLOADS_BETWEEN_LOOKS_AT_THE_CLOCK = 1000;
const FILES_BETWEEN_LOOKS_AT_THE_CLOCK = 20;
const DELIMITERS = Buffer.from(',,,,;\t|0-a');
const AMOUNTS = [1, 2, 3, 5, 20, 130, 100_000];
const PAYLOAD_LIMITS = [1024, 1031, 1100, 1200, 8184, 100_000];

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(minutes > 0) || !Number.isInteger(seed))
  throw new Error('--minutes wants a number, --seed a whole one');

const plain = new PlainBetReader();
const wasm = new WasmBetReader();

const random = new SeededRandom(seed);
const maker = new PayloadMaker(random);
const rowsMaker = new RowsMaker(new SeededRandom(seed));
const counts = {
  payloads: 0,
  bytes: 0,
  batches: 0,
  bets: 0,
  faults: 0,
  files: 0,
  linesCopied: 0,
  filesOfRows: 0,
  rows: 0,
  errors: 0,
};
const reasons = new Map<string, number>();

console.log(`seed ${seed}, ${minutes} minutes`);
const end = performance.now() + minutes * 60_000;
while (performance.now() < end) {
  for (let turn = 0; turn < PAYLOADS_BETWEEN_LOOKS_AT_THE_CLOCK; turn += 1) {
    readBatch(maker.payload(), maker.agency());
    readBet(maker.bet(), maker.agency());
    readFile(rowsMaker.file(), rowsMaker.places());
  }
  for (let turn = 0; turn < FILES_BETWEEN_LOOKS_AT_THE_CLOCK; turn += 1) await cutFile();
}
console.log(
  Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', '),
);
for (const [reason, count] of reasons) console.log(`  ${reason} ${count}`);

function readBatch(payload: Buffer, agency: number): void {
  const read = plain.readBatch(payload, agency);
  compare('readBatch', payload, isSameRead(read, wasm.readBatch(payload, agency)));
  counts.payloads += 1;
  counts.bytes += payload.length;
  if ('rows' in read) {
    counts.batches += 1;
    counts.bets += read.count;
  } else {
    counts.faults += 1;
    const reason = `${read.field} ${read.reason}`;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
}

function readBet(payload: Buffer, agency: number): void {
  compare(
    'readBet',
    payload,
    isSameRead(plain.readBet(payload, agency), wasm.readBet(payload, agency)),
  );
}

async function cutFile(): Promise<void> {
  const options: Required<CutOptions> = {
    dialect: random.pick(['base', 'resumable'] as const),
    delimiter: random.pick([...DELIMITERS]),
    amountMax: random.pick(AMOUNTS),
    payloadBytesMax: random.pick(PAYLOAD_LIMITS),
  };
  const files = new FileMaker(random, options.delimiter);
  const file = files.file();
  const { linesCopied, ...cuts } = await cutBothWays(files.chunks(file), options);
  compare(
    `file ${counts.files} with ${JSON.stringify(options)}`,
    file,
    isDeepStrictEqual(cuts.fast, cuts.plain),
  );
  counts.files += 1;
  counts.linesCopied += linesCopied;
}

function readFile(file: Buffer, places: readonly number[]): void {
  const read = readRows(file, places);
  compare(`readRows, cut at ${places.join()},`, file, isDeepStrictEqual(read, readRowsAsCsv(file)));
  counts.filesOfRows += 1;
  counts.rows += read.bets.length;
  if (read.error !== undefined) counts.errors += 1;
}

function compare(what: string, payload: Buffer, same: boolean): void {
  if (!same) fail(what, payload);
}

function fail(what: string, payload: Buffer): never {
  console.log(
    `seed ${seed}, payload ${counts.payloads}: ${what} differs for ${payload.toString('hex')}`,
  );
  process.exit(1);
}
