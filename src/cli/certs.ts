import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFolder, PRIVATE_FILE } from '../files/private.ts';
import { withPath } from '../files/system-error.ts';
import { Authority, type IssuedPair, type Validity } from '../tls/authority.ts';
import { countOf } from '../run/counts.ts';
import { EXIT } from './exit-codes.ts';
import { complain } from './output.ts';

export interface CertsOptions {
  readonly agencies: number;
  readonly days: number;
  /** Additional names and addresses of the server. */
  readonly host: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Tolerance for clocks that are slow. */
const CLOCK_DIFFERENCE_MS = 60 * 60 * 1000;

/** Names of a server on its own machine and in the containers of the assignment. */
const USUAL_HOSTS = ['localhost', '127.0.0.1', '::1', 'server'];

const PUBLIC = 0o644;

interface CertificateFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** `loteria certs` */
export async function certs(
  folder: string,
  { agencies, days, host }: CertsOptions,
): Promise<number> {
  const hosts = [...new Set([...USUAL_HOSTS, ...host])];
  const now = Date.now();
  const validity = {
    notBefore: new Date(now - CLOCK_DIFFERENCE_MS),
    notAfter: new Date(now + days * DAY_MS),
  };
  const names = [
    'ca',
    'server',
    ...Array.from({ length: agencies }, (_, index) => `agency-${index + 1}`),
  ];
  const there = names.flatMap(pairNames).find(name => existsSync(join(folder, name)));
  if (there !== undefined) {
    complain(`${join(folder, there)} exists already; nothing was changed`);
    return EXIT.failed;
  }
  const files = await makeAll(agencies, hosts, validity);
  await makePrivateFolder(folder);
  // `wx` never overwrites a file or follows a link.
  for (const { name, text, mode } of files) {
    const path = join(folder, name);
    await writeFile(path, text, { mode, flag: 'wx', flush: true }).catch((error: unknown) =>
      Promise.reject(withPath(error, path)),
    );
  }
  process.stdout.write(whatToSet(folder, agencies, hosts, validity));
  return EXIT.done;
}

function pairNames(name: string): [certificate: string, privateKey: string] {
  return [`${name}.pem`, `${name}-key.pem`];
}

async function makeAll(
  agencies: number,
  hosts: readonly string[],
  validity: Validity,
): Promise<CertificateFile[]> {
  const authority = await Authority.create('Loteria Nacional CA', validity);
  const files = pairFiles('ca', authority.pair);
  files.push(...pairFiles('server', await authority.issueServer(hosts, validity)));
  for (let agency = 1; agency <= agencies; agency += 1)
    files.push(...pairFiles(`agency-${agency}`, await authority.issueAgency(agency, validity)));
  return files;
}

function pairFiles(name: string, { certificate, privateKey }: IssuedPair): CertificateFile[] {
  const [certificateName, keyName] = pairNames(name);
  return [
    { name: certificateName, text: certificate, mode: PUBLIC },
    { name: keyName, text: privateKey, mode: PRIVATE_FILE },
  ];
}

function whatToSet(
  folder: string,
  agencies: number,
  hosts: readonly string[],
  { notAfter }: Validity,
): string {
  const at = (name: string): string => join(folder, name);
  const made = `an authority, a server and ${countOf(agencies, 'agency', 'agencies')}`;
  return `${folder}: ${made}, until ${notAfter.toISOString().slice(0, 10)}

The server, as ${hosts.join(', ')}:
  TLS_CERT=${at('server.pem')}
  TLS_KEY=${at('server-key.pem')}
  TLS_CLIENT_CA=${at('ca.pem')}
Without TLS_CLIENT_CA agencies need no certificate.

Agency N:
  CLI_TLS_CA=${at('ca.pem')}
  CLI_TLS_CERT=${at('agency-N.pem')}
  CLI_TLS_KEY=${at('agency-N-key.pem')}

${at('ca-key.pem')} signs further certificates: keep it away from all of them.
`;
}
