import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/dataset/random.ts';
import { Outbox } from '../../../src/store/jetstream/outbox.ts';
import { describeStep, systemError } from '../faulty-files.ts';
import { type Crash, DiskState, SimulatedDisk, type Step, type StepOutcome } from '../simulated-disk.ts';
import { DIRECTORY, numbersIn, outboxFilesOf, recordsNumbered } from './outbox-disk.ts';

/** Given again, the crashes are the same. */
const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

const OPTIONS = { keepMs: 400, segmentBytesMax: 2500 };

const CRASHES: readonly Crash[] = ['kill', 'lost', 'kept', 'torn', 'torn', 'torn', 'torn', 'torn'];

type Rule = (step: Step) => StepOutcome | undefined;

/** What is done with an outbox, one after the other. */
type Act = { readonly append: number } | { readonly noRoomFor: number } | 'aged' | 'interrupted' | 'clear';

const SCRIPT: readonly Act[] = [
  { append: 1 },
  { append: 4 },
  { noRoomFor: 6 },
  { append: 6 },
  { append: 20 },
  'aged',
  { append: 2 },
  'aged',
  'aged',
  { append: 9 },
  'interrupted',
  'aged',
  { append: 5 },
  'aged',
  'aged',
  'aged',
  'aged',
  { append: 3 },
  'clear',
  { append: 7 },
  { append: 1 },
];

/** A promise that was not kept. */
class Violation extends Error {}

/** Numbers of records: what must be there, and what may be. An `oldestMax` behind the newest one: perhaps nothing. */
interface Promised {
  /** The oldest record may be any from here. */
  readonly oldestMin: number;
  readonly oldestMax: number;
  /** Everything up to here was acknowledged. */
  readonly acknowledged: number;
  /** Everything up to here was handed over. */
  readonly offered: number;
}

interface Moment {
  readonly step: string;
  readonly disk: DiskState;
  promised: Promised;
}

/** Runs the script, and takes a copy of the disk before each step and at the end. */
async function live(rule: Rule = () => undefined): Promise<Moment[]> {
  const disk = new SimulatedDisk(new DiskState());
  const moments: Moment[] = [];
  let promised: Promised = { oldestMin: 1, oldestMax: 1, acknowledged: 0, offered: 0 };
  let room = Number.POSITIVE_INFINITY;
  const moment = (step: string): void => void moments.push({ step, disk: disk.state.copy(), promised });
  disk.rule = step => {
    moment(describeStep(step));
    if (step.kind !== 'write' || step.bytes.length <= room) return rule(step);
    const bytes = room;
    room = 0;
    return { bytes, ...(bytes === 0 ? { error: systemError('ENOSPC', 'write') } : {}) };
  };
  const { outbox } = await Outbox.open(DIRECTORY, { ...OPTIONS, files: outboxFilesOf(disk) });
  for (const act of SCRIPT) {
    const before = moments.length;
    if (act === 'interrupted') outbox.interrupted();
    else if (act === 'aged') await outbox.aged(100);
    else if (act === 'clear') {
      promised = { ...promised, oldestMax: promised.acknowledged + 1 };
      await outbox.clear();
      promised = { ...promised, oldestMin: promised.oldestMax };
    } else if ('append' in act) {
      const offered = promised.acknowledged + act.append;
      promised = { ...promised, offered: Math.max(promised.offered, offered) };
      await outbox.append(recordsNumbered(promised.acknowledged + 1, offered));
      promised = { ...promised, acknowledged: offered, offered };
    } else {
      promised = { ...promised, offered: promised.acknowledged + act.noRoomFor };
      room = 700;
      const records = recordsNumbered(promised.acknowledged + 1, promised.offered);
      await expect(outbox.append(records)).rejects.toMatchObject({ code: 'full' });
      room = Number.POSITIVE_INFINITY;
      promised = { ...promised, offered: promised.acknowledged };
    }
    // What was to be removed may be gone as soon as its removal has begun.
    if (act === 'aged' && outbox.first !== undefined) {
      promised = { ...promised, oldestMax: outbox.first.n };
      for (const earlier of moments.slice(before)) {
        earlier.promised = { ...earlier.promised, oldestMax: outbox.first.n };
      }
      promised = { ...promised, oldestMin: outbox.first.n };
    }
  }
  moment('the end');
  return moments;
}

