import type { Monitor } from './monitor.ts';
import type { AgencyStatus, CentralStatus, DiskSpace } from './status.ts';

/** The sources of the metrics. */
export interface Seen {
  readonly monitor: Monitor;
  readonly version: string;
  /** Undefined during recovery. */
  readonly status: CentralStatus | undefined;
  readonly disk: DiskSpace | undefined;
}

/** A metric, with one value or one for each value of a label. */
export interface Reading {
  readonly type: 'counter' | 'gauge';
  readonly name: `loteria_${string}`;
  readonly help: string;
  readonly label?: string;
  readonly read: (
    seen: Seen,
  ) => number | readonly (readonly [label: string | number, value: number])[];
}

const STATES = ['recovering', 'open', 'complete', 'closed', 'drawn'] as const;

export const READINGS: readonly Reading[] = [
  {
    type: 'counter',
    name: 'loteria_bets_stored_total',
    help: 'Bets stored, those of earlier processes and of other servers included.',
    label: 'agency',
    read: seen => ofAgencies(seen, ({ bets }) => bets),
  },
  {
    type: 'counter',
    name: 'loteria_bets_refused_total',
    help: 'Bets refused since the process started.',
    label: 'agency',
    read: seen => ofAgencies(seen, ({ agency }) => seen.monitor.refusedBets.get(agency) ?? 0),
  },
  {
    type: 'counter',
    name: 'loteria_batches_stored_total',
    help: 'Batches of its own connections stored since the process started.',
    read: ({ monitor }) => monitor.batches,
  },
  {
    type: 'counter',
    name: 'loteria_refusals_total',
    help: 'Messages and connections refused since the process started, by the code of the refusal.',
    label: 'code',
    read: ({ monitor }) => [...monitor.refusals],
  },
  {
    type: 'counter',
    name: 'loteria_log_lines_dropped_total',
    help: 'Log lines dropped since the process started, because a pipe was full or the disk had no room.',
    read: ({ monitor }) => monitor.droppedLines,
  },
  {
    type: 'counter',
    name: 'loteria_connections_total',
    help: 'Connections accepted since the process started.',
    read: ({ monitor }) => monitor.connectionsAccepted,
  },
  {
    type: 'gauge',
    name: 'loteria_connections_open',
    help: 'Connections that are open, those whose agency is not known yet included.',
    read: ({ monitor }) => monitor.connectionsOpen,
  },
  {
    type: 'gauge',
    name: 'loteria_agency_connections_open',
    help: 'Open connections that have said whose they are.',
    label: 'agency',
    read: seen => ofAgencies(seen, ({ connections }) => connections),
  },
  {
    type: 'gauge',
    name: 'loteria_agency_finished',
    help: '1 when an agency has sent all its bets, 0 before.',
    label: 'agency',
    read: seen => ofAgencies(seen, ({ finished }) => (finished ? 1 : 0)),
  },
  {
    type: 'gauge',
    name: 'loteria_agencies_expected',
    help: 'Agencies that the draw waits for.',
    read: ({ status }) => status?.expected ?? 0,
  },
  {
    type: 'gauge',
    name: 'loteria_agencies_finished',
    help: 'Expected agencies that have sent all their bets.',
    read: ({ status }) => status?.finished ?? 0,
  },
  {
    type: 'gauge',
    name: 'loteria_draw_state',
    help: 'State of the draw: 1 for the one that it is in, 0 for every other.',
    label: 'state',
    read({ status }) {
      const current = status?.state ?? 'recovering';
      return STATES.map(state => [state, state === current ? 1 : 0]);
    },
  },
  {
    type: 'gauge',
    name: 'loteria_winners',
    help: 'Winners of an agency; none before the draw.',
    label: 'agency',
    read: seen => ofAgencies(seen, ({ winners }) => winners),
  },
  {
    type: 'gauge',
    name: 'loteria_unsynced_bytes',
    help: 'Bytes of rows that were handed to the store and are not durable yet.',
    read: ({ status }) => status?.unsyncedBytes ?? 0,
  },
  {
    type: 'gauge',
    name: 'loteria_ready',
    help: '1 when the server does its work; 0 while recovering, with a full disk, without its engine and while stopping.',
    read: ({ monitor }) => (monitor.unready === undefined ? 1 : 0),
  },
  {
    type: 'gauge',
    name: 'loteria_tls_certificate_expiry_seconds',
    help: 'Unix time at which the first certificate of a file expires; none without TLS.',
    label: 'file',
    read: ({ monitor }) =>
      monitor.certificates.map(({ file, validTo }) => [file, validTo.getTime() / 1000]),
  },
  {
    type: 'gauge',
    name: 'loteria_build_info',
    help: 'Always 1, with the version of the program.',
    label: 'version',
    read: ({ version }) => [[version, 1]],
  },
];

/** There are none where nothing is kept on a disk: 0 would be an alarm. */
export const DISK_READINGS: readonly Reading[] = [
  {
    type: 'gauge',
    name: 'loteria_disk_free_bytes',
    help: 'Room that is left on the file system of DATA_DIR.',
    read: ({ disk }) => disk?.freeBytes ?? Number.NaN,
  },
  {
    type: 'gauge',
    name: 'loteria_disk_size_bytes',
    help: 'Size of the file system of DATA_DIR.',
    read: ({ disk }) => disk?.totalBytes ?? Number.NaN,
  },
];

/** There are none where the bets are in files of the server's own. */
export const ENGINE_READINGS: readonly Reading[] = [
  {
    type: 'gauge',
    name: 'loteria_engine_available',
    help: '1 when what is handed to the replicated store becomes durable; 0 while it does not.',
    read: ({ monitor }) => (monitor.engineAvailable === true ? 1 : 0),
  },
];

/** A value of each agency that has one. */
function ofAgencies(
  { status }: Seen,
  valueOf: (agency: AgencyStatus) => number | undefined,
): (readonly [agency: number, value: number])[] {
  return (status?.agencies ?? []).flatMap(agency => {
    const value = valueOf(agency);
    return value === undefined ? [] : [[agency.agency, value] as const];
  });
}
