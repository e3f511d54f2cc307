import type { Snapshot } from '../../src/http/snapshot.ts';
import { byId, setText, showText } from '../dom.ts';
import { idRanges } from '../id-ranges.ts';
import type { Locale } from '../locale.ts';

const parts = {
  state: byId('state'),
  detail: byId('state-detail'),
  notReady: byId('not-ready'),
  finished: byId('finished'),
  bar: byId('finished-bar') as HTMLProgressElement,
  finishedText: byId('finished-text'),
  disputed: byId('disputed'),
  acta: byId('acta'),
  actaLink: byId('acta-link'),
  withdrawn: byId('acta-withdrawn'),
  actaSha256: byId('acta-sha256'),
  draw: byId('draw'),
  held: byId('draw-held'),
  winners: byId('draw-winners'),
  seal: byId('draw-seal'),
};

/** State of the lottery, missing agencies, and result. */
export function showDraw(snapshot: Snapshot, locale: Locale): void {
  const { texts } = locale;
  const { state } = snapshot;
  // Everything else of a snapshot is shown in the same turn.
  document.body.dataset['state'] = state;
  document.body.dataset['drawn'] = String(snapshot.drawHeldAt !== undefined);
  setText(parts.state, texts.states[state]);
  setText(parts.detail, detailOf(snapshot, locale));
  showText(parts.notReady, locale.notReady(snapshot));
  showFinished(snapshot, locale);
  showActa(snapshot, locale);
  showOutcome(snapshot, locale);
}

function detailOf(snapshot: Snapshot, locale: Locale): string {
  const { state, acta, time } = snapshot;
  const { texts } = locale;
  if (state === 'open') return waitingFor(snapshot, locale);
  if (state !== 'closed') return texts.stateDetails[state];
  if (acta?.awaitsSignature !== undefined) return texts.awaitsSignature(acta.awaitsSignature);
  if (acta?.drawAt === undefined) return texts.stateDetails.closed;
  return texts.drawIn(countdown(Date.parse(acta.drawAt) - Date.parse(time)));
}

/** `9:05`, `1:00:00`. */
function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const padded = [hours > 0 ? [String(hours)] : [], minutes, seconds % 60].flat().map(String);
  return padded.map((part, index) => (index === 0 ? part : part.padStart(2, '0'))).join(':');
}

function waitingFor(
  { waitingFor: ids, expected, finished }: Snapshot,
  { texts, whole }: Locale,
): string {
  if (ids.length === 0) return texts.waitingForNobody;
  const more = expected - finished - ids.length;
  const listed = more > 0 ? `${idRanges(ids)} ${texts.andMore(whole(more))}` : idRanges(ids);
  return texts.waitingFor(listed, expected - finished);
}

function showFinished({ state, expected: all, finished }: Snapshot, locale: Locale): void {
  parts.finished.hidden = state !== 'open' || all === 0;
  parts.bar.max = Math.max(all, 1);
  parts.bar.value = finished;
  setText(parts.finishedText, locale.texts.finishedOf(locale.whole(finished), locale.whole(all)));
}

function showActa({ acta, withdrawnActas, disputes }: Snapshot, locale: Locale): void {
  const { texts } = locale;
  parts.acta.hidden = acta === undefined && withdrawnActas.length === 0;
  setText(parts.actaLink, acta === undefined ? '' : texts.actaNumber(locale.whole(acta.number)));
  const numbers = withdrawnActas.map(locale.whole).join(', ');
  setText(parts.withdrawn, numbers === '' ? '' : texts.withdrawn(numbers, withdrawnActas.length));
  setText(parts.actaSha256, acta?.sha256 ?? texts.none);
  const ids = disputes.map(({ agency }) => agency).toSorted((a, b) => a - b);
  showText(
    parts.disputed,
    ids.length === 0 ? undefined : texts.disputed(idRanges(ids), ids.length),
  );
}

function showOutcome({ drawHeldAt, winners, seal }: Snapshot, locale: Locale): void {
  const { none } = locale.texts;
  parts.draw.hidden = drawHeldAt === undefined && seal === undefined;
  setText(parts.held, drawHeldAt === undefined ? none : locale.moment(new Date(drawHeldAt)));
  setText(parts.winners, winners === undefined ? none : locale.whole(winners));
  setText(parts.seal, seal ?? none);
}
