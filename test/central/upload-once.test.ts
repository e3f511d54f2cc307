import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Fact } from '../../src/lottery/fact.ts';
import { bet, done, helo, range, row, sbet } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { takeTurns, TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';
import { Peer } from '../support/peer.ts';

/** The upload's batches: one of four is invalid, the others have one or two bets. */
const isValid = (seq: number): boolean => seq % 4 !== 3;
const betsOf = (seq: number): string[][] =>
  isValid(seq)
    ? range(1 + (seq % 2)).map(index => bet(10 * seq + index))
    : [bet(10 * seq), bet('x')];
const batch = (seq: number): Buffer => sbet(seq, ...betsOf(seq));
const rowsOf = (seq: number): string =>
  isValid(seq)
    ? range(1 + (seq % 2))
        .map(index => row(1, 10 * seq + index))
        .join('')
    : '';
const outcomeOf = (seq: number): string =>
  isValid(seq) ? 'OK' : `FAIL invalid-bet|0|${seq}|1|document|not-digits`;

/** Durable batches of the upload, in stored order; negative if refused. */
function durable(facts: readonly Fact[]): number[] {
  return facts.flatMap(fact => {
    if (fact.kind === 'stored') return [fact.place!.seq];
    return fact.kind === 'refused' ? [-fact.place.seq] : [];
  });
}

/** The consecutive connections of an upload, and a model of their answers. */
class Uploader {
  readonly #central: TestCentral;
  readonly #store: GatedStore;
  #peer: Peer | undefined;
  /** Unanswered messages: numbers of batches, 0 for HELO. */
  #unanswered: number[] = [];
  /** The next batch to send; undefined before the welcome. */
  next: number | undefined;
  /** Messages that may be refused on this connection as a consequence of an earlier one. */
  readonly excuses = new Set<string>();
  readonly problems: string[] = [];
  #reading: Promise<void> = Promise.resolve();
  /** Number of durable batches when the connection was opened. */
  #durableBefore = 0;

  constructor(central: TestCentral, store: GatedStore) {
    this.#central = central;
    this.#store = store;
  }

  async connect(): Promise<void> {
    const peer = await Peer.connect(this.#central.port);
    this.#peer = peer;
    this.next = undefined;
    this.#unanswered = [0];
    this.excuses.clear();
    this.#durableBefore = this.#store.facts.length;
    peer.send(helo(1));
    this.#reading = this.#read(peer);
  }

  /** Sends the next batches without waiting; nothing before the welcome. */
  send(count: number): void {
    if (this.next === undefined) return;
    for (let sent = 0; sent < count; sent += 1) this.#say(this.next++);
  }

  /** Repeats an earlier batch. */
  repeat(back: number): void {
    if (this.next !== undefined && this.next > 1) this.#say(Math.max(1, this.next - back));
  }

  /** Skips a batch. */
  skip(): void {
    if (this.next === undefined) return;
    this.excuses.add('sequence-gap');
    this.#say(this.next + 1);
  }

  async cut(gently: boolean): Promise<void> {
    if (gently) this.#peer!.socket.destroy();
    else this.#peer!.socket.resetAndDestroy();
    await this.#reading;
    await this.connect();
  }

  get idle(): boolean {
    return this.#unanswered.length === 0 || this.#peer!.ended;
  }

  get ended(): boolean {
    return this.#peer!.ended;
  }

  async close(): Promise<void> {
    this.#peer!.socket.destroy();
    await this.#reading;
  }

  #say(seq: number): void {
    this.#unanswered.push(seq);
    this.#peer!.send(batch(seq));
  }

  async #read(peer: Peer): Promise<void> {
    for (;;) {
      const answer = await peer.frame().catch(() => undefined);
      // The client does not know the outcome of messages that are unanswered at the end.
      if (answer === undefined) return;
      this.#judge(answer);
    }
  }

  #judge(answer: string): void {
    const seq = this.#unanswered.shift();
    const facts = durable(this.#store.facts);
    const said = `batch ${seq} is answered ${answer}, durable are ${facts.join(' ')}`;
    if (seq === undefined) this.problems.push(`nothing was asked: ${said}`);
    else if (seq === 0) {
      this.next = Number(/^WELC (\d+)\|64\|8184$/.exec(answer)?.[1]);
      if (!(this.next > this.#durableBefore && this.next <= facts.length + 1))
        this.problems.push(said);
    } else if (answer === outcomeOf(seq)) {
      if (!facts.includes(isValid(seq) ? seq : -seq)) this.problems.push(`too early: ${said}`);
    } else {
      const code = /^FAIL (storage|sequence-gap)\|1\|/.exec(answer)?.[1];
      if (code === undefined || !this.excuses.has(code)) this.problems.push(said);
    }
  }
}

type Step =
  | { readonly do: 'send' | 'repeat'; readonly who: number; readonly count: number }
  | { readonly do: 'skip' | 'cut gently' | 'reset'; readonly who: number }
  | { readonly do: 'let in'; readonly count: number }
  | { readonly do: 'hold' | 'open' | 'full' };

const who = fc.nat(1);
const count = fc.integer({ min: 1, max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), who, count }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('repeat' as const), who, count }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('skip' as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('cut gently' as const, 'reset' as const), who }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('let in' as const), count }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('hold' as const, 'open' as const, 'full' as const),
    }),
  },
);

