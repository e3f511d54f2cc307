import type { X509Certificate } from 'node:crypto';

/** From when and until when the certificates of a file are all valid. */
export interface FileValidity {
  /** The key of the configuration that names the file. */
  readonly file: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

export type ValidityTrouble = 'has expired' | 'is not valid yet' | 'expires soon';

/** How long before it expires a certificate is worth a warning, in milliseconds: 30 days. */
const EXPIRES_SOON_MS = 30 * 24 * 60 * 60 * 1000;

/** @param certificates one at least */
export function validityOf(
  file: string,
  certificates: readonly Pick<X509Certificate, 'validFrom' | 'validTo'>[],
): FileValidity {
  const times = (key: 'validFrom' | 'validTo'): number[] =>
    certificates.map(certificate => Date.parse(certificate[key]));
  return {
    file,
    validFrom: new Date(Math.max(...times('validFrom'))),
    validTo: new Date(Math.min(...times('validTo'))),
  };
}

/** What is wrong with a certificate, or will be before long. */
export function troubleOf(
  { validFrom, validTo }: Pick<FileValidity, 'validFrom' | 'validTo'>,
  now: Date,
): ValidityTrouble | undefined {
  if (validTo <= now) return 'has expired';
  if (validFrom > now) return 'is not valid yet';
  return validTo.getTime() - now.getTime() < EXPIRES_SOON_MS ? 'expires soon' : undefined;
}
