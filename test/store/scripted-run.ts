import { createHash } from 'node:crypto';
import type { SeededRandom } from '../../src/dataset/random.ts';
import type { BatchFault } from '../../src/lottery/bet-batch.ts';
import type { Draw } from '../../src/lottery/draw.ts';
import type { Fact, UploadPlace } from '../../src/lottery/fact.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { DamageError } from '../../src/store/csv/damage.ts';
import { type Store, StoreError } from '../../src/store/store.ts';
import { batchNamed } from '../contract/store-contract.ts';
import { describeStep } from './faulty-files.ts';
import { DiskState, SimulatedDisk, type Step, type StepOutcome } from './simulated-disk.ts';
import { noPause } from './store-folder.ts';
import { sealDraw } from '../support/seal-draw.ts';

/** A deterministic run of the csv store, and its invariants after a crash at any step. */

const BETS_PATH = '/data/bets.csv';

/** A call of the store, its fact, and its rows. */
interface Deed {
  readonly fact: Fact;
  readonly rows: Uint8Array;
  hand(store: Store): Promise<unknown>;
}

export interface Script {
  /** The disk before the first process. */
  readonly start: DiskState;
  /** Facts and rows before the first call. */
  readonly before: readonly Deed[];
  /** In this order. */
  readonly deeds: readonly Deed[];
}

/** A call of an earlier process, which is not repeated. */
function past(fact: Fact, rows: Uint8Array): Deed {
  return { fact, rows, hand: () => Promise.reject(new Error('this has been there before')) };
}

function stored(name: number, count: number, agency: number, place?: UploadPlace): Deed {
  const batch = batchNamed(name, count, agency);
  const fact: Fact = { kind: 'stored', agency, count, place };
  return { fact, rows: batch.rows, hand: store => store.append(batch, place) };
}

function refused(agency: number, place: UploadPlace): Deed {
  const fault: BatchFault = { count: 2, index: 1, field: 'birthdate', reason: 'not-a-date' };
  const fact = { kind: 'refused', agency, place, fault } as const;
  return { fact, rows: new Uint8Array(), hand: store => store.note(fact) };
}

function finished(agency: number, upload?: string): Deed {
  const fact = { kind: 'finished', agency, upload } as const;
  return { fact, rows: new Uint8Array(), hand: store => store.note(fact) };
}

function bettingClosed(rows: Uint8Array): Deed {
  const sha256 = createHash('sha256').update(rows).digest('hex');
  const text = `loteria-acta 1\nsha256: ${sha256}\n`;
  const acta = {
    number: 1,
    time: new Date(0).toISOString(),
    bets: 7,
    bytes: rows.length,
    sha256,
    text,
  };
  const fact = { kind: 'closed', acta } as const;
  return { fact, rows: new Uint8Array(), hand: store => store.note(fact) };
}

function drawn(rows: Uint8Array): Deed {
  const draw: Draw = { bets: 7, winners: new Map([[2, ['30904465', '007']]]) };
  const sha256 = createHash('sha256').update(rows).digest('hex');
  const seal = { bytes: rows.length, sha256, time: new Date(0).toISOString() };
  return {
    fact: { kind: 'drawn', draw, seal },
    rows: new Uint8Array(),
    hand: store => sealDraw(store, draw),
  };
}

const rowsOf = (deeds: readonly Deed[]): Buffer => Buffer.concat(deeds.map(({ rows }) => rows));

/** Names of maximum length: their journal lines cross sectors. */
const ONE = '1'.padEnd(64, 'x');
const TWO = '2'.padEnd(64, 'x');

/**
 * Batches of the base protocol by agency 3, uploads of agencies 1 and 2, refusals, and the ends of
 * all three.
 */
const WHOLE_LOTTERY: readonly Deed[] = [
  stored(1, 2, 3),
  stored(2, 1, 1, { upload: ONE, seq: 1 }),
  stored(3, 14, 2, { upload: TWO, seq: 1 }),
  refused(1, { upload: ONE, seq: 2 }),
  stored(4, 3, 3),
  stored(5, 1, 1, { upload: ONE, seq: 3 }),
  stored(6, 0, 2, { upload: TWO, seq: 2 }),
  stored(7, 25, 1, { upload: ONE, seq: 4 }),
  finished(3),
  refused(2, { upload: TWO, seq: 3 }),
  stored(8, 2, 2, { upload: TWO, seq: 4 }),
  finished(1, ONE),
  stored(9, 1, 2, { upload: 'other', seq: 1 }),
  finished(2, TWO),
];

const SMALL_LOTTERY: readonly Deed[] = [
  stored(1, 12, 1, { upload: ONE, seq: 1 }),
  stored(2, 1, 2),
  refused(1, { upload: ONE, seq: 2 }),
  finished(1, ONE),
];

function scriptOn(start: DiskState, before: readonly Deed[], deeds: readonly Deed[]): Script {
  const rows = rowsOf([...before, ...deeds]);
  return { start, before, deeds: [...deeds, bettingClosed(rows), drawn(rows)] };
}

