import type { Snapshot } from '../../src/http/snapshot.ts';
import { byId, setText, showText } from '../dom.ts';
import type { Speech } from '../speech.ts';

/** Less than this share of the disk, and the figure is marked. */
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

/** The figures that stand for the whole central. */
export function showFigures(snapshot: Snapshot, speech: Speech): void {
  setText(parts.bets, speech.whole(snapshot.bets));
  setText(parts.betsPerSecond, speech.whole(snapshot.betsPerSecond));
  setText(parts.refused, speech.whole(snapshot.refused));
  setText(parts.connections, speech.whole(snapshot.connections));
  setText(parts.since, speech.texts.since(speech.moment(new Date(snapshot.startedAt))));
  showSyncs(snapshot, speech);
  showDisk(snapshot, speech);
}

function showSyncs({ syncs }: Snapshot, speech: Speech): void {
  const { texts } = speech;
  const some = syncs.count > 0;
  setText(parts.syncMedian, some ? speech.milliseconds(syncs.p50Ms) : texts.none);
  const p99 = speech.milliseconds(syncs.p99Ms);
  const last = speech.milliseconds(syncs.lastMs);
  showText(parts.syncDetail, some ? texts.syncDetail(p99, last) : undefined);
}

function showDisk({ disk }: Snapshot, speech: Speech): void {
  // A store in memory has none.
  parts.disk.hidden = disk === undefined;
  if (disk === undefined) return;
  const { freeBytes, totalBytes } = disk;
  parts.disk.classList.toggle('low', freeBytes < totalBytes * DISK_SHARE_LOW);
  setText(parts.diskLeft, speech.bytes(freeBytes));
  const share = speech.share(freeBytes, totalBytes);
  setText(parts.diskDetail, speech.texts.diskDetail(speech.bytes(totalBytes), share));
}
