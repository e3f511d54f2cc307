import type { Snapshot } from '../../src/http/snapshot.ts';
import { byId, setText } from '../dom.ts';
import { idRanges } from '../id-ranges.ts';
import type { Locale } from '../locale.ts';

const announcement = byId('announcement');

export function announce(text: string): void {
  setText(announcement, text);
}

/** Announces a new state or a finished agency to screen readers, but no figures. */
export function announceChanges(before: Snapshot, now: Snapshot, locale: Locale): void {
  const already = new Set(finishedIds(before));
  const finished = finishedIds(now).filter(id => !already.has(id));
  const news: string[] = [];
  if (finished.length > 0)
    news.push(locale.texts.agenciesFinished(idRanges(finished), finished.length));
  if (now.state !== before.state) news.push(`${locale.texts.states[now.state]}.`);
  const trouble = locale.notReady(now);
  if (trouble !== undefined && before.ready.ok) news.push(trouble);
  if (news.length > 0) announce(news.join(' '));
}

function finishedIds({ agencies }: Snapshot): number[] {
  return agencies.filter(agency => agency.finished).map(agency => agency.id);
}
