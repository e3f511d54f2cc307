import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { WireError } from '../../src/wire/refusal.ts';
import {
  encodeBare,
  encodeFrame,
  type Frame,
  FrameDecoder,
  writeHeader,
} from '../../src/wire/typed-frames.ts';
import { cutAt, everyCut, places } from '../lottery/cuts.ts';
import { decodePieces, frameOf, streams } from './streams.ts';

const LIMIT = 100;

const newDecoder = (): FrameDecoder =>
  new FrameDecoder([
    { name: 'DATA', payloadBytesMax: LIMIT },
    { name: 'ID', payloadBytesMax: 0 },
    { name: 'END' },
    { name: 'PING' },
  ]);

/** A frame as something to compare, with a payload that the decoder cannot change any more. */
const plain = ({ name, payload }: Frame): [string, string] => [name, Buffer.from(payload).toString('hex')];

/** The refusal of a stream that no decoder takes. */
function refusalOf(decoder: FrameDecoder): { code: string; detail: string } {
  try {
    decoder.next();
  } catch (error) {
    if (error instanceof WireError) return error.refusal;
    throw error;
  }
  throw new Error('the stream was not refused');
}

describe('encoding', () => {
  test('a frame without payload is its type, padded with NUL to four bytes', () => {
    expect(Buffer.from(encodeBare('PING')).toString('hex')).toBe('50494e47');
    expect(Buffer.from(encodeBare('END')).toString('hex')).toBe('454e4400');
    expect(Buffer.from(encodeBare('OK')).toString('hex')).toBe('4f4b0000');
  });

  test('a frame with payload has the big-endian length between type and payload', () => {
    expect(Buffer.from(encodeFrame('DATA', Buffer.from('ab'))).toString('hex')).toBe(
      '44415441 00000002 6162'.replaceAll(' ', ''),
    );
    expect(Buffer.from(encodeFrame('ID', new Uint8Array(0))).toString('hex')).toBe('4944000000000000');
    expect(Buffer.from(encodeFrame('DATA', new Uint8Array(0x010203)).subarray(0, 8)).toString('hex')).toBe(
      '4441544100010203',
    );
  });

  test('a header is written at the start of a view, wherever that lies in its buffer', () => {
    const buffer = Buffer.alloc(14, 0x23);
    writeHeader(buffer.subarray(3, 12), 'BET', 0xfffefdfc);
    expect(buffer.toString('hex')).toBe('232323 42455400 fffefdfc 232323'.replaceAll(' ', ''));
  });

  test.prop([fc.uint8Array({ maxLength: 300 })])('a frame is header and payload', payload => {
    expect(Buffer.from(encodeFrame('DATA', payload)).equals(frameOf('DATA', payload))).toBe(true);
  });
});

describe('decoding', () => {
  const item = fc.oneof(
    fc.tuple(fc.constant('DATA'), fc.uint8Array({ maxLength: LIMIT })),
    fc.tuple(fc.constant('ID'), fc.constant(new Uint8Array(0))),
    fc.tuple(fc.constantFrom('END', 'PING'), fc.constant(undefined)),
  );

  test.prop(
    [streams<[string, Uint8Array | undefined]>(item, ([type, payload]) => frameOf(type, payload), places)],
    {
      numRuns: 1000,
    },
  )('gives the frames of a stream however it is cut', ({ items, pieces }) => {
    const decoder = newDecoder();
    const expected = items.map(([type, payload]) => [type, Buffer.from(payload ?? []).toString('hex')]);
    expect(decodePieces(decoder, pieces, plain)).toEqual(expected);
    expect(decoder.pending).toBe(false);
  });

  test('gives the frames of a stream for each place of a cut, and byte by byte', () => {
    const stream = Buffer.concat([
      frameOf('DATA', 'END\0'),
      frameOf('END'),
      frameOf('ID', ''),
      frameOf('DATA', 'ñ|x'),
      frameOf('PING'),
    ]);
    for (const pieces of everyCut(stream)) {
      expect(decodePieces(newDecoder(), pieces, plain)).toEqual([
        ['DATA', '454e4400'],
        ['END', ''],
        ['ID', ''],
        ['DATA', 'c3b17c78'],
        ['PING', ''],
      ]);
    }
  });

  test('asked without new bytes gives nothing and loses nothing', () => {
    const decoder = newDecoder();
    expect(decoder.next()).toBeUndefined();
    for (const byte of frameOf('DATA', 'abc')) {
      expect(decoder.next()).toBeUndefined();
      expect(decoder.next()).toBeUndefined();
      decoder.push(Uint8Array.of(byte));
    }
    expect(plain(decoder.next()!)).toEqual(['DATA', '616263']);
    expect(decoder.next()).toBeUndefined();
  });

  test('is pending while the rest of a frame is still to come', () => {
    const decoder = newDecoder();
    expect(decoder.pending).toBe(false);
    decoder.push(Buffer.from('D'));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.pending).toBe(true);
    decoder.push(frameOf('DATA', 'abc').subarray(1));
    decoder.push(frameOf('END').subarray(0, 3));
    expect(decoder.next()?.name).toBe('DATA');
    expect(decoder.pending).toBe(true);
    decoder.push(Uint8Array.of(0));
    expect(decoder.next()?.name).toBe('END');
    expect(decoder.pending).toBe(false);
  });

  test('a type without payload is complete after four bytes; what follows is the next frame', () => {
    const decoder = newDecoder();
    decoder.push(Buffer.concat([frameOf('END'), frameOf('END')]));
    expect(decoder.next()?.name).toBe('END');
    expect(decoder.next()?.name).toBe('END');
    expect(decoder.next()).toBeUndefined();
  });
});

