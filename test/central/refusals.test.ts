import { describe, expect, test } from 'vitest';
import { bet, conn, END, frame, GWIN, nbet, NEND, NOK, OK, row } from '../support/base-frames.ts';
import { GatedStore } from '../support/gated-store.ts';
import { TestCentral } from '../support/test-central.ts';
import { until } from '../support/until.ts';
import type { Peer } from '../support/peer.ts';

/** Asks the one who is at the other end something that changes nothing: is it still served? */
async function expectServed(peer: Peer): Promise<void> {
  peer.send(GWIN);
  expect(await peer.receive(4)).toBe(NEND);
}

interface Case {
  readonly what: string;
  /** What the refused peer sends, in one write. */
  readonly says: readonly Uint8Array[];
  readonly code: string;
  /** A part of the explanation in the log. */
  readonly detail?: string;
  /** Number of bets that the log says were refused; undefined when no bets are the subject. */
  readonly bets?: { readonly single: boolean; readonly count: number };
}

/**
 * While agency 2 is in the middle of an upload, with half a batch on its way, a peer says something
 * that is refused, and goes on with a batch that would be valid.
 */
async function refuseAmongOthers({ says, code, detail, bets }: Case): Promise<void> {
  const store = new GatedStore();
  const central = await TestCentral.open({ agencies: [1, 2], store });
  const bystander = await central.agency(2);
  bystander.send(nbet(bet(201)));
  expect(await bystander.receive(4)).toBe(OK);
  const second = nbet(bet(202), bet(203));
  bystander.send(second.subarray(0, 30));

  const peer = await central.connect();
  peer.send(Buffer.concat([...says, nbet(bet(101))]));
  expect(await peer.rest()).toBe(NOK);

  const refusal = expect.objectContaining({ code, detail: expect.stringContaining(detail ?? '') });
  expect(central.of('message-refused')).toEqual([expect.objectContaining({ refusal })]);
  expect(central.of('bets-refused')).toEqual(
    bets === undefined ? [] : [{ event: 'bets-refused', agency: 1, ...bets }],
  );
  peer.end();
  expect(await central.seen('connection-closed')).toHaveLength(1);

  bystander.send(second.subarray(30));
  expect(await bystander.receive(4)).toBe(OK);
  await expectServed(bystander);
  expect(store.rows).toBe(row(2, 201) + row(2, 202) + row(2, 203));
  expect(store.appended).toHaveLength(2);
}

function describeCases(subject: string, cases: readonly Case[]): void {
  describe(subject, () => {
    test.each(cases)(
      '($what) is refused with NOK, without effect on other connections',
      refuseAmongOthers,
    );
  });
}

describeCases('a message before CONN', [
  { what: 'BET', says: [frame('BET', bet(1).join('|'))], code: 'not-identified' },
  { what: 'NBET', says: [nbet(bet(1))], code: 'not-identified' },
  { what: 'END', says: [END], code: 'not-identified' },
  { what: 'GWIN', says: [GWIN], code: 'not-identified' },
  { what: 'a malformed NBET', says: [frame('NBET', 'x')], code: 'not-identified' },
  { what: 'END before CONN', says: [END, conn(1)], code: 'not-identified' },
]);

