import { ConfigError } from './errors.ts';
import type { Key } from './keys.ts';

/** A file and the key that names it, for errors. */
export interface NamedFile {
  readonly key: string;
  readonly path: string;
}

/** The certificate of one side. */
export interface IdentityFiles {
  readonly certificate: NamedFile;
  readonly privateKey: NamedFile;
}

export interface ServerTls {
  readonly identity: IdentityFiles;
  /** Authority of the agencies' certificates; undefined if agencies need none. */
  readonly clientAuthority: NamedFile | undefined;
}

export interface ClientTls {
  /** Authority of the server's certificate. */
  readonly authority: NamedFile;
  readonly identity: IdentityFiles | undefined;
}

type PathKey = Pick<Key<string>, 'name'>;

export function namedFile({ name }: PathKey, path: string | undefined): NamedFile | undefined {
  return path === undefined ? undefined : { key: name, path };
}

/**
 * The files of a certificate and its key.
 *
 * @throws ConfigError if only one of them is configured
 */
export function identityFiles(
  [certificateKey, certificatePath]: readonly [PathKey, string | undefined],
  [privateKeyKey, privateKeyPath]: readonly [PathKey, string | undefined],
): IdentityFiles | undefined {
  const certificate = namedFile(certificateKey, certificatePath);
  const privateKey = namedFile(privateKeyKey, privateKeyPath);
  if (certificate !== undefined && privateKey !== undefined) return { certificate, privateKey };
  const given = certificate ?? privateKey;
  if (given === undefined) return undefined;
  const missing = certificate === undefined ? certificateKey : privateKeyKey;
  throw new ConfigError(
    `${missing.name} is missing: ${given.key} is set, and TLS needs both or none`,
  );
}
