import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { hasWon } from '../../../src/lottery/catedra.ts';
import { holdDraw } from '../../../src/lottery/draw.ts';
import { Lottery } from '../../../src/lottery/lottery.ts';
import type { EngineOptions } from '../../../src/store/jetstream/engine.ts';
import { JetStreamStore, type JetStreamStoreOptions } from '../../../src/store/jetstream/jetstream-store.ts';
import { Outbox } from '../../../src/store/jetstream/outbox.ts';
import type { EngineEvent } from '../../../src/store/store.ts';
import { batchNamed, betsNamed, refusalOf, storedBets } from '../../contract/store-contract.ts';
import { until } from '../../support/central.ts';
import { natsMissing, needNats } from '../../support/nats.ts';
import { NatsCluster } from '../../support/nats-cluster.ts';
import { temporaryFolder } from '../../support/temp-folder.ts';

const AGENCIES = [1, 2];

/** One server's part of it: its store and the lottery that follows it. */
interface Server {
  readonly store: JetStreamStore;
  readonly lottery: Lottery;
  readonly events: EngineEvent[];
  readonly directory: string;
}

let nats: NatsCluster;
let streams = 0;

function newEngine(): EngineOptions {
  streams += 1;
  return { servers: nats.servers, stream: `TWO-${streams}`, replicas: 1, agreement: 'a test' };
}

/** Opens a server, which is closed when the test ends. */
async function open(engine: EngineOptions, options: Partial<JetStreamStoreOptions> = {}): Promise<Server> {
  const directory = options.directory ?? (await temporaryFolder());
  const lottery = new Lottery(AGENCIES);
  const events: EngineEvent[] = [];
  const onEvent = (event: EngineEvent): void => void events.push(event);
  const { store } = await JetStreamStore.open({ engine, follower: lottery, onEvent, ...options, directory });
  onTestFinished(() => store.close());
  return { store, lottery, events, directory };
}

/** What a lottery has come to. */
function lookAt({ lottery }: Server): unknown {
  const { state, bets, finished, seal, uploads } = lottery;
  const next = AGENCIES.flatMap(agency => ['one', 'two'].map(name => uploads.find(agency, name)?.next));
  return { state, bets: [...bets].toSorted(([a], [b]) => a - b), finished, seal, next };
}

async function expectAlike(a: Server, b: Server): Promise<void> {
  await until(() => JSON.stringify(lookAt(a)) === JSON.stringify(lookAt(b)), 'two servers that agree');
  expect(await storedBets(a.store)).toEqual(await storedBets(b.store));
}

beforeEach(needNats);
beforeAll(async () => {
  if (natsMissing() === undefined) nats = await NatsCluster.start(1);
});
afterAll(() => nats?.end());