describeCases('an invalid CONN', [
  {
    what: 'a second CONN',
    says: [conn(1), conn(1)],
    code: 'malformed',
    detail: 'identified itself already',
  },
  { what: 'a second CONN as another agency', says: [conn(1), conn(2)], code: 'malformed' },
  { what: 'a second CONN without an id', says: [conn(1), frame('CONN', '')], code: 'malformed' },
  { what: 'id 0', says: [conn(0)], code: 'malformed', detail: 'from 1 to 65535' },
  { what: 'id 65536', says: [conn(65_536)], code: 'malformed' },
  { what: "id 'abc'", says: [conn('abc')], code: 'malformed' },
  { what: 'a negative id', says: [conn('-1')], code: 'malformed' },
  { what: 'a fraction as id', says: [conn('1.0')], code: 'malformed' },
  { what: 'an id with a space', says: [conn(' 1')], code: 'malformed' },
  { what: 'an id with a line end', says: [conn('1\n')], code: 'malformed' },
  { what: 'an id in non-ASCII digits', says: [conn('１')], code: 'malformed' },
  { what: 'an empty id', says: [conn('')], code: 'malformed' },
  {
    what: 'an unexpected agency',
    says: [conn(3)],
    code: 'unauthorized',
    detail: 'agency 3',
  },
  { what: 'the largest agency id, unexpected', says: [conn(65_535)], code: 'unauthorized' },
  { what: 'an id of 17 bytes', says: [conn('0'.repeat(16) + 1)], code: 'payload-too-large' },
]);

describeCases('an unknown message type', [
  {
    what: 'as the first message',
    says: [Buffer.from('XXXX')],
    code: 'unknown-message',
    detail: '58585858',
  },
  { what: 'after CONN', says: [conn(1), Buffer.from('XXXX')], code: 'unknown-message' },
  { what: 'HTTP', says: [Buffer.from('GET / HTTP/1.1\r\n\r\n')], code: 'unknown-message' },
  {
    what: 'zero bytes',
    says: [conn(1), Buffer.alloc(4)],
    code: 'unknown-message',
    detail: '00000000',
  },
  {
    what: 'END padded with a space',
    says: [conn(1), Buffer.from('END ')],
    code: 'unknown-message',
  },
  { what: 'lower case', says: [conn(1), Buffer.from('gwin')], code: 'unknown-message' },
  {
    what: 'a server reply',
    says: [conn(1), Buffer.from(OK, 'hex')],
    code: 'unknown-message',
  },
]);

const FIELDS = ['first_name', 'last_name', 'document', 'birthdate', 'number'] as const;

const BAD_FIELDS: readonly (readonly [(typeof FIELDS)[number], string | Uint8Array, string])[] = [
  ['first_name', '', 'empty'],
  ['first_name', 'a'.repeat(256), 'too-long'],
  ['first_name', 'Ana\n', 'control-character'],
  ['first_name', 'Ana\u0085', 'control-character'],
  ['first_name', Buffer.from('416eff61', 'hex'), 'not-utf-8'],
  ['last_name', '', 'empty'],
  ['last_name', 'é'.repeat(128), 'too-long'],
  ['last_name', 'Pé\trez', 'control-character'],
  ['last_name', Buffer.from('c0af', 'hex'), 'not-utf-8'],
  ['last_name', Buffer.from('eda080', 'hex'), 'not-utf-8'],
  ['last_name', Buffer.from('50c3', 'hex'), 'not-utf-8'],
  ['document', '', 'empty'],
  ['document', '30.904.465', 'not-digits'],
  ['document', '-1', 'not-digits'],
  ['document', '12345678901', 'too-long'],
  ['document', Buffer.from('ff', 'hex'), 'not-digits'],
  ['birthdate', '', 'empty'],
  ['birthdate', '17/03/1999', 'not-a-date'],
  ['birthdate', '1999-3-17', 'not-a-date'],
  ['birthdate', '1999-02-29', 'not-a-date'],
  ['birthdate', '1999-13-01', 'not-a-date'],
  ['birthdate', '0000-01-01', 'not-a-date'],
  ['birthdate', Buffer.from('ffffffffffffffffffff', 'hex'), 'not-a-date'],
  ['number', '', 'empty'],
  ['number', '-1', 'not-digits'],
  ['number', '7574.0', 'not-digits'],
  ['number', '10000', 'out-of-range'],
  ['number', '00000000001', 'too-long'],
  ['number', Buffer.from('c3bf', 'hex'), 'not-digits'],
];