/** In an empty folder. */
export function emptyFolder(): Script {
  return scriptOn(new DiskState(), [], WHOLE_LOTTERY);
}

/** In a folder with a `bets.csv`, and the remains of an incomplete new journal. */
export function foreignBets(): Script {
  const rows = Buffer.concat([batchNamed(50, 9, 1).rows, batchNamed(51, 3, 2).rows]);
  const bets = new Map([
    [1, 9],
    [2, 3],
  ]);
  const start = new DiskState({
    [BETS_PATH]: rows,
    '/data/bets.journal.new': `{"n":1,"type":"begin","version":1,${'x'.repeat(700)}`,
  });
  return scriptOn(start, [past({ kind: 'adopted', bets }, rows)], SMALL_LOTTERY);
}

/** In the folder of an earlier process. */
export async function formerProcess(): Promise<Script> {
  const deeds = [
    stored(60, 4, 1, { upload: 'zero', seq: 1 }),
    refused(1, { upload: 'zero', seq: 2 }),
  ];
  const disk = new SimulatedDisk(new DiskState());
  const { store } = await CsvStore.open('/data', { files: disk });
  for (const deed of deeds) await deed.hand(store);
  await store.close();
  return scriptOn(disk.state, deeds, SMALL_LOTTERY);
}

/** The disk at a step of a run, and the numbers of acknowledged and of made calls. */
export interface Moment {
  readonly step: string;
  readonly disk: DiskState;
  readonly acknowledged: number;
  readonly handedOver: number;
}

export function beginningOf({ start }: Script): Moment {
  return { step: 'the beginning', disk: start, acknowledged: 0, handedOver: 0 };
}

/** The store broke a promise. */
export class Violation extends Error {}

export interface LifeOptions {
  readonly random: SeededRandom;
  /** The rule of the disk's steps. */
  readonly rule?: Rule | undefined;
  /** Whether the rule lets steps fail, so that the store may reject calls. */
  readonly mayFail?: boolean;
}

export type Rule = (step: Step) => StepOutcome | undefined;

/** The processes from one crash to the next, or to the end of the script. */
export class Life {
  readonly moments: Moment[] = [];
  /** The step after the first opening. */
  opened = 0;
  readonly #script: Script;
  readonly #options: LifeOptions;
  readonly #disk: SimulatedDisk;
  #acknowledged: number;
  #handedOver: number;
  #refusal: StoreError | undefined;
  readonly #restarted: boolean;

  /** @param from the disk as the last crash has left it, and what was promised before */
  constructor(script: Script, from: Moment, options: LifeOptions) {
    this.#script = script;
    this.#options = options;
    this.#acknowledged = from.acknowledged;
    this.#handedOver = from.handedOver;
    this.#restarted = from.disk !== script.start;
    this.#disk = new SimulatedDisk(from.disk.copy());
    this.#disk.rule = step => this.#step(step);
  }

