import { cpus, release, totalmem } from 'node:os';
import { wrap } from '../src/cli/wrap.ts';
import type { OneClient, WholeLottery } from './clients.ts';
import { type ClusterRow, teamText } from './cluster.ts';
import type { LargeFolder } from './large-folder.ts';
import type { Summary } from './samples.ts';
import type { ServerName } from './setting.ts';
import type { Row } from './throughput.ts';

export interface Results {
  readonly startedAt: Date;
  /** Load average of one minute before the first measurement. */
  readonly loadBefore: number;
  readonly rounds: number;
  readonly durationMs: number;
  /** Undefined without Python. */
  readonly python: string | undefined;
  readonly servers: readonly Row[];
  readonly connections: readonly Row[];
  readonly batch: readonly Row[];
  readonly bets: readonly Row[];
  /** Undefined without PostgreSQL. */
  readonly clusters: readonly ClusterRow[] | undefined;
  readonly largeFolder: LargeFolder;
  readonly client: OneClient;
  /** Undefined without the course's data. */
  readonly lottery: WholeLottery | undefined;
}

const GIGABYTE = 1024 ** 3;

const NAMES: Readonly<Record<ServerName, string>> = {
  loteria: 'ours',
  quiet: 'ours, quiet',
  baseline: 'baseline',
  python: 'Python',
  discard: 'answers and keeps nothing',
};

type Column<Of = Row> = readonly [title: string, cell: (row: Of) => string];

const SERVER: Column = ['server', row => NAMES[row.shape.server]];
const LATENCY: Column = [
  'p50 / p99 / p99.9 of a batch, ms',
  ({ p50, p99, p999 }) => [p50, p99, p999].map(({ median }) => figure(median)).join(' / '),
];
const RATE: Column<Pick<Row, 'betsPerSecond'>> = [
  'M bets/s',
  row => range(row.betsPerSecond, 1e-6),
];
const OF_BASELINE: Column = ['of the baseline', row => ratioText(row, row.ofBaseline, 'baseline')];
const MEMORY: Column<Pick<Row, 'peakMegabytes'>> = [
  'peak memory, MB',
  row => String(row.peakMegabytes),
];

/** Heading of the part that is written by hand. */
const BY_HAND = '\n## Where the time goes\n';

/** The part of a page that is written by hand, which new figures keep; possibly empty. */
export function partByHand(page: string): string {
  const at = page.indexOf(BY_HAND);
  return at < 0 ? '' : page.slice(at);
}

/** The figures of `bench/RESULTS.md`. */
export function formatResults(results: Results): string {
  const { servers, connections, batch, bets, rounds } = results;
  return `# Results

${wrap(`Written by \`make bench\`. ${machine(results)}`, 100)}

Each figure is the median of ${rounds} runs, with the range of them in brackets. The servers of a
table take turns, so that whatever else the machine does hits them alike: what is comparable are the
figures of one page, and best the ratios, which are taken within a round. Server and load generator
share the machine. Bets are made up, 46 bytes each in a batch. *Ours* is \`loteria server\` as it is
shipped, its log in a file, every answer after both syncs; *quiet* is the same with
\`LOGGING_LEVEL=ERROR\`. The *baseline* (\`src/bench/baseline.ts\`) only receives, counts messages,
writes and syncs, in groups as ours. *Python* (\`bench/peers/python_server.py\`) is a server written
the way the assignment's solutions are: a thread for each connection, the csv module, one lock, no
sync.

## Servers

Batches of 130 bets.

${table(servers, [
  SERVER,
  ['connections × in flight', ({ shape }) => `${shape.connections} × ${shape.window}`],
  RATE,
  OF_BASELINE,
  ['of Python', row => ratioText(row, row.ofPython, 'python')],
  LATENCY,
  MEMORY,
])}

A server that answers and keeps nothing shows what the load generator can do.

## Connections

64 batches of 130 bets in flight on each.

${table(connections, [
  ['connections', ({ shape }) => String(shape.connections)],
  SERVER,
  RATE,
  OF_BASELINE,
  LATENCY,
  MEMORY,
])}

## Bets in a batch

5 connections, 64 batches in flight on each.

${table(batch, [['bets in a batch', ({ shape }) => String(shape.batch)], SERVER, RATE, OF_BASELINE, LATENCY, MEMORY])}

## Bets in all

5 connections, 64 batches of 130 bets in flight on each.

${table(bets, [
  ['bets', ({ shape }) => thousands(shape.bets)],
  ['ns per bet', row => range(inverse(row.betsPerSecond), 1e9)],
  MEMORY,
])}

${clusterSection(results.clusters)}

${bullets(results)}
`;
}