/** A valid bet with one field replaced, as the bytes of its five fields. */
function badBet(field: (typeof FIELDS)[number], value: string | Uint8Array): Buffer {
  const fields: (string | Uint8Array)[] = bet(101);
  fields[FIELDS.indexOf(field)] = value;
  const parts = fields.flatMap(part => [Buffer.from('|'), Buffer.from(part)]);
  return Buffer.concat(parts.slice(1));
}

const show = (value: string | Uint8Array): string =>
  JSON.stringify(typeof value === 'string' ? value : Buffer.from(value).toString('hex')).slice(
    0,
    30,
  );

describeCases(
  'an NBET with an invalid second bet',
  BAD_FIELDS.map(([field, value, reason]) => ({
    what: `${field} ${show(value)} is ${reason}`,
    says: [
      conn(1),
      frame('NBET', Buffer.concat([Buffer.from(`2|${bet(100).join('|')}|`), badBet(field, value)])),
    ],
    code: 'invalid-bet',
    detail: `bet 1, ${field}, ${reason}`,
    bets: { single: false, count: 2 },
  })),
);

describeCases(
  'a BET with an invalid field',
  BAD_FIELDS.map(([field, value, reason]) => ({
    what: `${field} ${show(value)} is ${reason}`,
    says: [conn(1), frame('BET', badBet(field, value))],
    code: 'invalid-bet',
    detail: `bet 0, ${field}, ${reason}`,
    bets: { single: true, count: 1 },
  })),
);

const good = bet(101).join('|');

/** The payload of an NBET, the bets it announces, and what is wrong with it. */
const BAD_BATCHES: readonly (readonly [string, string, number, string])[] = [
  ['one bet fewer than announced', `2|${good}`, 2, 'bet 1, batch, too-few-fields'],
  ['a missing field', `1|${bet(1).slice(0, 4).join('|')}`, 1, 'bet 0, batch, too-few-fields'],
  ['no field at all', '1|', 1, 'bet 0, batch, too-few-fields'],
  ['one bet more than announced', `1|${good}|${good}`, 1, 'bet 1, batch, too-many-fields'],
  ['an extra field', `1|${good}|x`, 1, 'bet 1, batch, too-many-fields'],
  ['a bet when none is announced', `0|${good}`, 0, 'bet 0, batch, too-many-fields'],
  ['a trailing delimiter', `1|${good}|`, 1, 'bet 1, batch, too-many-fields'],
  ['a trailing delimiter after an empty batch', '0||', 0, 'too-many-fields'],
  ['no payload', '', 0, 'count-not-a-number'],
  ['no delimiter after the count', '1', 0, 'count-not-a-number'],
  ['an empty count', `|${good}`, 0, 'count-not-a-number'],
  ['a word as count', `one|${good}`, 0, 'count-not-a-number'],
  ['a negative count', `-1|${good}`, 0, 'count-not-a-number'],
  ['a count with a sign', `+1|${good}`, 0, 'count-not-a-number'],
  ['a count with a space', ` 1|${good}`, 0, 'count-not-a-number'],
  ['a fraction as count', `1.0|${good}`, 0, 'count-not-a-number'],
  ['a hexadecimal count', `0x1|${good}`, 0, 'count-not-a-number'],
  ['a count of a hundred digits', `${'9'.repeat(100)}|${good}`, 0, 'count-not-a-number'],
  ['a count larger than any batch', `999999|${good}`, 999_999, 'bet 1, batch, too-few-fields'],
  ['a count in non-ASCII digits', `１|${good}`, 0, 'count-not-a-number'],
];

describeCases(
  'an NBET with a wrong number of fields',
  BAD_BATCHES.map(([what, payload, count, detail]) => ({
    what,
    says: [conn(1), frame('NBET', payload)],
    code: 'invalid-bet',
    detail,
    bets: { single: false, count },
  })),
);

