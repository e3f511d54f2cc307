import { LORCA, NANDU } from '../golden/golden.ts';
import type { Limits } from '../../src/wire/limits.ts';
import { range } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';
import type { Peer } from '../support/peer.ts';
import type { RawBet, SpokenDialect } from './spoken-dialect.ts';

/** A conversation of agency 1 in any dialect, its outcome, and ways to send it to our central. */

/** A second winning bet. */
export const SECOND: RawBet = { ...LORCA, document: '24807260', number: '7574' };

/** The stored row of a bet of agency 1. */
export function rowOf(bet: RawBet): string {
  const { firstName, lastName, document, birthdate, number } = bet;
  return `1,${String(firstName)},${String(lastName)},${document},${birthdate},${number}\r\n`;
}

/** A message of agency 1, and its effects. */
export interface Part {
  readonly bytes: Buffer;
  readonly answer: Buffer;
  readonly rows: string;
}

export function partOf(
  bytes: Buffer,
  answer: Buffer = Buffer.alloc(0),
  ...bets: readonly RawBet[]
): Part {
  return { bytes, answer, rows: bets.map(rowOf).join('') };
}

/** Agency 1 identifies itself, sends two batches, and finishes. */
export function uploadOf(spoken: SpokenDialect): Part[] {
  const batches = [[LORCA], [SECOND, NANDU]];
  return [
    partOf(spoken.hello(1)),
    ...batches.map(bets => partOf(spoken.batch(1, ...bets), spoken.accepted(bets.length), ...bets)),
    partOf(spoken.allSent(1), spoken.finished),
  ].filter(({ bytes }) => bytes.length > 0);
}

/** The effects of the first `length` bytes of a conversation. */
export function outcomeOf(parts: readonly Part[], length: number) {
  let end = 0;
  const complete = parts.filter(({ bytes }) => (end += bytes.length) <= length);
  const taken = complete.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return {
    messages: complete.length,
    isBroken: taken < length,
    answers: Buffer.concat(complete.map(({ answer }) => answer)),
    rows: complete.map(({ rows }) => rows).join(''),
  };
}

export const bytesOf = (parts: readonly Part[]): Buffer =>
  Buffer.concat(parts.map(({ bytes }) => bytes));

export async function openFor(
  { dialect }: SpokenDialect,
  options: { limits?: Partial<Limits>; now?: () => number; agencies?: readonly number[] } = {},
) {
  const store = new GatedStore();
  const central = await TestCentral.open({
    agencies: [1, 2],
    store,
    dialects: [dialect],
    ...options,
  });
  return { central, store };
}

export type Opened = Awaited<ReturnType<typeof openFor>>;

/**
 * Sends pieces over the newest connection, each after the previous one was read, so that the
 * central reads them separately.
 */
export async function sendPieces(
  central: TestCentral,
  peer: Peer,
  pieces: readonly Uint8Array[],
): Promise<void> {
  const socket = central.sockets.at(-1)!;
  let sent = socket.bytesRead;
  for (const piece of pieces) {
    if (piece.length === 0) continue;
    peer.send(piece);
    sent += piece.length;
    await until(() => socket.bytesRead >= sent, 'the bytes being read');
  }
}

export async function connected(central: TestCentral): Promise<Peer> {
  const before = central.sockets.length;
  const peer = await central.connect();
  await until(() => central.sockets.length > before, 'the connection being accepted');
  return peer;
}

/** Runs a function for each item, with bounded concurrency. */
export async function inParallel<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await act(item);
  };
  await Promise.all(range(12).map(worker));
}
