import { describe, expect, test } from 'vitest';
import type { LinkEvent } from '../../src/check/proxy-control.ts';
import { focusOn, occurrences, upTurnsOf } from '../../src/check/timeline.ts';

const said = (direction: 'up' | 'down', text: string, connection = 1): LinkEvent => ({
  kind: 'data',
  atMs: 0,
  connection,
  client: 1,
  direction,
  bytes: Buffer.from(text),
});

const opened = (connection: number): LinkEvent => ({
  kind: 'open',
  atMs: 0,
  connection,
  client: 1,
});

describe('upTurnsOf', () => {
  test('joins the data between two answers, per connection', () => {
    const events = [
      opened(1),
      said('up', 'abc'),
      said('up', 'de'),
      opened(2),
      said('up', 'other', 2),
      said('down', 'ok'),
      said('up', 'f'),
    ];
    expect(upTurnsOf(events, 1).map(({ byteCount }) => byteCount)).toEqual([5, 1, 5]);
  });
});

describe('occurrences', () => {
  const events = [
    opened(1),
    said('down', 'xx1234'),
    said('up', '12345678'),
    said('down', '5678yy'),
  ];

  test('finds bytes across two chunks in one direction', () => {
    const found = occurrences(events, { client: 1, direction: 'down' }, Buffer.from('12345678'));
    expect(found).toEqual([{ client: 1, connection: 1, event: events[1], offset: 2 }]);
  });

  test('finds nothing of another client', () => {
    expect(occurrences(events, { client: 2, direction: 'down' }, Buffer.from('12345678'))).toEqual(
      [],
    );
  });
});

describe('focusOn', () => {
  test('shows the place as text and bytes, and counts omitted entries', () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      said('up', `message ${index} `.repeat(9)),
    );
    const note = { es: 'acá', en: 'here' };
    const { entries } = focusOn(many, { title: note, event: many[20]!, offset: 50, note });
    expect(entries.length).toBe(14);
    expect(entries[0]).toMatchObject({ kind: 'omitted', entryCount: 14 });
    expect(entries.at(-1)).toMatchObject({ kind: 'omitted', entryCount: 4 });
    const focus = entries.find(entry => entry.note !== undefined)!;
    expect(focus).toMatchObject({ byteCount: 99, shownFrom: 42, note });
    expect(Buffer.from(focus.hex!.replaceAll(' ', ''), 'hex').toString()).toBe(focus.text);
  });

  test('keeps a two-byte letter and prints a dot for any other byte', () => {
    const event: LinkEvent = { ...said('down', ''), bytes: Buffer.from('00c391ff0a31', 'hex') };
    const { entries } = focusOn([event], {
      title: { es: '', en: '' },
      event,
      note: { es: '', en: '' },
    });
    expect(entries[0]).toMatchObject({ text: '·Ñ··1', hex: '00 c3 91 ff 0a 31' });
  });
});
