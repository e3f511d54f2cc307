/** Bytes of the dialect push-codes, built by hand. */

export const HELLO = Buffer.of(1);
export const ALL_SENT = Buffer.from('2328', 'hex');

export const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
export const u32 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
export const frameOf = (payload: Uint8Array): Buffer => Buffer.concat([u16(payload.length), payload]);
const nameOf = (text: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
};

export interface Packet {
  readonly firstName: string | Uint8Array;
  readonly lastName: string | Uint8Array;
  readonly birthdate: string;
  readonly document: number;
  readonly number: number;
}

const LORCA: Packet = {
  firstName: 'Santiago Lionel',
  lastName: 'Lorca',
  birthdate: '1999-03-17',
  document: 30_904_465,
  number: 7574,
};

export function packetOf(values: Partial<Packet> = {}): Buffer {
  const { firstName, lastName, birthdate, document, number } = { ...LORCA, ...values };
  return frameOf(
    Buffer.concat([nameOf(firstName), nameOf(lastName), Buffer.from(birthdate), u32(document), u32(number)]),
  );
}
