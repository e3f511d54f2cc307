import { expect, test } from 'vitest';
import type { Engine } from '../../../src/store/jetstream/engine.ts';
import { Publisher } from '../../../src/store/jetstream/publisher.ts';

/** Turns of the microtask queue after which something is handed over: more than it takes to find that there is nothing to do. */
const TURNS = Array.from({ length: 16 }, (_, turn) => turn);

const FINISHED = { kind: 'finished', agency: 1, upload: undefined } as const;

/** The publisher of an engine that takes everything, which was opened without anything to do. */
function openedPublisher(): { readonly publisher: Publisher; readonly sent: string[] } {
  const sent: string[] = [];
  const publish = async (id: string): Promise<number> => {
    sent.push(id);
    publisher.settle(sent.length, [true]);
    return sent.length;
  };
  const publisher = new Publisher({
    engine: { publish } as unknown as Engine,
    writer: 'me',
    recordBytes: 1024,
    onTrouble: () => {},
    onAcknowledged: () => {},
  });
  publisher.open();
  return { publisher, sent };
}

test.each(TURNS)('what is handed over %i turns after it was opened is sent', async turns => {
  const { publisher, sent } = openedPublisher();
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  await publisher.add(FINISHED, new Uint8Array());
  expect(sent).toEqual(['me-1-0']);
});

test.each(TURNS)('what is handed over %i turns after the one before was settled is sent', async turns => {
  const { publisher, sent } = openedPublisher();
  await publisher.add(FINISHED, new Uint8Array());
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  await publisher.add(FINISHED, new Uint8Array());
  expect(sent).toEqual(['me-1-0', 'me-2-0']);
});
