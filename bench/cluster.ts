import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { inDiskFolder, type Measurement, measureServer } from '../src/bench/measure.ts';
import { processorSeconds } from './processor-time.ts';
import { type ServerCommand, ServerProcess } from '../src/bench/server-process.ts';
import { ownServer } from '../src/bench/servers.ts';
import { DIALECTS } from '../src/cli/dialects.ts';
import type { AgencyCodec } from '../src/wire/dialect.ts';
import { DEFAULT_LIMITS } from '../src/wire/limits.ts';
import { PostgresCluster } from '../test/support/postgres-cluster.ts';
import { POSTGRES_BIN } from '../test/support/postgres-node.ts';
import { type Summary, summarize } from './samples.ts';
import { PROGRAM, type Setting } from './setting.ts';

const AGENCIES = 5;

/** Servers and nodes of a measurement. */
export interface Team {
  readonly servers: 1 | 2;
  /**
   * Nodes of the database; 0: the server has its own files. With three nodes, a commit waits for
   * two.
   */
  readonly nodes: 0 | 1 | 3;
}

export interface ClusterLoad {
  readonly connections: number;
  readonly window: number;
}

/**
 * Figures of a load on a team, and their ratio to a server with its own files in the same round.
 */
export interface ClusterRow {
  readonly team: Team;
  readonly load: ClusterLoad;
  readonly betsPerSecond: Summary;
  readonly p50: Summary;
  readonly p99: Summary;
  /** Processor time of all servers for a million bets, in seconds. */
  readonly serverSeconds: Summary;
  /** The same of all nodes. */
  readonly nodeSeconds: Summary;
  /** Peak memory of the server with the largest. */
  readonly peakMegabytes: number;
  /** Undefined for the server with its own files. */
  readonly ofEmbedded: Summary | undefined;
}

const TEAMS: readonly Team[] = [
  { servers: 1, nodes: 0 },
  { servers: 1, nodes: 1 },
  { servers: 1, nodes: 3 },
  { servers: 2, nodes: 1 },
  { servers: 2, nodes: 3 },
];

/** In ascending order of memory, because peaks are never reset. */
const LOADS: readonly (ClusterLoad & { readonly bets: number; readonly warmUp: number })[] = [
  { connections: 5, window: 1, bets: 500_000, warmUp: 50_000 },
  { connections: 5, window: 64, bets: 1_500_000, warmUp: 300_000 },
  { connections: 500, window: 8, bets: 1_500_000, warmUp: 0 },
];

const BATCH = 130;

interface Sample extends Measurement {
  readonly peakMegabytes: number;
  readonly serverSeconds: number;
  readonly nodeSeconds: number;
}

/**
 * One and two servers on one node and on three, and one with its own files; undefined without
 * PostgreSQL.
 */
export async function measureClusters(setting: Setting): Promise<ClusterRow[] | undefined> {
  if (!existsSync(POSTGRES_BIN)) {
    setting.say(`${POSTGRES_BIN} is not there: servers on an engine are left out`);
    return undefined;
  }
  const samples = TEAMS.map(() => LOADS.map((): Sample[] => []));
  const clusters = await startClusters(setting);
  try {
    for (let round = 0; round < setting.rounds; round += 1) {
      for (const [index, team] of TEAMS.entries()) {
        const cluster = team.nodes === 0 ? undefined : clusters.get(team.nodes);
        const ofLoads = await measureTeam(team, cluster, setting);
        for (const [load, sample] of ofLoads.entries()) samples[index]![load]!.push(sample);
      }
    }
  } finally {
    await endAll(clusters);
  }
  return LOADS.flatMap((load, at) =>
    TEAMS.map((team, index) => rowOf(team, load, samples[index]![at]!, samples[0]![at]!)),
  );
}

function rowOf(
  team: Team,
  load: ClusterLoad,
  own: readonly Sample[],
  embedded: readonly Sample[],
): ClusterRow {
  const of = (figure: (one: Sample) => number): Summary => summarize(own.map(figure));
  const ratios = own.map((one, round) => one.betsPerSecond / embedded[round]!.betsPerSecond);
  return {
    team,
    load,
    betsPerSecond: of(one => one.betsPerSecond),
    p50: of(one => one.latencyMs.p50),
    p99: of(one => one.latencyMs.p99),
    serverSeconds: of(one => one.serverSeconds),
    nodeSeconds: of(one => one.nodeSeconds),
    peakMegabytes: of(one => one.peakMegabytes).max,
    ofEmbedded: team.nodes === 0 ? undefined : summarize(ratios),
  };
}

