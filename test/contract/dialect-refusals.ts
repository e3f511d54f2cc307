import { describe, expect, test } from 'vitest';
import { LORCA, NANDU } from '../golden/golden.ts';
import type { TestCentral } from '../support/test-central.ts';
import { connected, openFor, rowOf, SECOND, sendPieces } from './conversation.ts';
import type { Lie, RawBet, SpokenDialect } from './spoken-dialect.ts';

interface Defect {
  readonly what: string;
  readonly bet: Partial<RawBet>;
  readonly detail: string;
}

/** Bets with one fault each that the dialect can encode. */
export function defectsOf({
  numberMax,
  documentIsText,
}: Pick<SpokenDialect, 'numberMax' | 'documentIsText'>): Defect[] {
  const notUtf8 = Buffer.from('416eff61', 'hex');
  const cutLetter = Buffer.from('50c3', 'hex');
  const tooLong = { document: '12345678901' };
  return [
    {
      what: 'a first name that is not UTF-8',
      bet: { firstName: notUtf8 },
      detail: 'first_name, not-utf-8',
    },
    {
      what: 'a last name cut within a letter',
      bet: { lastName: cutLetter },
      detail: 'last_name, not-utf-8',
    },
    { what: 'an empty name', bet: { firstName: '' }, detail: 'first_name, empty' },
    {
      what: 'a line end in a name',
      bet: { lastName: 'a\nb' },
      detail: 'last_name, control-character',
    },
    {
      what: 'a nonexistent day',
      bet: { birthdate: '2001-02-29' },
      detail: 'birthdate, not-a-date',
    },
    {
      what: 'a nonexistent month',
      bet: { birthdate: '2001-13-01' },
      detail: 'birthdate, not-a-date',
    },
    { what: 'a malformed date', bet: { birthdate: '29.02.2000' }, detail: 'birthdate, not-a-date' },
    { what: 'a number beyond 9999', bet: { number: '10000' }, detail: 'number, out-of-range' },
    {
      what: 'the largest number that can be encoded',
      bet: { number: numberMax },
      detail: 'number, out-of-range',
    },
    ...(documentIsText
      ? [
          { what: 'a document of eleven digits', bet: tooLong, detail: 'document, too-long' },
          {
            what: 'a non-numeric document',
            bet: { document: '3e7' },
            detail: 'document, not-digits',
          },
        ]
      : []),
  ];
}

/** Refusals of the central in a dialect: reply, log, and isolation of other agencies. */
export function describeRefusals(spoken: SpokenDialect): void {
  describeDefects(spoken);
  describeEndOfBets(spoken);
}

function describeDefects(spoken: SpokenDialect): void {
  const { survivesRefusedBatch } = spoken;
  const bystands = Buffer.concat([spoken.hello(2), spoken.batch(2, NANDU)]);

  /**
   * While agency 2 is in the middle of a batch, agency 1 stores one, sends the given bytes, and
   * then a valid batch.
   */
  async function converse(said: Buffer) {
    const { central, store } = await openFor(spoken);
    const bystander = await connected(central);
    await sendPieces(central, bystander, [bystands.subarray(0, bystands.length - 3)]);
    const peer = await connected(central);
    peer.send(
      Buffer.concat([
        spoken.hello(1),
        spoken.batch(1, LORCA),
        said,
        spoken.batch(1, { ...LORCA, number: '1' }),
      ]),
    );
    const first = spoken.accepted(1);
    expect(await peer.receive(first.length)).toBe(first.toString('hex'));
    const expectUndisturbed = async (): Promise<void> => {
      bystander.send(bystands.subarray(bystands.length - 3));
      expect(await bystander.receive(first.length)).toBe(first.toString('hex'));
    };
    return { central, store, peer, expectUndisturbed };
  }

  const refusalOf = (code: string, detail: string) => [
    { event: 'message-refused', ip: '127.0.0.1', agency: 1, refusal: { code, detail } },
  ];

  const rowOfOther = rowOf(NANDU).replace('1,', '2,');

  describe('a batch with an invalid second bet', () => {
    test.each(defectsOf(spoken).slice(0, 1))(
      '($what) is refused as a whole',
      async ({ bet, detail }) => {
        const said = spoken.batch(1, SECOND, { ...LORCA, ...bet });
        const { central, store, peer, expectUndisturbed } = await converse(said);
        const answers = [
          spoken.refused(`bet 1, ${detail}`),
          ...(survivesRefusedBatch ? [spoken.accepted(1)] : []),
        ];
        const answer = Buffer.concat(answers);
        expect(await peer.receive(answer.length)).toBe(answer.toString('hex'));
        if (survivesRefusedBatch) {
          expect(peer.ended).toBe(false);
          peer.end();
        }
        expect(await peer.rest()).toBe('');
        expect(central.of('bets-refused')).toEqual([
          { event: 'bets-refused', agency: 1, single: false, count: 2 },
        ]);
        expect(central.of('message-refused')).toEqual(refusalOf('invalid-bet', `bet 1, ${detail}`));
        await expectUndisturbed();
        const after = survivesRefusedBatch ? rowOf({ ...LORCA, number: '1' }) : '';
        expect(store.rows).toBe(rowOf(LORCA) + after + rowOfOther);
      },
    );
  });

  async function expectRefused({ bytes, code, detail, before, unanswered }: Lie): Promise<void> {
    const { central, store, peer, expectUndisturbed } = await converse(bytes);
    const last = unanswered === true ? '' : spoken.refused(detail).toString('hex');
    expect(await peer.rest()).toBe((before?.toString('hex') ?? '') + last);
    expect(central.of('message-refused')).toEqual(refusalOf(code, detail));
    await expectUndisturbed();
    expect(store.rows).toBe(rowOf(LORCA) + rowOfOther);
  }

  describe('a contradictory batch', () => {
    test.each(spoken.lies)('($what) is refused, and the connection closed', expectRefused);
  });

  if (spoken.another.length > 0) {
    test.each(spoken.another)(
      'a connection of one agency cannot send for another ($what)',
      expectRefused,
    );
  }

  test('an unexpected agency is refused', async () => {
    const { central, store } = await openFor(spoken);
    const peer = await connected(central);
    peer.send(Buffer.concat([spoken.hello(3), spoken.batch(3, LORCA)]));
    const detail = 'agency 3 is not one of the expected agencies';
    // Where the first byte identifies the agency, an answer to it would be taken for that to the
    // batch: there is none.
    const last =
      spoken.hello(3).length > 0 ? spoken.refusedUnknown(detail) : spoken.refused(detail);
    expect(await peer.rest()).toBe(last.toString('hex'));
    expect(central.of('message-refused').map(({ refusal }) => refusal)).toEqual([
      { code: 'unauthorized', detail },
    ]);
    expect(store.rows).toBe('');
  });
}

