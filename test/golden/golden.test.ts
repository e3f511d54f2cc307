import { describe, expect, test } from 'vitest';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import type { Dialect, ResumableCodec } from '../../src/wire/dialect.ts';
import { createBaseDialect } from '../../src/wire/dialects/base.ts';
import { createCheckWinDialect } from '../../src/wire/dialects/check-win.ts';
import { createCsvFramesDialect } from '../../src/wire/dialects/csv-frames.ts';
import { createOpCodesDialect } from '../../src/wire/dialects/op-codes.ts';
import { createPushCodesDialect } from '../../src/wire/dialects/push-codes.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import type { ServerMessage } from '../../src/wire/message.ts';
import { REFUSAL_CODES } from '../../src/wire/refusal.ts';
import { rowOf } from '../lottery/bets.ts';
import { BASE } from './base.ts';
import { CHECK_WIN } from './check-win.ts';
import { CSV_FRAMES } from './csv-frames.ts';
import { type GoldenBet, type GoldenMessage, hexOf } from './golden.ts';
import { OP_CODES } from './op-codes.ts';
import { PUSH_CODES } from './push-codes.ts';
import { RESUMABLE, WELC_OLD } from './resumable.ts';

/** Both halves of every dialect against its table of golden bytes. */

const resumable = createResumableDialect(new PlainBetReader());
const HELO = bytesOf(RESUMABLE[0]!);

/**
 * `before`: the first bytes to the central, which identify the agency or announce the extension.
 */
const TABLES: readonly {
  dialect: Dialect;
  table: readonly GoldenMessage[];
  before?: Uint8Array;
}[] = [
  { dialect: createBaseDialect(new PlainBetReader()), table: BASE },
  { dialect: resumable, table: RESUMABLE, before: HELO },
  { dialect: createPushCodesDialect(), table: PUSH_CODES, before: bytesOf(PUSH_CODES[0]!) },
  { dialect: createCheckWinDialect(), table: CHECK_WIN },
  { dialect: createCsvFramesDialect(), table: CSV_FRAMES, before: bytesOf(CSV_FRAMES[0]!) },
  { dialect: createOpCodesDialect(), table: OP_CODES },
];

function bytesOf({ fields }: GoldenMessage): Uint8Array {
  return Buffer.from(hexOf(fields), 'hex');
}

function agencyOf({ meaning }: GoldenMessage): number {
  if ('agency' in meaning) return meaning.agency ?? 1;
  return 'bets' in meaning && Array.isArray(meaning.bets) ? (meaning.bets[0]?.agency ?? 1) : 1;
}

/** The same message, as our agency sends it. */
function sentByAgency(dialect: Dialect, message: GoldenMessage): Uint8Array {
  const { meaning } = message;
  const agency = dialect.agency(DEFAULT_LIMITS, agencyOf(message)) as ResumableCodec;
  const add = (bets: readonly GoldenBet[]): void => {
    for (const { firstName, lastName, document, birthdate, number } of bets) {
      const fields = fieldsOf([firstName, lastName, document, birthdate, number]);
      expect(agency.batch.add(fields)).toBe('added');
    }
  };
  switch (meaning.kind) {
    case 'identify':
      return agency.identify()!;
    case 'bet':
      add(meaning.bets);
      return agency.batch.takeSingle();
    case 'batch':
      add(meaning.bets);
      return agency.batch.take();
    case 'numbered-batch':
      add(meaning.bets);
      return agency.batch.takeNumbered(meaning.seq);
    case 'all-sent':
      return agency.finish();
    case 'ask-winners':
      return agency.askWinners();
    case 'resume':
      return agency.resume(meaning.upload);
    case 'upload-done':
      return agency.uploadDone(meaning.batches, meaning.bets);
    case 'await-winners':
      return agency.awaitWinners(meaning.acta!);
    case 'dispute-acta':
      return agency.disputeActa(meaning.acta, meaning.bets, meaning.sha256);
    default:
      return expect.fail(`an agency does not send ${meaning.kind}`);
  }
}

function centralAfter(dialect: Dialect, before: Uint8Array = new Uint8Array()) {
  const central = dialect.central(DEFAULT_LIMITS);
  central.push(before);
  if (before.length > 0) expect(central.next()).toBeDefined();
  return central;
}

/** The same message, as our central sends it. */
function sentByCentral(
  dialect: Dialect,
  { meaning }: GoldenMessage,
  before?: Uint8Array,
): Uint8Array {
  const central = centralAfter(dialect, before);
  const reply =
    meaning.kind === 'refused'
      ? {
          kind: 'refused',
          refusal: { code: meaning.code ?? 'invalid-bet', detail: meaning.texts[0] ?? '' },
        }
      : meaning.kind === 'accepted'
        ? { kind: 'accepted', bets: meaning.bets ?? 1 }
        : meaning;
  const to = meaning.kind === 'winners' || meaning.kind === 'not-drawn' ? 'ask-winners' : 'batch';
  return Buffer.concat(central.encode(reply as ServerMessage, to));
}

