import type { X509Certificate } from 'node:crypto';

/** The period in which all certificates of a file are valid. */
export interface FileValidity {
  /** Configuration key of the file. */
  readonly file: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

export type ValidityTrouble = 'has expired' | 'is not valid yet' | 'expires soon';

/** 30 days. */
const EXPIRES_SOON_MS = 30 * 24 * 60 * 60 * 1000;

/** @param certificates at least one */
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

export function troubleOf(
  { validFrom, validTo }: Pick<FileValidity, 'validFrom' | 'validTo'>,
  now: Date,
): ValidityTrouble | undefined {
  if (validTo <= now) return 'has expired';
  if (validFrom > now) return 'is not valid yet';
  return validTo.getTime() - now.getTime() < EXPIRES_SOON_MS ? 'expires soon' : undefined;
}
