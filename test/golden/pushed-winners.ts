import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../src/lottery/bet-rules.ts';
import type { CentralCodec, Dialect } from '../../src/wire/dialect.ts';
import { DEFAULT_LIMITS } from '../../src/wire/limits.ts';
import { type GoldenBet, type GoldenMessage, hexOf } from './golden.ts';

/**
 * Holds a dialect against its table, both ways: what each side says and what it hears. For dialects in which an agency says once
 * who it is, is answered batch by batch, and is sent its winners without asking.
 */

const REFUSAL = { code: 'invalid-bet', detail: 'bet 0, document, not-digits' } as const;

const hex = (...frames: readonly Uint8Array[]): string => Buffer.concat(frames).toString('hex');
const bytesOf = ({ fields }: GoldenMessage): Uint8Array => Buffer.from(hexOf(fields), 'hex');
const textsOf = (bet: GoldenBet): string[] => [
  bet.firstName,
  bet.lastName,
  bet.document,
  bet.birthdate,
  bet.number,
];

/** What one of our codecs says that means the same, as hex. */
function saidBy(dialect: Dialect, { meaning }: GoldenMessage): string {
  const central = dialect.central(DEFAULT_LIMITS);
  const agency = dialect.agency(DEFAULT_LIMITS, meaning.kind === 'identify' ? meaning.agency : 1);
  switch (meaning.kind) {
    case 'identify':
      return hex(agency.identify()!);
    case 'batch':
      for (const bet of meaning.bets) expect(agency.batch.add(fieldsOf(textsOf(bet)))).toBe('added');
      return hex(agency.batch.take());
    case 'all-sent':
      return hex(agency.finish());
    case 'accepted':
      return hex(...central.encode({ kind: 'accepted', bets: 1 }, 'batch'));
    case 'refused':
      return hex(...central.encode({ kind: 'refused', refusal: REFUSAL }, 'batch'));
    case 'winners':
      return hex(...central.encode(meaning, 'await-winners'));
    default:
      return expect.fail(`the dialect has no ${meaning.kind}`);
  }
}

/** What the central makes of a message: rows of bets, and anything else as it is. */
function heardByCentral(central: CentralCodec): unknown[] {
  const heard: unknown[] = [];
  for (let message = central.next(); message !== undefined; message = central.next()) {
    if (!('payload' in message)) {
      heard.push(message);
      continue;
    }
    const batch = central.readBets(message, 5);
    if (!('rows' in batch)) return expect.fail(`refused for ${batch.reason}`);
    heard.push({ kind: message.kind, ...batch, rows: Buffer.from(batch.rows).toString() });
  }
  return heard;
}

function meantForCentral({ meaning }: GoldenMessage): unknown[] {
  switch (meaning.kind) {
    case 'identify':
      return [meaning];
    case 'batch': {
      const rows = meaning.bets.map(bet => `5,${textsOf(bet).join(',')}\r\n`).join('');
      return [{ kind: 'batch', agency: 5, count: meaning.bets.length, rows }];
    }
    case 'all-sent':
      return [{ kind: 'finish' }, { kind: 'await-winners' }];
    default:
      return expect.fail(`an agency does not say ${meaning.kind}`);
  }
}

function meantForAgency({ meaning }: GoldenMessage): unknown {
  return meaning.kind === 'winners' ? meaning : { kind: meaning.kind };
}

/** @param hello the message with which agency 1 says who it is */
export function describeTable(dialect: Dialect, table: readonly GoldenMessage[], hello: GoldenMessage): void {
  const fromClient = table.filter(({ from }) => from === 'client');
  const fromServer = table.filter(({ from }) => from === 'server');

  test.each(table)('our side of it says: $name', message => {
    expect(saidBy(dialect, message)).toBe(hexOf(message.fields));
  });

  describe('the central hears', () => {
    test.each(fromClient)('$name', message => {
      const central = dialect.central(DEFAULT_LIMITS);
      const isFirst = message.meaning.kind === 'identify';
      if (!isFirst) {
        central.push(bytesOf(hello));
        expect(central.next()).toEqual({ kind: 'identify', agency: 1 });
      }
      central.push(bytesOf(message));
      expect(heardByCentral(central)).toEqual(meantForCentral(message));
      expect(central.pending).toBe(false);
    });
  });

  describe('the agency hears', () => {
    test.each(fromServer)('$name', message => {
      const agency = dialect.agency(DEFAULT_LIMITS, 1);
      agency.push(bytesOf(message));
      expect(agency.next()).toEqual(meantForAgency(message));
      expect(agency.next()).toBeUndefined();
      expect(agency.pending).toBe(false);
    });
  });
}
