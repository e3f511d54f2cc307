/**
 * Benchmarks of the hot loops alone, on one core: `node bench/kernel.ts [--runs 15]`.
 *
 * Central: from payloads of 130 bets to rows, with the plain reader and with WebAssembly. Agency:
 * from lines of a file to frames of the base protocol, with the plain code and with the line copier
 * in WebAssembly. The variants alternate, so that load affects all alike. Each figure is the median
 * of the runs, followed by the best one.
 */
import { parseArgs } from 'node:util';
import { CsvReader } from '../src/lottery/csv-reader.ts';
import { findFault } from '../src/lottery/bet-rules.ts';
import { PlainBetReader } from '../src/kernel/plain-bet-reader.ts';
import { WasmLineCopier } from '../src/kernel/wasm-line-copier.ts';
import { WasmBetReader } from '../src/kernel/wasm-bet-reader.ts';
import { createBaseDialect } from '../src/wire/dialects/base.ts';
import { DEFAULT_LIMITS } from '../src/wire/limits.ts';

const BETS_PER_BATCH = 130;
/** Different payloads that fit into the cache of a core. */
const PAYLOADS = 16;
const BATCHES_PER_RUN = 800;
const COMMA = 0x2c;

const { values } = parseArgs({ options: { runs: { type: 'string', default: '15' } } });
const runs = Number(values.runs);

/** Bets of one kind, which differ by a few bytes. */
const KINDS: Readonly<Record<string, (index: number) => string>> = {
  'as in the assignment (46 bytes)': index =>
    `Santiago Lionel|Lorca|309044${two(index)}|1999-03-17|75${two(index)}`,
  'letters beyond ASCII': index =>
    `Tiago Nicolás|Núñez|344072${two(index)}|2001-08-29|10${two(index)}`,
  'three in ten of them with such': index =>
    `${index % 10 < 3 ? 'Martín Ramón' : 'Agustin Emanuel'}|${'Zambrano'.slice(index % 5)}|216891${two(index)}|2000-05-10|93${two(index)}`,
  'names in quotes': index =>
    `Juan "Tito"|Pérez, hijo|344072${two(index)}|2001-08-29|10${two(index)}`,
  'numbers with zeros before them': index =>
    `Agustin Emanuel|Zambrano|216891${two(index)}|2000-05-10|00${two(index)}`,
};

function two(index: number): string {
  return String(index % 100).padStart(2, '0');
}

const openingAt = performance.now();
const wasm = new WasmBetReader();
const openingMs = performance.now() - openingAt;
const plain = new PlainBetReader();
const lineCopier = new WasmLineCopier();

console.log(
  `Node ${process.version}, ${process.arch}; ${runs} runs of ${BATCHES_PER_RUN * BETS_PER_BATCH} bets`,
);
console.log(`opening the WebAssembly reader: ${openingMs.toFixed(2)} ms\n`);
for (const [kind, bet] of Object.entries(KINDS)) {
  console.log(kind);
  print(compare(variantsOf(bet)));
}

function variantsOf(bet: (index: number) => string): Record<string, () => number> {
  const betsOfBatch = (batch: number): string[] =>
    Array.from({ length: BETS_PER_BATCH }, (_, index) => bet(batch * BETS_PER_BATCH + index));
  const batches = Array.from({ length: PAYLOADS }, (_, batch) => betsOfBatch(batch));
  const payloads = batches.map(bets => Buffer.from(`${BETS_PER_BATCH}|${bets.join('|')}`));
  const file = Buffer.from(
    batches
      .flat()
      .map(line => `${line.split('|').map(quoted).join(',')}\n`)
      .join(''),
  );
  return {
    plain: () => readBatches(payload => plain.readBatch(payload, 1), payloads),
    wasm: () => readBatches(payload => wasm.readBatch(payload, 1), payloads),
    'agency, lines to frames': () => encodeFile(file),
    // Some kinds have none.
    ...(copyFile(file) > 0 ? { 'agency, usual lines': () => copyFile(file) } : {}),
  };
}

function quoted(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function readBatches(
  read: (payload: Uint8Array) => object,
  payloads: readonly Uint8Array[],
): number {
  for (let batch = 0; batch < BATCHES_PER_RUN; batch += 1) {
    if (!('rows' in read(payloads[batch % PAYLOADS]!))) throw new Error('the bets are not valid');
  }
  return BATCHES_PER_RUN * BETS_PER_BATCH;
}

/** The agency's work per line, without reading the file and sending. */
function encodeFile(file: Uint8Array): number {
  const { batch: encoder } = createBaseDialect(plain).agency(DEFAULT_LIMITS, 1);
  let bets = 0;
  while (bets < BATCHES_PER_RUN * BETS_PER_BATCH) {
    const reader = new CsvReader({ recordBytesMax: DEFAULT_LIMITS.payloadBytesMax });
    reader.push(file);
    for (let step = reader.next(); step === 'record'; step = reader.next()) {
      if (findFault(reader) !== undefined) throw new Error('the bets are not valid');
      if (encoder.add(reader) === 'full') {
        encoder.take();
        encoder.add(reader);
      }
      if (encoder.count === BETS_PER_BATCH) encoder.take();
      bets += 1;
    }
  }
  return bets;
}

/** The same with copied lines, up to the first unusual one. */
function copyFile(file: Uint8Array): number {
  const { batch: encoder } = createBaseDialect(plain, () => lineCopier).agency(DEFAULT_LIMITS, 1);
  const lines = encoder.lines!;
  let bets = 0;
  while (bets < BATCHES_PER_RUN * BETS_PER_BATCH) {
    lines.load(file, COMMA);
    for (let at = 0; at < file.length; ) {
      at = lines.addLines(at, BETS_PER_BATCH);
      if (encoder.count === 0) return bets;
      bets += encoder.count;
      encoder.take();
    }
  }
  return bets;
}

/** Million bets per second of each variant in each run. */
function compare(variants: Record<string, () => number>): Map<string, number[]> {
  const rates = new Map<string, number[]>(Object.keys(variants).map(name => [name, []]));
  for (const run of Object.values(variants)) run();
  for (let turn = 0; turn < runs; turn += 1) {
    for (const [name, run] of Object.entries(variants)) {
      const startedAt = performance.now();
      const bets = run();
      rates.get(name)!.push(bets / (performance.now() - startedAt) / 1000);
    }
  }
  return rates;
}

function print(rates: ReadonlyMap<string, number[]>): void {
  const reference = median(rates.get('plain')!);
  for (const [name, ofRuns] of rates) {
    const middle = median(ofRuns);
    const figures = `${middle.toFixed(1).padStart(6)} M/s  (best ${Math.max(...ofRuns).toFixed(1)})`;
    console.log(
      `  ${name.padEnd(24)} ${figures.padEnd(26)} ${(middle / reference).toFixed(1)} × plain`,
    );
  }
  console.log();
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