async function perform(
  one: Step,
  uploaders: readonly Uploader[],
  store: GatedStore,
): Promise<void> {
  switch (one.do) {
    case 'send':
      return uploaders[one.who]!.send(one.count);
    case 'repeat':
      return uploaders[one.who]!.repeat(one.count);
    case 'skip':
      return uploaders[one.who]!.skip();
    case 'cut gently':
    case 'reset':
      return uploaders[one.who]!.cut(one.do === 'cut gently');
    case 'let in':
      return store.letIn(one.count);
    case 'hold':
      store.held = true;
      return;
    case 'open':
      return store.open();
    case 'full':
      // A refused batch leaves a gap for every later one.
      for (const { excuses } of uploaders) excuses.add('storage').add('sequence-gap');
      return store.refuse();
  }
}

describe('an upload over two connections and a disk that may fail (promise P3)', () => {
  test.prop([fc.array(step, { minLength: 5, maxLength: 40 })], {
    numRuns: 60,
    interruptAfterTimeLimit: 15_000,
  })('is stored in order, each batch once, and acknowledged only when durable', async steps => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store, limits: { lingerTimeoutMs: 50 } });
    const bystander = await central.agency(2);
    const uploaders = [new Uploader(central, store), new Uploader(central, store)];
    for (const uploader of uploaders) await uploader.connect();
    for (const one of steps) {
      await perform(one, uploaders, store);
      await takeTurns(bystander);
      for (const uploader of uploaders) if (uploader.ended) await uploader.connect();
    }
    store.open();
    for (const uploader of uploaders) {
      await until(() => uploader.idle, 'every answer');
      await uploader.close();
      expect(uploader.problems).toEqual([]);
    }

    const facts = durable(store.facts);
    expect(facts).toEqual(facts.map((_, index) => (isValid(index + 1) ? index + 1 : -index - 1)));
    const last = await central.uploader(1, 'u', facts.length + 1);
    const seqs = range(facts.length + 3).map(index => index + 1);
    for (const seq of seqs) last.send(batch(seq));
    const valid = seqs.filter(isValid);
    last.send(done(valid.length, valid.flatMap(betsOf).length));
    expect(await last.frames(seqs.length + 1)).toEqual([...seqs.map(outcomeOf), 'OK']);
    expect(store.rows).toBe(seqs.map(rowsOf).join(''));
    bystander.end();
    last.end();
    await central.stop();
  });
});
