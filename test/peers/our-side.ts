import { join } from 'node:path';
import { AGENCY_PROTOCOLS, type AgencyProtocol, listenerOf } from '../../src/wire/dialect-names.ts';
import { Program, startClient } from '../support/program.ts';
import { type PeerAgency, writeAgency } from './agencies.ts';
import { type ClientReport, type PeerDialect, type PeerEnd, runPeerClient } from './python-peer.ts';

/** The built program between peers of all dialects. */

/** The Python peers, and their dialects. */
export type Spoken = Exclude<AgencyProtocol, 'resumable'>;

export const SPOKEN = AGENCY_PROTOCOLS.filter((name): name is Spoken => name !== 'resumable');

export function peerOf(spoken: Spoken): PeerDialect {
  return spoken.replace('-', '_') as PeerDialect;
}

export interface OurServer {
  readonly server: Program;
  /** Port of each dialect; `base` has the port of tp0. */
  readonly portOf: (protocol: AgencyProtocol) => number;
}

/**
 * Starts our server with a listener for each protocol, and waits until it listens on all of them.
 */
export async function startOurServer(
  folder: string,
  protocols: readonly AgencyProtocol[],
  env: Record<string, string> = {},
): Promise<OurServer> {
  const dialects = [...new Set(protocols.map(listenerOf))];
  const server = Program.start(['server'], {
    cwd: folder,
    env: {
      SERVER_LISTENERS: dialects.map(dialect => `${dialect}:0`).join(','),
      SERVER_HOST: '127.0.0.1',
      ...env,
    },
  });
  const listening = () => server.linesOf('listen', 'success');
  await server.line(() => listening().length === dialects.length, `${dialects.length} listeners`);
  const portOf = (protocol: AgencyProtocol): number => {
    const line = listening().find(({ details }) => details['dialect'] === listenerOf(protocol));
    return Number(line!.details['port']);
  };
  return { server, portOf };
}

/** Starts our client, which writes its winners to `winners-N.txt`. */
export async function startOurClient(
  folder: string,
  agency: PeerAgency,
  { port, protocol }: { port: number; protocol: AgencyProtocol },
  env: Record<string, string> = {},
): Promise<Program> {
  return startClient(folder, agency.id, port, {
    CLI_PROTOCOL: protocol,
    CLI_FILE_NAME: await writeAgency(folder, agency),
    CLI_WINNERS_FILE: winnersFile(folder, agency),
    ...env,
  });
}

export function winnersFile(folder: string, { id }: PeerAgency): string {
  return join(folder, `winners-${id}.txt`);
}

/** Runs a Python client with an agency's bets, from a line of its file on. */
export async function runAgency(
  folder: string,
  agency: PeerAgency,
  { port, spoken, from = 0 }: { port: number; spoken: Spoken; from?: number },
  ...options: readonly string[]
): Promise<PeerEnd<ClientReport>> {
  const file = await writeAgency(folder, agency, from);
  return runPeerClient(
    peerOf(spoken),
    { port, id: agency.id, file },
    ...waitingIn(spoken),
    ...options,
  );
}

/** With a short pause for clients that poll. */
function waitingIn(spoken: Spoken): string[] {
  return spoken === 'push-codes' || spoken === 'csv-frames' ? [] : ['--wait', '0.05'];
}
