import { ConfigError } from './errors.ts';
import type { Key } from './keys.ts';

/** A file, and the key that names it: whoever cannot use the file says which key to correct. */
export interface NamedFile {
  readonly key: string;
  readonly path: string;
}

/** What one side shows of itself. */
export interface IdentityFiles {
  readonly certificate: NamedFile;
  readonly privateKey: NamedFile;
}

/** How the server's listeners speak TLS. */
export interface ServerTls {
  readonly identity: IdentityFiles;
  /** Who signs the agencies' certificates; undefined when agencies need none. */
  readonly clientAuthority: NamedFile | undefined;
}

/** How an agency speaks TLS. */
export interface ClientTls {
  /** Who signs the server's certificate. */
  readonly authority: NamedFile;
  readonly identity: IdentityFiles | undefined;
}

type PathKey = Pick<Key<string>, 'name'>;

/**
 * The files of a certificate and its key; undefined when neither is configured.
 *
 * @throws ConfigError when only one of them is
 */
export function identityFiles(
  certificate: NamedFile | undefined,
  privateKey: NamedFile | undefined,
  keys: { readonly certificate: PathKey; readonly privateKey: PathKey },
): IdentityFiles | undefined {
  if (certificate !== undefined && privateKey !== undefined) return { certificate, privateKey };
  if (certificate === undefined && privateKey === undefined) return undefined;
  const [given, missing] =
    certificate === undefined ? [keys.privateKey, keys.certificate] : [keys.certificate, keys.privateKey];
  throw new ConfigError(`${missing.name} is missing: ${given.name} is set, and TLS needs both or none`);
}

export function namedFile({ name }: PathKey, path: string | undefined): NamedFile | undefined {
  return path === undefined ? undefined : { key: name, path };
}
