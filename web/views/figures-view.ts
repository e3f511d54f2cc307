import type { Snapshot } from '../../src/http/snapshot.ts';
import { byId, setText, showText } from '../dom.ts';
import type { Locale } from '../locale.ts';

/** The figure is marked below this share of free space. */
const DISK_SHARE_LOW = 0.05;

const parts = {
  bets: byId('bets'),
  betsPerSecond: byId('bets-per-second'),
  refused: byId('refused'),
  connections: byId('connections'),
  syncMedian: byId('sync-median'),
  syncDetail: byId('sync-detail'),
  disk: byId('disk'),
  diskLeft: byId('disk-left'),
  diskDetail: byId('disk-detail'),
  since: byId('since'),
};

/** The figures of the whole central. */
export function showFigures(snapshot: Snapshot, locale: Locale): void {
  setText(parts.bets, locale.whole(snapshot.bets));
  setText(parts.betsPerSecond, locale.whole(snapshot.betsPerSecond));
  setText(parts.refused, locale.whole(snapshot.refused));
  setText(parts.connections, locale.whole(snapshot.connections));
  setText(parts.since, locale.texts.since(locale.moment(new Date(snapshot.startedAt))));
  showSyncs(snapshot, locale);
  showDisk(snapshot, locale);
}

function showSyncs({ syncs }: Snapshot, locale: Locale): void {
  const { texts } = locale;
  const some = syncs.count > 0;
  setText(parts.syncMedian, some ? locale.milliseconds(syncs.p50Ms) : texts.none);
  const p99 = locale.milliseconds(syncs.p99Ms);
  const last = locale.milliseconds(syncs.lastMs);
  showText(parts.syncDetail, some ? texts.syncDetail(p99, last) : undefined);
}

function showDisk({ disk }: Snapshot, locale: Locale): void {
  parts.disk.hidden = disk === undefined;
  if (disk === undefined) return;
  const { freeBytes, totalBytes } = disk;
  parts.disk.classList.toggle('low', freeBytes < totalBytes * DISK_SHARE_LOW);
  setText(parts.diskLeft, locale.bytes(freeBytes));
  const share = locale.share(freeBytes, totalBytes);
  setText(parts.diskDetail, locale.texts.diskDetail(locale.bytes(totalBytes), share));
}
