import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IdentityFiles, NamedFile } from '../config/tls-files.ts';

/** A file of certificates or of a key cannot be used. The message names the key of the configuration and the file. */
export class CredentialsError extends Error {
  constructor({ key, path }: NamedFile, why: string, cause?: unknown) {
    super(`${key} is ${path}, ${why}`, { cause });
    this.name = 'CredentialsError';
  }
}

/** A certificate, those that lead from it to who signed it, and its key; all in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** Whom it names, and until when. */
  readonly subject: string;
  readonly validTo: Date;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads a certificate with its key, and makes sure of what would otherwise be found out by the first peer.
 *
 * @throws CredentialsError when a file cannot be read, is not PEM, or the two do not belong together
 */
export function readIdentity({ certificate, privateKey }: IdentityFiles): Identity {
  const cert = readText(certificate);
  const key = readText(privateKey);
  const [own] = parseCertificates(cert, certificate);
  if (!own!.checkPrivateKey(parseKey(key, privateKey))) {
    const other = `${certificate.key}, ${certificate.path}`;
    throw new CredentialsError(privateKey, `which is not the key of the certificate in ${other}`);
  }
  return { cert, key, subject: own!.subject.replaceAll('\n', ', '), validTo: new Date(own!.validTo) };
}

/**
 * Reads the certificates of those whose signature is trusted, in PEM.
 *
 * @throws CredentialsError when the file cannot be read or holds none
 */
export function readAuthority(file: NamedFile): string {
  const text = readText(file);
  parseCertificates(text, file);
  return text;
}

function readText(file: NamedFile): string {
  try {
    return readFileSync(file.path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CredentialsError(file, `which cannot be read (${code})`, error);
  }
}

/** One at least. */
function parseCertificates(text: string, file: NamedFile): X509Certificate[] {
  const blocks = text.match(CERTIFICATE);
  if (blocks === null) throw new CredentialsError(file, 'which holds no certificate in PEM');
  try {
    return blocks.map(block => new X509Certificate(block));
  } catch (error) {
    throw new CredentialsError(file, 'which holds a damaged certificate', error);
  }
}

function parseKey(text: string, file: NamedFile): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const encrypted = /ENCRYPTED/.test(text);
    const why = encrypted
      ? 'which is encrypted; a key without passphrase is needed'
      : 'which holds no key in PEM';
    throw new CredentialsError(file, why, error);
  }
}
