// Reads made-up payloads with both readers until the time is over, and stops at the first of which they do not say the same.
//
//     npm run fuzz -- --minutes 10 --seed 1
//
// The same seed makes the same payloads. Without one it takes another every time, and prints it.
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src/dataset/random.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { RowGroups } from '../../src/kernel/row-groups.ts';
import { WasmBetReader } from '../../src/kernel/wasm-bet-reader.ts';
import { PayloadMaker } from './payload-maker.ts';
import { isSameRead } from './same-read.ts';

const PAYLOADS_BETWEEN_LOOKS_AT_THE_CLOCK = 1000;
const GROUP_SIZES = { groups: 1, groupBytes: 4 * 1024 * 1024 };

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(minutes > 0) || !Number.isInteger(seed))
  throw new Error('--minutes wants a number, --seed a whole one');

const plain = new PlainBetReader();
const wasm = new WasmBetReader(GROUP_SIZES);
const groups = new RowGroups(wasm);
let group = groups.take()!;
/** The rows that the group must have. */
let expected: Uint8Array[] = [];

const maker = new PayloadMaker(new SeededRandom(seed));
const counts = { payloads: 0, bytes: 0, batches: 0, bets: 0, faults: 0, groups: 0 };
const reasons = new Map<string, number>();

console.log(`seed ${seed}, ${minutes} minutes`);
const end = performance.now() + minutes * 60_000;
while (performance.now() < end) {
  for (let turn = 0; turn < PAYLOADS_BETWEEN_LOOKS_AT_THE_CLOCK; turn += 1) {
    readBatch(maker.payload(), maker.agency());
    readBet(maker.bet(), maker.agency());
  }
}
finishGroup();
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
  let appended = group.append(payload, agency);
  if (appended === undefined) {
    finishGroup();
    appended = group.append(payload, agency)!;
  }
  compare('append', payload, isSameRead(read, appended));
  if ('rows' in read) expected.push(read.rows.slice());
}

function readBet(payload: Buffer, agency: number): void {
  compare('readBet', payload, isSameRead(plain.readBet(payload, agency), wasm.readBet(payload, agency)));
}

function finishGroup(): void {
  if (!Buffer.concat(expected).equals(group.rows)) fail('the rows of a group', Buffer.alloc(0));
  group.release();
  group = groups.take()!;
  expected = [];
  counts.groups += 1;
}

function compare(what: string, payload: Buffer, same: boolean): void {
  if (!same) fail(what, payload);
}

function fail(what: string, payload: Buffer): never {
  console.log(`seed ${seed}, payload ${counts.payloads}: ${what} differs for ${payload.toString('hex')}`);
  process.exit(1);
}