describe('two servers on one log', () => {
  test('are told the same facts in the same order, whoever hands them over', async () => {
    const engine = newEngine();
    const [a, b] = [await open(engine), await open(engine)];
    await a.store.append(batchNamed(1, 2));
    await b.store.append(batchNamed(2, 3, 2), { upload: 'one', seq: 1 });
    await a.store.note(refusalOf(1));
    await b.store.note({ kind: 'finished', agency: 1, upload: undefined });
    await expectAlike(a, b);
    expect(a.lottery.finished).toEqual([1]);
    expect(await storedBets(a.store)).toEqual([...betsNamed(1, 2), ...betsNamed(2, 3, 2)]);
  });

  test('store a batch of an upload once, and tell the second that another was first', async () => {
    const engine = newEngine();
    const [a, b] = [await open(engine), await open(engine)];
    const place = { upload: 'one', seq: 1 };
    const outcomes = await Promise.allSettled([
      a.store.append(batchNamed(1, 5), place),
      b.store.append(batchNamed(1, 5), place),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { name: 'StoreError', code: 'overtaken' },
    });
    await expectAlike(a, b);
    expect(await storedBets(a.store)).toEqual(betsNamed(1, 5));
  });

  test('take no bet of an agency that has finished at the other', async () => {
    const engine = newEngine();
    const [a, b] = [await open(engine), await open(engine)];
    await a.store.append(batchNamed(1));
    const late = [a.store.note({ kind: 'finished', agency: 1, upload: 'one' })];
    await late[0];
    await expect(b.store.append(batchNamed(2))).rejects.toMatchObject({ code: 'overtaken' });
    await expect(b.store.note({ kind: 'finished', agency: 1, upload: 'two' })).rejects.toMatchObject({
      code: 'overtaken',
    });
    await expectAlike(a, b);
    expect(await storedBets(b.store)).toEqual(betsNamed(1));
  });

  test('hold one draw, also when both do at the same time', async () => {
    const engine = newEngine();
    const [a, b] = [await open(engine), await open(engine)];
    await Promise.all([a.store.append(batchNamed(1, 3)), b.store.append(batchNamed(2, 3, 2))]);
    for (const agency of AGENCIES) await b.store.note({ kind: 'finished', agency, upload: undefined });
    await until(() => a.lottery.state === 'complete', 'everybody having finished');
    const seals = await Promise.allSettled(
      [a, b].map(async ({ store }) => store.seal(await holdDraw(store.bets(), hasWon))),
    );
    expect(seals.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await expectAlike(a, b);
    const held = seals.find(seal => seal.status === 'fulfilled');
    expect(a.lottery.seal).toEqual(held?.value);
  });

  test('agree whatever they do, and so does one that comes later', async () => {
    const place = fc.record({ upload: fc.constantFrom('one', 'two'), seq: fc.integer({ min: 1, max: 4 }) });
    const step = fc.record({
      server: fc.nat(1),
      agency: fc.constantFrom(...AGENCIES),
      what: fc.oneof(
        fc.record({ bets: fc.nat(3), place: fc.option(place, { nil: undefined }) }),
        fc.record({ refused: fc.integer({ min: 1, max: 4 }) }),
        fc.constant('finish' as const),
      ),
      wait: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async steps => {
        const engine = newEngine();
        const servers = [await open(engine), await open(engine)];
        const handed: Promise<unknown>[] = [];
        let bets = 0;
        for (const [name, { server, agency, what, wait }] of steps.entries()) {
          const { store } = servers[server]!;
          const count = typeof what === 'object' && 'bets' in what ? what.bets : 0;
          const fact =
            what === 'finish'
              ? store.note({ kind: 'finished', agency, upload: undefined })
              : 'refused' in what
                ? store.note(refusalOf(what.refused, agency))
                : store.append(batchNamed(name, what.bets, agency), what.place);
          const counted = fact.then(
            () => void (bets += count),
            (error: unknown) => expect(error).toMatchObject({ code: 'overtaken' }),
          );
          handed.push(counted);
          if (wait) await counted;
        }
        await Promise.all(handed);
        const later = await open(engine);
        await expectAlike(servers[0]!, servers[1]!);
        await expectAlike(servers[0]!, later);
        expect(servers[0]!.lottery.betsInAll).toBe(bets);
        expect(await storedBets(later.store)).toHaveLength(bets);
        await Promise.all([...servers, later].map(({ store }) => store.close()));
      }),
      { numRuns: 25 },
    );
  });
});

describe('an engine that is away', () => {
  test('is waited for: what was sent is stored once it is back, the rest refused after a while', async () => {
    const { store, events, lottery } = await open(newEngine(), { patienceMs: 300 });
    await store.append(batchNamed(1));
    nats.nodes[0]!.signal('SIGSTOP');
    const sent = store.append(batchNamed(2));
    await until(() => events.some(({ kind }) => kind === 'unavailable'), 'trouble');
    await expect(store.append(batchNamed(3))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.append(batchNamed(4))).rejects.toMatchObject({ code: 'unavailable' });
    expect(lottery.betsInAll).toBe(1);
    nats.nodes[0]!.signal('SIGCONT');
    await sent;
    await until(() => events.at(-1)?.kind === 'available', 'the end of the trouble');
    await store.append(batchNamed(5));
    expect(await storedBets(store)).toEqual([1, 2, 5].flatMap(name => betsNamed(name)));
  });

  test('that is away for a moment refuses nothing', async () => {
    const { store, events } = await open(newEngine());
    await store.append(batchNamed(1));
    await nats.kill(0);
    await until(() => events.some(({ kind }) => kind === 'unavailable'), 'trouble');
    const stored = [2, 3].map(name => store.append(batchNamed(name)));
    await nats.startAgain(0);
    await Promise.all(stored);
    expect(await storedBets(store)).toEqual([1, 2, 3].flatMap(name => betsNamed(name)));
  });

  test('that has lost its newest records is given them back by whoever has them, each once', async () => {
    const engine = newEngine();
    const [a, b] = [await open(engine), await open(engine)];
    await a.store.append(batchNamed(1));
    const copy = await nats.copyFolders();
    for (let name = 2; name < 8; name += 1) await [a, b][name % 2]!.store.append(batchNamed(name));
    await a.store.note({ kind: 'finished', agency: 1, upload: undefined });
    await expectAlike(a, b);
    await nats.kill(0);
    await nats.putBack(copy);
    await nats.startAgain(0);
    const restored = (): number =>
      [...a.events, ...b.events].reduce(
        (sum, event) => sum + (event.kind === 'restored' ? event.records : 0),
        0,
      );
    await until(() => restored() === 7, 'seven records being put back');
    await a.store.append(batchNamed(8, 2, 2));
    await b.store.append(batchNamed(9, 1, 2));
    await expectAlike(a, b);
    const bets = await storedBets(a.store);
    expect(bets.slice(0, 7)).toEqual([1, 2, 3, 4, 5, 6, 7].flatMap(name => betsNamed(name)));
    expect(bets).toHaveLength(10);
    await expectAlike(a, await open(engine));
  });

  test('is given back what it has lost by a server that was away itself', async () => {
    const engine = newEngine();
    const a = await open(engine);
    await a.store.append(batchNamed(1));
    const copy = await nats.copyFolders();
    const b = await open(engine);
    await b.store.append(batchNamed(2), { upload: 'one', seq: 1 });
    await a.store.append(batchNamed(3));
    await expectAlike(a, b);
    await Promise.all([a.store.close(), b.store.close()]);
    await nats.kill(0);
    await nats.putBack(copy);
    await nats.startAgain(0);
    // Only one of them comes back: it has what the other has written, too.
    const again = await open(engine, { directory: b.directory });
    expect(again.events).toContainEqual({ kind: 'restored', records: 2, lostBets: 0 });
    expect(await storedBets(again.store)).toEqual([1, 2, 3].flatMap(name => betsNamed(name)));
    expect(again.lottery.uploads.find(1, 'one')?.next).toBe(2);
  });

  test('that has lost what nobody has any more is not gone on with', async () => {
    const directory = await temporaryFolder();
    const engine = newEngine();
    const { outbox } = await Outbox.openOf(directory, engine.stream);
    await outbox.append([{ position: 9, writer: 'other', n: 5, facts: '{}', rows: new Uint8Array() }]);
    await outbox.close();
    await expect(open(engine, { directory })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('has lost the records 1 to 4 of server other') as string,
    });
  });
});

