import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SpokenDialect } from '../contract/spoken-dialect.ts';
import { SPOKEN } from '../contract/spoken-dialects.ts';
import { range } from '../support/base-frames.ts';
import { drawnBy, finishedBy, GatedStore } from '../support/gated-store.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';
import { signed } from '../support/certificates.ts';

/**
 * A list of winners that exceeds a slice, a socket's buffer, or a frame arrives completely, also at
 * a slow reader and over TLS, although some dialects close the connection after it.
 */

/** The independently encoded list; undefined where the dialect cannot encode this many. */
const LISTS: Readonly<Record<string, (documents: readonly string[]) => Buffer | undefined>> = {
  tp0: documents => withLength(`RWIN`, `${documents.length}|${documents.join('|')}`),
  'push-codes': documents => {
    if (documents.length > 16_383) return undefined;
    return Buffer.concat([
      hex('2329'),
      u16(4 * documents.length),
      ...documents.map(text => u32(Number(text))),
    ]);
  },
  'check-win': documents => {
    const fields = Buffer.concat(documents.flatMap(text => [u32(text.length), Buffer.from(text)]));
    return Buffer.concat([u32(fields.length), Buffer.from('W'), fields]);
  },
  'csv-frames': documents => Buffer.from(`${documents.map(text => `00080${text}`).join('')}00001`),
  'op-codes': documents => {
    if (documents.length > 65_535) return undefined;
    const texts = documents.flatMap(text => [u16(text.length), Buffer.from(text)]);
    return Buffer.concat([hex('02 04 0000 05'), u16(documents.length), ...texts]);
  },
};

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const withLength = (type: string, text: string): Buffer =>
  Buffer.concat([Buffer.from(type), u32(text.length), Buffer.from(text)]);

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const documentsOf = (count: number): string[] =>
  range(count).map(index => String(10_000_000 + index));

/** Bytes with which agency 1 receives its winners. */
function questionOf(spoken: SpokenDialect): Buffer {
  return Buffer.concat([spoken.hello(1), spoken.question?.(1) ?? spoken.allSent(1)]);
}

async function drawnCentral(spoken: SpokenDialect, count: number, options: object = {}) {
  const store = new GatedStore();
  const central = await TestCentral.open({
    agencies: [1],
    store,
    dialects: [spoken.dialect],
    ...options,
  });
  store.tellOfAnother(finishedBy(1));
  store.tellOfAnother(drawnBy('00'.repeat(32), documentsOf(count)));
  return central;
}

/** All bytes from the server until it ends the connection, or the first `length`. */
async function readAll(socket: Socket, length: number, pauseMs: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    received += chunk.length;
    if (received >= length && length > 0) break;
    if (pauseMs > 0) await delay(pauseMs);
  }
  return Buffer.concat(chunks);
}

describe.each(SPOKEN)('a list of winners in $name', { timeout: 60_000 }, spoken => {
  test.each([5_400, 5_500, 16_000, 70_000])(
    'of %i documents arrives whole, or is refused when it cannot be encoded',
    async count => {
      const central = await drawnCentral(spoken, count);
      const socket = await connectRaw(central.port);
      socket.write(questionOf(spoken));
      const expected = LISTS[spoken.name]!(documentsOf(count));
      if (expected === undefined) {
        socket.end();
        const refused = await readAll(socket, 0, 0);
        expect(refused.length).toBeLessThan(200);
        expect(central.refusalCodes).toEqual(['malformed']);
        return;
      }
      const received = await readAll(socket, spoken.connectionPerQuestion ? 0 : expected.length, 0);
      expect([received.length, digest(received)]).toEqual([expected.length, digest(expected)]);
      expect(central.of('connection-cut')).toEqual([]);
    },
  );

  test('arrives whole at a slow reader, after back-pressure', async () => {
    // Exceeds the kernel's buffers of both sides, where the dialect can encode this many.
    const most = { 'push-codes': 16_000, 'op-codes': 65_000, tp0: 600_000 };
    const count = most[spoken.name as keyof typeof most] ?? 400_000;
    const central = await drawnCentral(spoken, count);
    const socket = await connectRaw(central.port);
    socket.pause();
    socket.write(questionOf(spoken));
    const expected = LISTS[spoken.name]!(documentsOf(count))!;
    await until(() => central.sockets[0]!.bytesWritten > 0, 'the beginning of the list');
    if (count > 65_000) await until(() => central.sockets[0]!.writableLength > 0, 'a full socket');
    const received = await readAll(socket, spoken.connectionPerQuestion ? 0 : expected.length, 1);
    expect([received.length, digest(received)]).toEqual([expected.length, digest(expected)]);
  });

  test('arrives whole over TLS', async () => {
    const { ca, server } = await signed();
    const tls = { identity: server, clientAuthority: undefined };
    const central = await drawnCentral(spoken, 16_000, { tls });
    const socket = connectTls({ port: central.port, host: '127.0.0.1', ca });
    onTestFinished(() => void socket.destroy());
    socket.write(questionOf(spoken));
    const expected = LISTS[spoken.name]!(documentsOf(16_000))!;
    const received = await readAll(socket, spoken.connectionPerQuestion ? 0 : expected.length, 1);
    expect([received.length, digest(received)]).toEqual([expected.length, digest(expected)]);
  });
});