/** The section about several servers. */
export function clusterSection(rows: readonly ClusterRow[] | undefined): string {
  const heading = '## One and two servers, one and three nodes';
  if (rows === undefined) return `${heading}\n\nNot measured: there is no PostgreSQL.`;
  return `${heading}

Batches of 130 bets. The servers of a row store together, in one log that each of their nodes has a
copy of (\`SERVER_STORE=postgres://…\`); the load generator's connections go to them in turn. All the
processes of a row share the ${cpus().length} processors of this machine, which is nothing like the
machines of their own that they are meant for: what the figures show is what a bet costs, not what a
cluster can do.

${table(rows, CLUSTER_COLUMNS)}

A second server does not make one lottery faster here, and is not meant to: it applies every fact
that the other one stores, so that it can continue when that is gone. A server sends each byte of
rows to the primary once; the primary writes it to its write-ahead log and to its table, and sends
the log to each standby. Short records go one at a time, so a batch takes as long as its record;
from 128 KiB on the next record is sent while the one before is being synced.`;
}

const CLUSTER_COLUMNS: readonly Column<ClusterRow>[] = [
  ['connections × in flight', ({ load }) => `${load.connections} × ${load.window}`],
  ['stored by', ({ team }) => teamText(team)],
  // With the load generator.
  ['processes', ({ team }) => String(1 + team.servers + team.nodes)],
  RATE,
  ['of files of its own', ({ ofEmbedded }) => (ofEmbedded === undefined ? '–' : range(ofEmbedded))],
  [
    'p50 / p99 of a batch, ms',
    ({ p50, p99 }) => [p50, p99].map(({ median }) => figure(median)).join(' / '),
  ],
  [
    'processor time for 1 M bets, s: servers / nodes',
    ({ team, serverSeconds, nodeSeconds }) =>
      `${figure(serverSeconds.median)} / ${team.nodes === 0 ? '–' : figure(nodeSeconds.median)}`,
  ],
  MEMORY,
];

function machine({ startedAt, loadBefore, durationMs, python }: Results): string {
  const processors = cpus();
  const memory = Math.round(totalmem() / GIGABYTE);
  return (
    `${startedAt.toISOString().slice(0, 10)}, ${processors.length} × ${processors[0]?.model.trim()}, ${memory} GB, Linux ${release()}, ` +
    `Node ${process.version}, ${python ?? 'no Python'}. The load average was ${loadBefore.toFixed(1)} before, ` +
    `the whole took ${Math.round(durationMs / 1_000)} s.`
  );
}

function bullets({ largeFolder, client, lottery }: Results): string {
  const { startSeconds, drawSeconds, drawPeakMegabytes } = largeFolder;
  const lines = [
    '## Everything else',
    '',
    '| | |',
    '|---|---|',
    `| start-up check of a folder with ${thousands(largeFolder.bets)} bets, from the start of the process to its \`listen\` line | ${range(startSeconds)} s |`,
    `| draw over ${thousands(largeFolder.bets)} bets, from the agencies' \`END\` to the draw's line in the log, right after such a start, the seal included | ${range(drawSeconds)} s |`,
    `| peak memory of the server that checks and draws | ${drawPeakMegabytes} MB |`,
    `| one \`loteria client\` with a file of ${thousands(client.bets)} bets, from the start of its process until everything is stored | ${range(client.betsPerSecond, 1e-6)} M bets/s |`,
    `| peak memory of the server meanwhile, the draw included | ${client.serverPeakMegabytes} MB |`,
    lottery === undefined
      ? "| the whole lottery of the course's data | not measured: the data is not there |"
      : `| the whole lottery of the course's data: five client processes against a server that runs, from the start of the first to the exit of the last | ${range(lottery.seconds)} s |`,
    ...(lottery === undefined
      ? []
      : [
          `| five processes of Node that do nothing, started in the same way | ${range(lottery.emptySeconds)} s |`,
        ]),
  ];
  return lines.join('\n');
}

function table<Of>(rows: readonly Of[], columns: readonly Column<Of>[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(([title]) => title)),
    `|${'---|'.repeat(columns.length)}`,
    ...rows.map(row => line(columns.map(([, cell]) => cell(row)))),
  ].join('\n');
}

/** A ratio to a server; none to itself or to an unmeasured one. */
function ratioText({ shape }: Row, ratio: Summary | undefined, to: ServerName): string {
  return ratio === undefined || shape.server === to ? '–' : range(ratio);
}

function inverse({ median, min, max }: Summary): Summary {
  return { median: 1 / median, min: 1 / max, max: 1 / min };
}

function range({ median, min, max }: Summary, factor = 1): string {
  return `${figure(median * factor)} (${figure(min * factor)} – ${figure(max * factor)})`;
}

/** Three significant digits. */
function figure(value: number): string {
  return value >= 100 ? thousands(Math.round(value)) : value.toPrecision(value < 1 ? 2 : 3);
}

function thousands(value: number): string {
  return value.toLocaleString('en-US');
}
