import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../config/errors.ts';
import type { IdentityFiles, NamedFile, ServerTls } from '../config/tls-files.ts';
import { reasonOf } from '../files/system-error.ts';
import { type FileValidity, validityOf } from './validity.ts';

/** A certificate or key file is unusable. The message names the configuration key and the file. */
export class CredentialsError extends ConfigError {
  constructor({ key, path }: NamedFile, why: string, cause?: unknown) {
    super(`${key} is ${path}, ${why}`, cause);
    this.name = 'CredentialsError';
  }
}

/** A certificate with its chain, and its key, in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface ServerCredentials {
  readonly identity: Identity;
  /** Authority of the agencies' certificates, in PEM. */
  readonly clientAuthority: string | undefined;
  /** Subject of the server's certificate. */
  readonly subject: string;
  readonly validities: readonly FileValidity[];
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads a certificate with its key, and checks what the first handshake would otherwise reveal.
 *
 * @throws CredentialsError if a file cannot be read, is not PEM, or the two do not match
 */
export function readIdentity({ certificate, privateKey }: IdentityFiles): Identity {
  const cert = readText(certificate);
  const key = readText(privateKey);
  const [own] = parseCertificates(cert, certificate);
  if (!own!.checkPrivateKey(parseKey(key, privateKey))) {
    const other = `${certificate.key}, ${certificate.path}`;
    throw new CredentialsError(privateKey, `which is not the key of the certificate in ${other}`);
  }
  expectUsable({ cert, key }, certificate);
  return { cert, key };
}

/** @throws CredentialsError */
export function readServerCredentials(files: ServerTls): ServerCredentials {
  const identity = readIdentity(files.identity);
  const clientAuthority = files.clientAuthority && readAuthority(files.clientAuthority);
  const { certificate } = files.identity;
  const own = parseCertificates(identity.cert, certificate);
  const validities = [validityOf(certificate.key, own)];
  if (clientAuthority !== undefined) {
    const signers = parseCertificates(clientAuthority, files.clientAuthority!);
    validities.push(validityOf(files.clientAuthority!.key, signers));
  }
  return { identity, clientAuthority, subject: own[0]!.subject.replaceAll('\n', ', '), validities };
}

/**
 * Reads the certificates of trusted authorities, in PEM.
 *
 * @throws CredentialsError if the file cannot be read or has none
 */
export function readAuthority(file: NamedFile): string {
  const text = readText(file);
  parseCertificates(text, file);
  return text;
}

/** @throws CredentialsError */
export function readText(file: NamedFile): string {
  try {
    return readFileSync(file.path, 'utf8');
  } catch (error) {
    throw new CredentialsError(file, `which cannot be read, ${reasonOf(error)}`, error);
  }
}

/** OpenSSL refuses short keys, for example. */
function expectUsable(identity: Identity, file: NamedFile): void {
  try {
    createSecureContext(identity);
  } catch (error) {
    throw new CredentialsError(file, `which cannot be used (${(error as Error).message})`, error);
  }
}

/** Returns at least one. */
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