/** Opens what a crash has left, holds it to what was promised, and goes on with it. */
async function reopen(state: DiskState, promised: Promised, rule: Rule): Promise<[DiskState, Promised]> {
  const disk = new SimulatedDisk(state);
  disk.rule = rule;
  const { outbox } = await Outbox.open(DIRECTORY, { ...OPTIONS, files: outboxFilesOf(disk) });
  const numbers = await numbersIn(outbox);
  const oldest = numbers[0] ?? promised.oldestMax;
  const newest = numbers.at(-1) ?? promised.oldestMax - 1;
  const isWhole = numbers.every((n, index) => n === oldest + index);
  const isKept = oldest >= promised.oldestMin && oldest <= promised.oldestMax;
  if (!isWhole || !isKept || newest < promised.acknowledged || newest > promised.offered) {
    throw new Violation(`${JSON.stringify(promised)}, there is ${numbers.join()}`);
  }
  if (outbox.last?.n !== numbers.at(-1) || outbox.first?.n !== numbers[0]) {
    throw new Violation(`first ${outbox.first?.n} and last ${outbox.last?.n}, there is ${numbers.join()}`);
  }
  const found = disk.state.copy();
  await outbox.append(recordsNumbered(newest + 1, newest + 2, 30));
  const after = await Outbox.open(DIRECTORY, { files: outboxFilesOf(new SimulatedDisk(disk.state.copy())) });
  const again = await numbersIn(after.outbox);
  if (again.join() !== [...numbers, newest + 1, newest + 2].join()) {
    throw new Violation(`appended behind ${newest}, there is ${again.join()}`);
  }
  return [found, { oldestMin: oldest, oldestMax: oldest, acknowledged: newest, offered: newest }];
}

async function explore(rules: () => Rule): Promise<number> {
  const random = new SeededRandom(SEED);
  let crashes = 0;
  for (const { step, disk, promised } of await live(rules())) {
    for (const crash of CRASHES) {
      crashes += 1;
      try {
        const [found, seen] = await reopen(disk.after(crash, random), promised, rules());
        // What was there for the next process must survive a loss of power.
        await reopen(found.after('lost', random), seen, rules());
      } catch (error) {
        throw new Violation(`${crash} before ${step} (CRASH_SEED=${SEED}): ${String(error)}`, {
          cause: error,
        });
      }
    }
  }
  return crashes;
}

describe(`an outbox that is cut off at any step (CRASH_SEED=${SEED})`, () => {
  test('writes several segments and removes some, by age and when it is cleared', async () => {
    const steps = (await live()).map(({ step, promised }) => ({
      step,
      cleared: promised.acknowledged === 50,
    }));
    const count = (pattern: RegExp, cleared: boolean): number =>
      steps.filter(one => one.cleared === cleared && pattern.test(one.step)).length;
    expect(count(/^open outbox/, false)).toBeGreaterThan(3);
    expect(count(/^rename outbox-\d+\.log removed/, false)).toBeGreaterThan(1);
    expect(count(/^rename outbox-\d+\.log removed/, true)).toBeGreaterThan(1);
  });

  test('holds all that was acknowledged and not removed, in order, and nothing else', async () => {
    expect(await explore(() => () => undefined)).toBeGreaterThan(400);
  });

  test('does so when every write takes less than it is given', async () => {
    const random = new SeededRandom(SEED);
    const shortWrites: Rule = step =>
      step.kind === 'write' ? { bytes: random.between(1, step.bytes.length) } : undefined;
    expect(await explore(() => shortWrites)).toBeGreaterThan(400);
  });
});

/** Disks that say that they did something and did not. */
const LIARS: [string, () => Rule][] = [
  ['syncs a segment', () => step => ({ ignored: step.kind === 'sync' })],
  ['syncs the folder', () => step => ({ ignored: step.kind === 'sync directory' })],
  ['cuts off what was not acknowledged', () => step => ({ ignored: step.kind === 'truncate' })],
  [
    'syncs what a killed process has left',
    () => {
      const written = new Set<string>();
      return step => {
        if (step.kind === 'open') written.delete(step.file);
        if (step.kind === 'write') written.add(step.file);
        return { ignored: step.kind === 'sync' && !written.has(step.file) };
      };
    },
  ],
];

describe('an outbox that breaks a promise is caught:', () => {
  test.each(LIARS)('one that never %s', async (_, rules) => {
    await expect(explore(rules)).rejects.toThrow(Violation);
  });
});