  /**
   * Continues the script to its end, as clients do: repeats unacknowledged calls. The store is
   * closed and reopened in between.
   *
   * @returns false when a failing disk has stopped the store before
   * @throws Violation
   */
  async live(): Promise<boolean> {
    const { length } = this.#script.deeds;
    for (const upTo of [Math.floor(length / 2), length, length]) {
      if (this.#acknowledged >= upTo && upTo < length) continue;
      if (!(await this.#process(upTo))) return false;
    }
    return true;
  }

  /** One process: opens the store, makes calls, closes. */
  async #process(upTo: number): Promise<boolean> {
    const store = await this.#open();
    if (store === undefined) return false;
    for (let attempt = 0; attempt < 3 && this.#acknowledged < upTo; attempt += 1) {
      await this.#handOver(store, upTo);
      if (this.#refusal === undefined) break;
      if (this.#refusal.code !== 'full') break;
      // A call rejected on a full disk leaves nothing.
      this.#handedOver = this.#acknowledged;
    }
    const done = this.#acknowledged >= upTo;
    const closed = await this.#close(store);
    this.#note('when everything is closed');
    if (!done && this.#refusal === undefined) throw new Violation('the store has answered nobody');
    return done && closed;
  }

  async #open(): Promise<CsvStore | undefined> {
    const lottery = new Lottery([1, 2, 3]);
    const told: string[] = [];
    const onFact = (fact: Fact): void => {
      lottery.apply(fact);
      told.push(textOf(fact));
    };
    let store: CsvStore;
    try {
      const clock = (): Date => new Date(0);
      ({ store } = await CsvStore.open('/data', {
        files: this.#disk,
        clock,
        onFact,
        pause: noPause,
      }));
    } catch (error) {
      const expected = error instanceof StoreError && !(error instanceof DamageError);
      if (this.#options.mayFail !== true || !expected || error.code !== 'unusable') {
        throw new Violation(`the store does not open: ${String(error)}`, { cause: error });
      }
      this.#expectAllClosed();
      return undefined;
    }
    this.#expectPrefix(told, lottery);
    this.#note('when it is open');
    if (this.opened === 0) this.opened = this.moments.length - 1;
    return store;
  }

  /**
   * The facts that a new process reads must be a prefix of the script with everything acknowledged.
   */
  #expectPrefix(told: readonly string[], lottery: Lottery): void {
    const { before, deeds } = this.#script;
    const count = told.length - before.length;
    if (count < this.#acknowledged || count > this.#handedOver) {
      throw new Violation(
        `${told.length} facts are told, ${before.length} were there before, ${this.#acknowledged} were acknowledged, ${this.#handedOver} handed over`,
      );
    }
    const expected = [...before, ...deeds.slice(0, count)];
    for (const [index, { fact }] of expected.entries()) {
      if (told[index] !== textOf(fact))
        throw new Violation(`${told[index]} is told, not ${textOf(fact)}`);
    }
    const rows = this.#disk.state.find(BETS_PATH)?.now;
    if (rows?.equals(rowsOf(expected)) !== true) {
      throw new Violation(`bets.csv has not the rows of the ${told.length} facts: ${String(rows)}`);
    }
    for (const { fact } of deeds.slice(count)) {
      if ((fact.kind !== 'stored' && fact.kind !== 'refused') || fact.place === undefined) continue;
      const { upload, seq } = fact.place;
      const next = lottery.uploads.find(fact.agency, upload)?.next ?? 1;
      if (seq < next)
        throw new Violation(`upload ${upload} goes on with ${next}, ${seq} is missing`);
    }
    this.#acknowledged = count;
    this.#handedOver = count;
  }

  /** Several at a time, so that they form groups. */
  async #handOver(store: CsvStore, upTo: number): Promise<void> {
    const { deeds } = this.#script;
    const answers: Promise<void>[] = [];
    // After a crash the groups differ from those that are partly on disk.
    const together = this.#restarted ? this.#options.random.between(1, 5) : 4;
    this.#refusal = undefined;
    for (let index = this.#acknowledged; index < upTo; index += 1) {
      const deed = deeds[index]!;
      if (deed.fact.kind === 'closed' || deed.fact.kind === 'drawn') await Promise.all(answers);
      if (this.#refused()) break;
      this.#handedOver = index + 1;
      const answer = this.#answer(deed.hand(store), index);
      // The first violation ends the loop; later ones have no other handler.
      answer.catch(() => {});
      answers.push(answer);
      await answers.at(-together);
    }
    await Promise.all(answers);
  }

  #refused(): boolean {
    return this.#refusal !== undefined;
  }

  async #answer(answer: Promise<unknown>, index: number): Promise<void> {
    try {
      const seal = await answer;
      const { fact } = this.#script.deeds[index]!;
      if (fact.kind === 'drawn' && textOf(seal) !== textOf(fact.seal)) {
        throw new Violation(`the seal is ${textOf(seal)}, not ${textOf(fact.seal)}`);
      }
    } catch (error) {
      if (this.#options.mayFail !== true || !(error instanceof StoreError)) throw error;
      if (error.code === 'unusable') throw new Violation(`an open store says ${error.message}`);
      this.#refusal ??= error;
      return;
    }
    if (index !== this.#acknowledged) {
      throw new Violation(`deed ${index} is acknowledged after only ${this.#acknowledged} others`);
    }
    this.#acknowledged = index + 1;
  }

  /** Whether no call failed until the end of the process. */
  async #close(store: CsvStore): Promise<boolean> {
    let closed = true;
    try {
      await store.close();
    } catch (error) {
      if (this.#options.mayFail !== true) throw error;
      closed = false;
    }
    this.#expectAllClosed();
    return closed && (await Promise.race([store.failure, Promise.resolve()])) === undefined;
  }

  #expectAllClosed(): void {
    if (this.#disk.openCount > 0) throw new Violation(`${this.#disk.openCount} files stay open`);
    if (this.#disk.isLocked) throw new Violation('the folder stays locked');
  }

  /**
   * Records the disk before each step. It is that after the previous step, with the most calls
   * acknowledged.
   */
  async #step(step: Step): Promise<StepOutcome | undefined> {
    const text = describeStep(step);
    // Disks are slow: all acknowledgements were delivered by now.
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    this.#note(`before ${text}`);
    if (step.kind === 'write' && step.bytes.length > 1) {
      const partly = this.#disk.state.copy();
      const length = this.#options.random.between(1, step.bytes.length - 1);
      partly.write(`/data/${step.file}`, step.position, step.bytes.subarray(0, length));
      this.#note(`amid ${text}`, partly);
    }
    return this.#options.rule?.(step);
  }

  #note(step: string, disk = this.#disk.state.copy()): void {
    this.moments.push({
      step,
      disk,
      acknowledged: this.#acknowledged,
      handedOver: this.#handedOver,
    });
  }
}

/** Facts and seals are compared as texts. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    member instanceof Map ? [...member] : member,
  );
}