/** Both run all the time: idle nodes use almost no processor time. */
async function startClusters({ say }: Setting): Promise<Map<1 | 3, PostgresCluster>> {
  const clusters = new Map<1 | 3, PostgresCluster>();
  try {
    for (const nodes of [1, 3] as const) {
      say(`starting ${nodesText(nodes)}`);
      clusters.set(nodes, await PostgresCluster.start(nodes));
    }
    return clusters;
  } catch (error) {
    await endAll(clusters);
    throw error;
  }
}

async function endAll(clusters: ReadonlyMap<number, PostgresCluster>): Promise<void> {
  await Promise.all([...clusters.values()].map(cluster => cluster.end()));
}

/** Runs the loads one at a time on the same servers, with a new lottery and temporary folders. */
function measureTeam(
  team: Team,
  cluster: PostgresCluster | undefined,
  setting: Setting,
): Promise<Sample[]> {
  const { stop } = setting;
  return inDiskFolder(async folder => {
    const servers: ServerProcess[] = [];
    let samples: Sample[];
    try {
      for (let server = 0; server < team.servers; server += 1) {
        const own = join(folder, `server-${server}`);
        await mkdir(own);
        servers.push(await ServerProcess.start(commandOf(own, cluster), stop));
      }
      samples = await measureLoads(team, servers, cluster?.nodes ?? [], setting);
    } finally {
      await Promise.all(servers.map(server => server.stop()));
    }
    return samples;
  });
}

async function measureLoads(
  team: Team,
  servers: readonly ServerProcess[],
  nodes: PostgresCluster['nodes'],
  { divisor, stop, say }: Setting,
): Promise<Sample[]> {
  const name = teamText(team);
  const addresses = servers.map(server => server.address);
  const samples: Sample[] = [];
  const codecOf = (agency: number): AgencyCodec => DIALECTS.base().agency(DEFAULT_LIMITS, agency);
  for (const load of LOADS) {
    const bets = load.bets / divisor;
    const shape = { ...load, agencies: AGENCIES, batch: BATCH, bets, warmUp: 0, end: false };
    const parts = { shape, codecOf, stop };
    say(`${name}: ${bets} bets, ${load.connections} × ${load.window}`);
    if (load.warmUp > 0) {
      await measureServer(name, addresses, {
        ...parts,
        shape: { ...shape, bets: load.warmUp / divisor },
      });
    }
    const before = [secondsOf(servers), secondsOfNodes(nodes)] as const;
    const measurement = await measureServer(name, addresses, parts);
    const perMillion = 1e6 / measurement.bets;
    samples.push({
      ...measurement,
      peakMegabytes: Math.max(...servers.map(server => server.peakMegabytes() ?? 0)),
      serverSeconds: (secondsOf(servers) - before[0]) * perMillion,
      nodeSeconds: (secondsOfNodes(nodes) - before[1]) * perMillion,
    });
  }
  return samples;
}

function secondsOf(processes: readonly { readonly pid: number | undefined }[]): number {
  return processes.reduce((sum, { pid }) => sum + (processorSeconds(pid) ?? 0), 0);
}

function secondsOfNodes(nodes: PostgresCluster['nodes']): number {
  return secondsOf(nodes.flatMap(node => node.pids.map(pid => ({ pid }))));
}

function commandOf(folder: string, cluster: PostgresCluster | undefined): ServerCommand {
  const connections = Math.max(...LOADS.map(load => load.connections));
  const command = ownServer({ program: PROGRAM, folder, connections, agencies: AGENCIES });
  if (cluster === undefined) return command;
  const environment = (port: number): Readonly<Record<string, string>> => ({
    ...command.environment(port),
    SERVER_STORE: cluster.url(),
    STORE_LOTTERY: basename(dirname(folder)),
  });
  return { ...command, environment };
}

export function teamText({ servers, nodes }: Team): string {
  const text = servers === 1 ? '1 server' : `${servers} servers`;
  return nodes === 0 ? `${text}, files of its own` : `${text} on ${nodesText(nodes)}`;
}

function nodesText(nodes: number): string {
  return nodes === 1 ? '1 node' : `${nodes} nodes`;
}