describeCases('a BET with a wrong number of fields', [
  {
    what: 'a missing field',
    says: [conn(1), frame('BET', bet(1).slice(1).join('|'))],
    code: 'invalid-bet',
    detail: 'bet 0, batch, too-few-fields',
    bets: { single: true, count: 1 },
  },
  {
    what: 'an extra field',
    says: [conn(1), frame('BET', `${good}|x`)],
    code: 'invalid-bet',
    detail: 'bet 1, batch, too-many-fields',
    bets: { single: true, count: 1 },
  },
  {
    what: 'no payload',
    says: [conn(1), frame('BET', '')],
    code: 'invalid-bet',
    detail: 'bet 0, batch, too-few-fields',
    bets: { single: true, count: 1 },
  },
]);

describe('a length over the limit', () => {
  const header = (type: string, length: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.write(type, 'latin1');
    bytes.writeUInt32BE(length, 4);
    return bytes;
  };

  test.each([
    ['NBET of 8185', header('NBET', 8185)],
    ['NBET of 0xffffffff', header('NBET', 0xff_ff_ff_ff)],
    ['NBET of 0x80000000', header('NBET', 0x80_00_00_00)],
    ['BET of 8185', header('BET', 8185)],
    ['BET of 0xffffffff', header('BET', 0xff_ff_ff_ff)],
    ['CONN of 17', header('CONN', 17)],
    ['CONN of 0xffffffff', header('CONN', 0xff_ff_ff_ff)],
  ])('(%s) is refused before any byte of the payload', async (what, bytes) => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store });
    const bystander = await central.agency(2);
    const peer = what.startsWith('CONN') ? await central.connect() : await central.agency(1);
    peer.send(bytes);
    expect(await peer.rest()).toBe(NOK);
    const [refused] = central.of('message-refused');
    expect(refused!.refusal.code).toBe('payload-too-large');
    expect(refused!.refusal.detail).toContain(String(bytes.readUInt32BE(4)));
    await expectServed(bystander);
    expect(store.appended).toHaveLength(0);
  });

  test('starts above the longest accepted payload', async () => {
    const store = new GatedStore();
    const central = await TestCentral.open({ store });
    const peer = await central.agency(1);
    // Names are filled up until the payload is as long as it may be.
    const bets = Array.from({ length: 30 }, (_, index) => bet(index));
    let left = 8192 - nbet(...bets).length;
    for (const fields of bets) {
      const more = Math.min(left, 240);
      fields[0] += 'x'.repeat(more);
      left -= more;
    }
    expect(left).toBe(0);
    const frameOfLimit = nbet(...bets);
    expect(frameOfLimit).toHaveLength(8192);
    peer.send(frameOfLimit);
    expect(await peer.receive(4)).toBe(OK);
    await expectServed(peer);
    expect(store.rows.split('\r\n')).toHaveLength(bets.length + 1);
  });
});

test('a refused peer that keeps sending is read without effect until it closes', async () => {
  const store = new GatedStore();
  const central = await TestCentral.open({ store });
  const peer = await central.agency(1);
  peer.send(Buffer.from('XXXX'));
  expect(await peer.rest()).toBe(NOK);
  peer.send(Buffer.concat([nbet(bet(1)), END, GWIN]));
  const [socket] = central.sockets;
  await until(() => socket!.bytesRead > 60, 'the rest being read');
  peer.end();
  await central.seen('connection-closed');
  expect(await peer.rest()).toBe(NOK);
  expect(store.appended).toHaveLength(0);
  expect(central.of('agency-finished')).toEqual([]);
  expect(central.of('message-refused')).toHaveLength(1);
});

test('a refused peer may reconnect at once', async () => {
  const central = await TestCentral.open();
  for (let round = 0; round < 20; round += 1) {
    const peer = await central.agency(1);
    peer.send(frame('NBET', 'x'));
    expect(await peer.rest()).toBe(NOK);
    peer.end();
    await central.seen('connection-closed', round + 1);
  }
  await expectServed(await central.agency(1));
});
