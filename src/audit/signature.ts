import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { constants, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { reasonOf } from '../files/system-error.ts';
import { sha256Of } from '../lottery/acta.ts';
import type { Lottery } from '../lottery/lottery.ts';

const SIGNATURE_BYTES = 64;

/** The auditor's public key. */
export interface ActaKey {
  readonly key: KeyObject;
  /**
   * SHA-256 of the key in DER form, in hex: `openssl pkey -pubin -in KEY -outform DER | sha256sum`.
   */
  readonly fingerprint: string;
}

/**
 * @param path an Ed25519 public key in PEM
 * @throws Error that names the file when it holds none
 */
export function readActaKey(path: string): ActaKey {
  let key: KeyObject;
  let pem: string;
  try {
    pem = readFileSync(path, 'latin1');
  } catch (error) {
    throw new Error(`${path} cannot be read, ${reasonOf(error)}`, { cause: error });
  }
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw new Error(`${path} holds no public key in PEM`, { cause: error });
  }
  if (pem.includes('PRIVATE KEY'))
    throw new Error(
      `${path} is a private key, which never leaves the auditor; openssl pkey -pubout makes the public one`,
    );
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(`${path} is a key of type ${key.asymmetricKeyType}, Ed25519 is needed`);
  const der = key.export({ type: 'spki', format: 'der' });
  return { key, fingerprint: createHash('sha256').update(der).digest('hex') };
}

/** Verifies an Ed25519 signature (RFC 8032); undefined when it is valid. */
export function faultOfSignature(
  text: string,
  signature: Uint8Array,
  { key, fingerprint }: ActaKey,
): string | undefined {
  if (signature.length !== SIGNATURE_BYTES) return faultOfLength(signature.length);
  if (verify(null, Buffer.from(text), key, signature)) return undefined;
  return `it is no signature of the acta with SHA-256 ${sha256Of(text)} by the key ${fingerprint}`;
}

/** The file for the signature of the acta in force. */
export class SignatureFile {
  readonly file: string;
  readonly #key: ActaKey;
  /** The last fault, which is reported once. */
  #reported: string | undefined;

  constructor(file: string, key: ActaKey) {
    this.file = file;
    this.#key = key;
  }

  /** Verifies the file. Gives each `error` once. */
  async check({ acta, withdrawnActas }: Lottery): Promise<{ isValid: boolean; error?: string }> {
    const signature = await readSignature(this.file);
    if (acta === undefined || signature === undefined) return { isValid: false };
    let fault =
      typeof signature === 'string' ? signature : faultOfSignature(acta.text, signature, this.#key);
    if (fault === undefined) return { isValid: true };
    const withdrawn =
      typeof signature !== 'string' &&
      withdrawnActas.find(({ text }) => faultOfSignature(text, signature, this.#key) === undefined);
    if (withdrawn)
      fault = `it is one of acta ${withdrawn.number}, which was withdrawn; acta ${acta.number} is to be signed`;
    if (fault === this.#reported) return { isValid: false };
    this.#reported = fault;
    return { isValid: false, error: fault };
  }
}

/**
 * Reads a signature with at most one byte too many, and only from a regular file.
 *
 * @returns undefined for a missing file; a text for one that cannot be read
 */
export async function readSignature(path: string): Promise<Uint8Array | string | undefined> {
  try {
    // Opening a named pipe for reading blocks until it has a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) return 'it is no regular file';
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(SIGNATURE_BYTES + 1),
        0,
        SIGNATURE_BYTES + 1,
        0,
      );
      if (bytesRead > SIGNATURE_BYTES) return faultOfLength(stats.size);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : `it cannot be read, ${reasonOf(error)}`;
  }
}

function faultOfLength(bytes: number): string {
  return `it has ${bytes} bytes, an Ed25519 signature has ${SIGNATURE_BYTES}`;
}