function describeEndOfBets(spoken: SpokenDialect): void {
  const detail =
    'the agency has finished, its bets are closed; until the draw \'loteria agency reopen 1 --reason "…"\' lets it go on';

  function expectLogged(central: TestCentral): void {
    expect(central.of('bets-refused')).toEqual([
      { event: 'bets-refused', agency: 1, single: false, count: 1 },
    ]);
    expect(central.of('message-refused').map(({ refusal }) => refusal)).toEqual([
      { code: 'agency-finished', detail },
    ]);
  }

  describe('a finished agency', () => {
    test('is refused more bets on its connection, which is logged at once', async () => {
      const { central, store } = await openFor(spoken);
      const peer = await connected(central);
      peer.send(
        Buffer.concat([
          spoken.hello(1),
          spoken.batch(1, LORCA),
          spoken.allSent(1),
          spoken.batch(1, NANDU),
        ]),
      );
      const before = Buffer.concat([spoken.accepted(1), spoken.finished]);
      expect(await peer.receive(before.length)).toBe(before.toString('hex'));
      await central.seen('message-refused');
      expectLogged(central);
      const last = spoken.refused(detail).toString('hex');
      if (spoken.winners === 'sent') {
        // It receives its winners first.
        expect(peer.ended).toBe(false);
        await central.central.finish(2);
        expect(await peer.rest()).toBe(
          Buffer.concat(spoken.winnersFrames(LORCA.document)).toString('hex') + last,
        );
      } else {
        expect(await peer.receive(last.length / 2)).toBe(last);
        if (spoken.survivesRefusedBatch) peer.end();
        expect(await peer.rest()).toBe('');
      }
      expect(store.rows).toBe(rowOf(LORCA));
    });

    test('is refused more bets on another connection', async () => {
      const { central, store } = await openFor(spoken);
      const first = await connected(central);
      first.send(Buffer.concat([spoken.hello(1), spoken.allSent(1)]));
      await central.seen('agency-finished');
      const peer = await connected(central);
      peer.send(Buffer.concat([spoken.hello(1), spoken.batch(1, NANDU)]));
      const last = spoken.refused(detail).toString('hex');
      expect(await peer.receive(last.length / 2)).toBe(last);
      if (spoken.survivesRefusedBatch) peer.end();
      expect(await peer.rest()).toBe('');
      expectLogged(central);
      expect(store.rows).toBe('');
    });

    test('may repeat END, and finishes once', async () => {
      const { central, store } = await openFor(spoken);
      for (let turn = 1; turn <= 2; turn += 1) {
        const peer = await connected(central);
        await sendPieces(central, peer, [Buffer.concat([spoken.hello(1), spoken.allSent(1)])]);
        expect(await peer.receive(spoken.finished.length)).toBe(spoken.finished.toString('hex'));
        await central.seen('agency-finished');
      }
      expect(await central.central.finish(2)).toBeUndefined();
      await central.seen('draw-held');
      expect(central.of('agency-finished').map(({ agency }) => agency)).toEqual([1, 2]);
      expect(store.noted).toHaveLength(2);
    });
  });
}
