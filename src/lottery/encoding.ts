import { StringDecoder } from 'node:string_decoder';

/** Encodings that an agency's file may have. */
export const ENCODINGS = ['utf-8', 'windows-1252', 'utf-16le'] as const;

export type Encoding = (typeof ENCODINGS)[number];

/**
 * What Windows-1252 has in place of the control characters 80 to 9F; five of them it leaves as they
 * are.
 */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Turns the chunks of a file into UTF-8. */
export function toUtf8(encoding: Encoding): (bytes: Buffer) => Buffer {
  if (encoding === 'utf-8') return bytes => bytes;
  const decoder = new StringDecoder(encoding === 'utf-16le' ? 'utf16le' : 'latin1');
  return bytes => {
    const text = decoder.write(bytes);
    if (encoding === 'utf-16le') return Buffer.from(text);
    return Buffer.from(
      text.replace(/[\x80-\x9f]/g, code => WINDOWS_1252[code.charCodeAt(0) - 0x80]!),
    );
  };
}

/** Turns UTF-8 back, for lines that are returned unchanged. */
export function fromUtf8(encoding: Encoding, bytes: Buffer): Buffer {
  if (encoding === 'utf-8') return bytes;
  const text = bytes.toString('utf8');
  if (encoding === 'utf-16le') return Buffer.from(text, 'utf16le');
  const byteOf = (sign: string): string => String.fromCharCode(0x80 + WINDOWS_1252.indexOf(sign));
  return Buffer.from(text.replace(/[^\0-\xff]/g, byteOf), 'latin1');
}
