import type { Snapshot } from '../../src/http/snapshot.ts';
import { byId, setText, showText } from '../dom.ts';
import { idRanges } from '../id-ranges.ts';
import type { Speech } from '../speech.ts';

const parts = {
  state: byId('state'),
  detail: byId('state-detail'),
  notReady: byId('not-ready'),
  finished: byId('finished'),
  bar: byId('finished-bar') as HTMLProgressElement,
  finishedText: byId('finished-text'),
  draw: byId('draw'),
  held: byId('draw-held'),
  winners: byId('draw-winners'),
  seal: byId('draw-seal'),
};

/** How far the lottery is: the state, whom the draw waits for, and what came out. */
export function showDraw(snapshot: Snapshot, speech: Speech): void {
  const { texts } = speech;
  const { state } = snapshot;
  // Everything else of a snapshot is shown in the same turn.
  document.body.dataset['state'] = state;
  setText(parts.state, texts.states[state]);
  setText(parts.detail, state === 'open' ? waitingFor(snapshot, speech) : texts.stateDetails[state]);
  showText(parts.notReady, speech.notReady(snapshot));
  showFinished(snapshot, speech);
  showOutcome(snapshot, speech);
}

function waitingFor({ waitingFor: ids }: Snapshot, { texts }: Speech): string {
  return ids.length === 0 ? texts.waitingForNobody : texts.waitingFor(idRanges(ids), ids.length);
}

function showFinished({ state, agencies, waitingFor: ids }: Snapshot, speech: Speech): void {
  const finished = agencies.filter(agency => agency.finished).length;
  const all = finished + ids.length;
  parts.finished.hidden = state !== 'open' || all === 0;
  parts.bar.max = Math.max(all, 1);
  parts.bar.value = finished;
  setText(parts.finishedText, speech.texts.finishedOf(speech.whole(finished), speech.whole(all)));
}

function showOutcome({ drawHeldAt, winners, seal }: Snapshot, speech: Speech): void {
  const { none } = speech.texts;
  parts.draw.hidden = drawHeldAt === undefined && seal === undefined;
  setText(parts.held, drawHeldAt === undefined ? none : speech.moment(new Date(drawHeldAt)));
  setText(parts.winners, winners === undefined ? none : speech.whole(winners));
  setText(parts.seal, seal ?? none);
}
