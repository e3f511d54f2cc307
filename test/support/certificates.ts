import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Authority, type IssuedPair, type Validity } from '../../src/tls/authority.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Validity, in days from now. */
function days(from: number, to: number): Validity {
  const now = Date.now();
  return { notBefore: new Date(now + from * DAY_MS), notAfter: new Date(now + to * DAY_MS) };
}

export const VALID = days(-1, 1);
export const EXPIRED = days(-3, -1);
export const NOT_YET_VALID = days(1, 3);

export const HOSTS = ['localhost', '127.0.0.1'];

/** Certificate and key of one side of a connection, in PEM. */
export interface Pem {
  readonly cert: string;
  readonly key: string;
}

export const pem = ({ certificate, privateKey }: IssuedPair): Pem => ({
  cert: certificate,
  key: privateKey,
});

/** A test's authority, and a server certificate that it has issued. */
export interface Signed {
  readonly authority: Authority;
  /** The authority's own certificate. */
  readonly ca: string;
  readonly server: Pem;
  /** Issues an agency's certificate. */
  agency(id: number, validity?: Validity): Promise<Pem>;
}

export async function signed(name = 'test'): Promise<Signed> {
  const authority = await Authority.create(name, days(-4, 4));
  return {
    authority,
    ca: authority.pair.certificate,
    server: pem(await authority.issueServer(HOSTS, VALID)),
    agency: async (id, validity = VALID) => pem(await authority.issueAgency(id, validity)),
  };
}

/** Writes a pair as `NAME.pem` and `NAME-key.pem`. */
export async function writePair(folder: string, name: string, { cert, key }: Pem): Promise<void> {
  await writeFile(join(folder, `${name}.pem`), cert);
  await writeFile(join(folder, `${name}-key.pem`), key);
}