describe('a log', () => {
  test('is opened by servers that agree on what it is for', async () => {
    const engine = newEngine();
    await open(engine);
    await expect(open({ ...engine, agreement: 'another' })).rejects.toMatchObject({
      code: 'unusable',
      message: expect.stringContaining("a lottery with 'a test'") as string,
    });
  });

  test('is waited for when one node is to keep three copies', async () => {
    const stop = new AbortController();
    const events: EngineEvent[] = [];
    const onEvent = (event: EngineEvent): void => {
      events.push(event);
      stop.abort();
    };
    const engine = newEngine();
    await open(engine);
    await expect(open({ ...engine, replicas: 3 }, { signal: stop.signal, onEvent })).rejects.toMatchObject({
      code: 'unusable',
    });
    expect(events).toEqual([
      { kind: 'unavailable', error: 'the stream is to be kept on 3 nodes, and is on 1' },
    ]);
    // Whoever does not ask for a number leaves it as it is.
    await expect(open({ ...engine, replicas: 1 })).resolves.toBeDefined();
  });

  test('needs an engine that takes the largest batch', async () => {
    await expect(open(newEngine(), { batchBytesMax: 8 * 1024 * 1024 })).rejects.toThrow('max_payload');
  });

  test('is not waited for any longer than its server lives', async () => {
    const stop = new AbortController();
    const engine = { ...newEngine(), servers: ['127.0.0.1:1'] };
    const events: EngineEvent[] = [];
    const onEvent = (event: EngineEvent): void => {
      events.push(event);
      stop.abort();
    };
    await expect(open(engine, { signal: stop.signal, onEvent })).rejects.toMatchObject({ code: 'unusable' });
    expect(events).toMatchObject([{ kind: 'unavailable' }]);
  });
});
