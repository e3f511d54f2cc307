import type { Snapshot } from '../src/http/snapshot.ts';
import { byId, setText } from './dom.ts';
import { type Language, LANGUAGES, preferredLanguage, rememberLanguage } from './language.ts';
import { Live } from './live.ts';
import { Speech } from './speech.ts';
import type { Texts } from './texts/es.ts';
import { showAgencies } from './views/agencies-view.ts';
import { announce, announceChanges } from './views/announcer.ts';
import { showDraw } from './views/draw-view.ts';
import { showEvents } from './views/events-view.ts';
import { showFigures } from './views/figures-view.ts';
import { type Link, showLink } from './views/link-view.ts';
import { showRate } from './views/rate-view.ts';

/** The version of the snapshots that this page understands. */
const VERSION = 1;

let speech = new Speech(preferredLanguage());
let link: Link = { kind: 'connecting' };
let latest: Snapshot | undefined;

speak(speech.language);
for (const language of LANGUAGES) {
  buttonOf(language).addEventListener('click', () => {
    rememberLanguage(language);
    speak(language);
  });
}
// Relative, as everything the page asks for.
const live = new Live('live', { snapshot: take, lost: lose });
live.open();

function take(snapshot: Snapshot): void {
  // A server of another version has been started meanwhile: what it means is not for this page to guess.
  if (snapshot.version !== VERSION) return connect({ kind: 'other-version' });
  const before = latest;
  latest = snapshot;
  connect({ kind: 'live', time: new Date(snapshot.time) });
  show(snapshot);
  if (before !== undefined) announceChanges(before, snapshot, speech);
}

function lose(): void {
  connect({ kind: 'lost', time: latest && new Date(latest.time) });
}

function connect(next: Link): void {
  const before = link;
  link = next;
  showLink(link, speech);
  if (link.kind === before.kind) return;
  if (link.kind === 'other-version') announce(speech.texts.otherVersion);
  if (link.kind === 'lost') announce(speech.texts.linkLost);
  if (link.kind === 'live' && before.kind === 'lost') announce(speech.texts.linkBack);
}

function show(snapshot: Snapshot): void {
  byId('figures-and-tables').hidden = false;
  document.title = `${speech.texts.states[snapshot.state]} · Lotería Nacional`;
  showDraw(snapshot, speech);
  showFigures(snapshot, speech);
  showRate(snapshot, speech);
  showAgencies(snapshot, speech);
  showEvents(snapshot, speech);
}

function speak(language: Language): void {
  speech = new Speech(language);
  document.documentElement.lang = language;
  for (const each of LANGUAGES) buttonOf(each).setAttribute('aria-pressed', String(each === language));
  for (const element of document.querySelectorAll<HTMLElement>('[data-text]')) {
    setText(element, fixedText(element.dataset['text']!));
  }
  for (const element of document.querySelectorAll<HTMLElement>('[data-name]')) {
    element.setAttribute('aria-label', fixedText(element.dataset['name']!));
  }
  showLink(link, speech);
  if (latest === undefined) setText(byId('state'), speech.texts.waitingForData);
  else show(latest);
}

/** A text that depends on nothing but the language, by the name that index.html has for it. */
function fixedText(name: string): string {
  const text = speech.texts[name as keyof Texts];
  if (typeof text !== 'string') throw new Error(`there is no text called ${name}`);
  return text;
}

function buttonOf(language: Language): HTMLElement {
  return document.querySelector<HTMLElement>(`[data-language=${language}]`)!;
}