/** The message that the central must decode, with rows instead of a payload. */
function expectedOfCentral(dialect: Dialect, message: GoldenMessage): object[] {
  const { meaning } = message;
  const namesAgency = ['check-win', 'op-codes'].includes(dialect.name);
  const speaker = namesAgency ? { agency: agencyOf(message) } : {};
  if (meaning.kind === 'all-sent') {
    const finish = { kind: 'finish', ...speaker };
    return dialect.conversation.winners === 'sent' ? [finish, { kind: 'await-winners' }] : [finish];
  }
  if (!('bets' in meaning) || !Array.isArray(meaning.bets)) return [meaning];
  const { kind } = meaning;
  const bets = meaning.bets as readonly GoldenBet[];
  if (bets.length === 0 && namesAgency) {
    return [{ kind: 'empty-batch', ...(dialect.name === 'check-win' ? speaker : {}) }];
  }
  const agency = agencyOf(message);
  const rows = bets.map(bet => rowOf({ ...bet, agency, number: Number(bet.number) })).join('');
  const seq = meaning.kind === 'numbered-batch' ? { seq: meaning.seq } : {};
  return [{ kind, ...speaker, ...seq, count: bets.length, rows }];
}

function decodedByCentral(dialect: Dialect, message: GoldenMessage, before?: Uint8Array): object[] {
  const isFirst = ['identify', 'resume'].includes(message.meaning.kind);
  const central = centralAfter(dialect, isFirst ? undefined : before);
  central.push(bytesOf(message));
  const decoded: object[] = [];
  for (let next = central.next(); next !== undefined; next = central.next()) {
    if (!('payload' in next)) {
      decoded.push(next);
      continue;
    }
    const { payload: _, ...rest } = next;
    const batch = central.readBets(next, agencyOf(message));
    if (!('rows' in batch)) return expect.fail(`refused for ${batch.reason}`);
    decoded.push({ ...rest, count: batch.count, rows: Buffer.from(batch.rows).toString() });
  }
  expect(central.pending).toBe(false);
  return decoded;
}

describe.each(TABLES)('$dialect.name', ({ dialect, table, before }) => {
  const isOurs = ({ heardOnly }: GoldenMessage): boolean => heardOnly !== true;

  test.each(table.filter(isOurs))('encodes $name', message => {
    const sent =
      message.from === 'client'
        ? sentByAgency(dialect, message)
        : sentByCentral(dialect, message, before);
    expect(Buffer.from(sent).toString('hex')).toBe(hexOf(message.fields));
  });

  test.each(table)('decodes $name', message => {
    if (message.from === 'client') {
      const decoded = decodedByCentral(dialect, message, before);
      expect(decoded).toEqual(expectedOfCentral(dialect, message));
      return;
    }
    const meaning: Record<string, unknown> = { ...message.meaning };
    // The text after a code is not fixed.
    if (meaning['kind'] !== 'acta') delete meaning['text'];
    const agency = dialect.agency(DEFAULT_LIMITS, 1);
    agency.push(bytesOf(message));
    expect(agency.next()).toEqual(message.heard ?? meaning);
    expect([agency.next(), agency.pending]).toEqual([undefined, false]);
  });
});

describe('resumable', () => {
  test('WELC to an older agency has no refused bets', () => {
    const welcome = { kind: 'welcome', next: 1, window: 64, payloadBytesMax: 8184 } as const;
    const frames = centralAfter(resumable, HELO).encode(welcome);
    expect(Buffer.concat(frames).toString('hex')).toBe(hexOf(WELC_OLD));
  });

  test('every refusal code has golden bytes', () => {
    const codes = RESUMABLE.flatMap(({ meaning }) => ('code' in meaning ? [meaning.code] : []));
    expect(codes).toEqual(REFUSAL_CODES);
  });

  test('encodes and decodes base messages as the base protocol does', () => {
    for (const message of BASE.filter(({ from, heardOnly }) => from === 'client' && !heardOnly)) {
      const sent = Buffer.from(sentByAgency(resumable, message));
      expect(sent.toString('hex')).toBe(hexOf(message.fields));
      const decoded = decodedByCentral(resumable, message);
      expect(decoded).toEqual(expectedOfCentral(resumable, message));
    }
  });
});

test.each(TABLES)('$dialect.name encodes winners into frames of one write each', ({ dialect }) => {
  const winners = { kind: 'winners', documents: ['30904465', '30876370'] } as const;
  const frames = dialect.central(DEFAULT_LIMITS).encode(winners, 'ask-winners');
  const counts: Readonly<Record<string, number>> = { 'csv-frames': 3, 'op-codes': 2 };
  expect(frames).toHaveLength(counts[dialect.name] ?? 1);
});
