import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRows } from '../../src/lottery/row-decoder.ts';
import type { RawBet, SpokenDialect } from '../contract/spoken-dialect.ts';
import { SPOKEN } from '../contract/spoken-dialects.ts';
import { LORCA, NANDU } from '../golden/golden.ts';
import { range } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';

/**
 * Whole sessions of peers that say anything: messages of their dialect in any order, valid or not,
 * with bytes changed, left out or made up, cut into any chunks. `make fuzz ARGS="--sessions 5000
 * --seed 1"` holds more of them than `make test` does.
 */
const RUNS = Number(process.env['FUZZ_SESSIONS'] ?? 150);
const SEED = process.env['FUZZ_SEED'] === undefined ? undefined : Number(process.env['FUZZ_SEED']);

/** Sessions per central, each of a different agency, with ids that every dialect can encode. */
const SESSIONS_PER_CENTRAL = 200;
const BYSTANDER = 255;

/** Sessions that once found a fault. */
const RECORDED: readonly number[] = [1, 20_261_121];

const BAD_BET: RawBet = { ...LORCA, birthdate: '2023-02-29' };

/** Changes to the bytes of a message before it is sent. */
type Change =
  | { readonly change: 'none' }
  | { readonly change: 'byte'; readonly at: number; readonly to: number }
  | { readonly change: 'cut'; readonly to: number }
  | { readonly change: 'garbage'; readonly bytes: Uint8Array };

interface Said {
  readonly message: 'hello' | 'batch' | 'bad-batch' | 'empty-batch' | 'all-sent' | 'question';
  readonly change: Change;
}

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Change>({ change: 'none' }) },
  fc.record({ change: fc.constant('byte' as const), at: fc.nat(80), to: fc.nat(255) }),
  fc.record({ change: fc.constant('cut' as const), to: fc.nat(80) }),
  fc.record({ change: fc.constant('garbage' as const), bytes: fc.uint8Array({ maxLength: 60 }) }),
);

const said: fc.Arbitrary<Said> = fc.record({
  message: fc.constantFrom(
    'batch',
    'batch',
    'bad-batch',
    'empty-batch',
    'hello',
    'all-sent',
    'question',
  ),
  change,
});

const session = fc.record({
  /** Most sessions begin correctly. */
  greets: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
  messages: fc.array(said, { maxLength: 12 }),
  /** Lengths of the chunks, repeated. */
  chunks: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 5 }),
});

type Session = typeof session extends fc.Arbitrary<infer Value> ? Value : never;

function bytesOf(spoken: SpokenDialect, agency: number, { greets, messages }: Session): Buffer {
  const frames = messages.map(({ message, change: how }) =>
    changed(messageOf(spoken, agency, message), how),
  );
  return Buffer.concat([greets ? spoken.hello(agency) : Buffer.alloc(0), ...frames]);
}

function messageOf(spoken: SpokenDialect, agency: number, message: Said['message']): Buffer {
  switch (message) {
    case 'hello':
      return spoken.hello(agency);
    case 'batch':
      return spoken.batch(agency, LORCA, NANDU);
    case 'bad-batch':
      return spoken.batch(agency, LORCA, BAD_BET);
    case 'empty-batch':
      return spoken.batch(agency);
    case 'all-sent':
      return spoken.allSent(agency);
    case 'question':
      return spoken.question?.(agency) ?? Buffer.alloc(0);
  }
}

function changed(message: Buffer, how: Change): Buffer {
  switch (how.change) {
    case 'none':
      return message;
    case 'byte': {
      const copy = Buffer.from(message);
      if (copy.length > 0) copy[how.at % copy.length] = how.to;
      return copy;
    }
    case 'cut':
      return message.subarray(0, how.to);
    case 'garbage':
      return Buffer.concat([message, how.bytes]);
  }
}

/** A central for many sessions, and an agency that they must not disturb. */
class SharedCentral {
  readonly central: TestCentral;
  readonly store: GatedStore;
  readonly #spoken: SpokenDialect;
  #sessions = 0;

  private constructor(spoken: SpokenDialect, central: TestCentral, store: GatedStore) {
    this.#spoken = spoken;
    this.central = central;
    this.store = store;
  }

  static async open(spoken: SpokenDialect): Promise<SharedCentral> {
    const store = new GatedStore();
    const agencies = range(BYSTANDER).map(index => index + 1);
    // Short: after the draw, the central would wait this long for a peer to close.
    const limits = {
      idleTimeoutMs: 60,
      messageTimeoutMs: 60,
      firstMessageTimeoutMs: 60,
      pingIntervalMs: 30,
    };
    const central = await TestCentral.open({ agencies, store, dialects: [spoken.dialect], limits });
    return new SharedCentral(spoken, central, store);
  }

  get isFull(): boolean {
    return this.#sessions === SESSIONS_PER_CENTRAL;
  }

  async hold(plan: Session): Promise<void> {
    this.#sessions += 1;
    const { central, store } = this;
    const eventsBefore = central.events.length;
    const rowsBefore = store.rows.length;
    const bytes = bytesOf(this.#spoken, this.#sessions, plan);
    const peer = await central.connect();
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const length = plan.chunks[turn % plan.chunks.length]!;
      peer.send(bytes.subarray(at, at + length));
      at += length;
      if (turn % 3 === 0) await new Promise(resolve => setImmediate(resolve));
    }
    peer.end();
    // Every session must end.
    await peer.rest();
    const events = central.events.slice(eventsBefore);
    const rows = store.rows.slice(rowsBefore);
    const stored = events.filter(
      event => event.event === 'batch-stored' || event.event === 'bet-stored',
    );
    const bets = stored.reduce((sum, event) => sum + ('count' in event ? event.count : 1), 0);
    // Every row is of a bet reported as stored, and can be read.
    expect([...decodeRows([Buffer.from(rows)], 'rows')]).toHaveLength(bets);
    expect(events.filter(({ event }) => event === 'failed')).toEqual([]);
  }

  /**
   * An uninvolved agency stores a bet. It connects only now, because idle peers are cut early here.
   */
  async checkBystander(): Promise<void> {
    const peer = await this.central.connect();
    peer.send(Buffer.concat([this.#spoken.hello(BYSTANDER), this.#spoken.batch(BYSTANDER, LORCA)]));
    const accepted = this.#spoken.accepted(1);
    expect(await peer.receive(accepted.length)).toBe(accepted.toString('hex'));
  }
}

describe.each(SPOKEN)('arbitrary sessions in $name', spoken => {
  test.each([...RECORDED, SEED ?? seedOf(spoken.name)])(
    'end, store only valid bets and do not affect others (seed %i)',
    async seed => {
      let central = await SharedCentral.open(spoken);
      await fc.assert(
        fc.asyncProperty(session, async plan => {
          await central.hold(plan);
          if (!central.isFull) return;
          await central.checkBystander();
          central = await SharedCentral.open(spoken);
        }),
        { numRuns: Math.ceil(RUNS / (RECORDED.length + 1)), seed },
      );
      await central.checkBystander();
    },
    30_000 + RUNS * 100,
  );
});

/** A seed per day, so that a failure can be repeated on that day. */
function seedOf(name: string): number {
  const day = new Date().toISOString().slice(0, 10);
  return createHash('sha256').update(`${name} ${day}`).digest().readInt32BE();
}