describe('lengths', () => {
  test('up to the limit of the type are taken', () => {
    const decoder = newDecoder();
    decoder.push(frameOf('DATA', 'x'.repeat(LIMIT)));
    expect(decoder.next()?.payload).toHaveLength(LIMIT);
  });

  test.each([
    ['one more than the limit', 'DATA', LIMIT + 1],
    ['one where none is allowed', 'ID', 1],
    ['2^31, which is negative when it is read as signed', 'DATA', 0x80000000],
    ['the largest there is', 'DATA', 0xffffffff],
  ])('are refused before any byte of the payload is there: %s', (_, type, length) => {
    const header = Buffer.alloc(8);
    header.write(type, 'latin1');
    header.writeUInt32BE(length, 4);
    const decoder = newDecoder();
    decoder.push(frameOf('END'));
    decoder.push(header.subarray(0, 7));
    expect(decoder.next()?.name).toBe('END');
    expect(decoder.next()).toBeUndefined();
    decoder.push(header.subarray(7));
    const { code, detail } = refusalOf(decoder);
    expect(code).toBe('payload-too-large');
    expect(detail).toContain(type);
    expect(detail).toContain(String(length));
    expect(detail).not.toContain('-');
  });

  test.prop([fc.integer({ min: LIMIT + 1, max: 0xffffffff })])(
    'beyond the limit are refused, whatever they are',
    length => {
      const header = frameOf('DATA', '');
      header.writeUInt32BE(length, 4);
      const decoder = newDecoder();
      decoder.push(header);
      expect(refusalOf(decoder).code).toBe('payload-too-large');
    },
  );
});

describe('types', () => {
  test.each([
    ['of another word', 'HOLA'],
    ['in small letters', 'data'],
    ['padded with a space', 'END '],
    ['padded on the left', '\0END'],
    ['without its padding', 'ENDE'],
    ['of four NUL', '\0\0\0\0'],
    ['of bytes that are no letters', '\xff\xff\xff\xff'],
    ['of another protocol', 'GET '],
  ])('%s are refused when their fourth byte is there, after the frames before them', (_, type) => {
    const decoder = newDecoder();
    const bytes = Buffer.from(type, 'latin1');
    decoder.push(Buffer.concat([frameOf('DATA', 'x'), bytes.subarray(0, 3)]));
    expect(decoder.next()?.name).toBe('DATA');
    expect(decoder.next()).toBeUndefined();
    decoder.push(bytes.subarray(3));
    const { code, detail } = refusalOf(decoder);
    expect(code).toBe('unknown-message');
    expect(detail).toContain(bytes.toString('hex'));
  });

  const type = fc.oneof(
    fc.constantFrom('DATA', 'ID\0\0', 'END\0', 'PING').map((name): Uint8Array => Buffer.from(name)),
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
  );

  test.prop([type, fc.uint8Array({ maxLength: 40 }), places], { numRuns: 2000 })(
    'of random bytes are refused, and whatever follows a known type is a frame, waited for or refused',
    (head, rest, cuts) => {
      const stream = Buffer.concat([head, rest]);
      let outcome: string;
      try {
        outcome = decodePieces(newDecoder(), cutAt(stream, cuts), frame => frame.name).join(' ');
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        outcome = error.refusal.code;
      }
      const isKnown = ['DATA', 'ID\0\0', 'END\0', 'PING'].includes(Buffer.from(head).toString('latin1'));
      if (isKnown)
        expect(outcome).toMatch(/^(?:unknown-message|payload-too-large|(?:(?:DATA|ID|END|PING) ?)*)$/);
      else expect(outcome).toBe('unknown-message');
    },
  );
});
