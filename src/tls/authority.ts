// Required by @peculiar/x509.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  AuthorityKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its key, in PEM. */
export interface IssuedPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Small, fast to generate, and supported by every TLS 1.2 implementation. */
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** A private certificate authority, for one lottery or for experiments. */
export class Authority {
  readonly pair: IssuedPair;
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(
    certificate: X509Certificate,
    keys: webcrypto.CryptoKeyPair,
    pair: IssuedPair,
  ) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.pair = pair;
  }

  static async create(name: string, { notBefore, notAfter }: Validity): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: newSerial(),
      name: `CN=${name}`,
      notBefore,
      notAfter,
      keys,
      signingAlgorithm: SIGNATURE,
      extensions: [
        // No intermediate authorities.
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new Authority(certificate, keys, await inPem(certificate, keys));
  }

  /** @param hosts names and addresses of the server */
  async issueServer(hosts: readonly string[], validity: Validity): Promise<IssuedPair> {
    const names = hosts.map(
      (value): JsonGeneralName => ({ type: isIP(value) ? 'ip' : 'dns', value }),
    );
    return await this.#issue('server', validity, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names),
    ]);
  }

  async issueAgency(agency: number, validity: Validity): Promise<IssuedPair> {
    return await this.#issue(`agency-${agency}`, validity, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ]);
  }

  async #issue(
    name: string,
    { notBefore, notAfter }: Validity,
    purpose: readonly Extension[],
  ): Promise<IssuedPair> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: newSerial(),
      subject: `CN=${name}`,
      issuer: this.#certificate.subject,
      notBefore,
      notAfter,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(this.#certificate),
        ...purpose,
      ],
    });
    return await inPem(certificate, keys);
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

/** Positive and unique. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function inPem(
  certificate: X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<IssuedPair> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const lines = bytes.toString('base64').match(/.{1,64}/g)!;
  const privateKey = `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { certificate: `${certificate.toString('pem')}\n`, privateKey };
}
