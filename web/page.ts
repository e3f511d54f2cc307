import type { Snapshot } from '../src/http/snapshot.ts';
import { byId, setText } from './dom.ts';
import { type Language, LANGUAGES, preferredLanguage, rememberLanguage } from './language.ts';
import { Live } from './live.ts';
import { Locale } from './locale.ts';
import type { Texts } from './texts/es.ts';
import { showAgencies } from './views/agencies-view.ts';
import { announce, announceChanges } from './views/announcer.ts';
import { showDraw } from './views/draw-view.ts';
import { showEvents } from './views/events-view.ts';
import { showFigures } from './views/figures-view.ts';
import { type Link, showLink } from './views/link-view.ts';
import { showRate } from './views/rate-view.ts';

/** Version of the snapshots. */
const VERSION = 1;

let locale = new Locale(preferredLanguage());
let link: Link = { kind: 'connecting' };
let latest: Snapshot | undefined;

useLanguage(locale.language);
for (const language of LANGUAGES) {
  buttonOf(language).addEventListener('click', () => {
    rememberLanguage(language);
    useLanguage(language);
  });
}
// Relative, like every address here, so that a proxy can add a prefix.
const live = new Live('live', { snapshot: take, lost: lose });
live.open();

function take(snapshot: Snapshot): void {
  // A server of another version was started.
  if (snapshot.version !== VERSION) return connect({ kind: 'other-version' });
  const before = latest;
  latest = snapshot;
  connect({ kind: 'live', time: new Date(snapshot.time) });
  show(snapshot);
  if (before !== undefined) announceChanges(before, snapshot, locale);
}

function lose(): void {
  connect({ kind: 'lost', time: latest && new Date(latest.time) });
}

function connect(next: Link): void {
  const before = link;
  link = next;
  showConnection();
  if (link.kind === before.kind) return;
  if (link.kind === 'other-version') announce(locale.texts.otherVersion);
  if (link.kind === 'lost') announce(locale.texts.linkLost);
  if (link.kind === 'live' && before.kind === 'lost') announce(locale.texts.linkBack);
}

function showConnection(): void {
  showLink(link, latest && locale.texts.states[latest.state], locale);
}

function show(snapshot: Snapshot): void {
  byId('figures-and-tables').hidden = false;
  showDraw(snapshot, locale);
  showFigures(snapshot, locale);
  showRate(snapshot, locale);
  showAgencies(snapshot, locale);
  showEvents(snapshot, locale);
}

function useLanguage(language: Language): void {
  locale = new Locale(language);
  document.documentElement.lang = language;
  for (const each of LANGUAGES)
    buttonOf(each).setAttribute('aria-pressed', String(each === language));
  for (const element of document.querySelectorAll<HTMLElement>('[data-text]')) {
    setText(element, fixedText(element.dataset['text']!));
  }
  for (const element of document.querySelectorAll<HTMLElement>('[data-name]')) {
    element.setAttribute('aria-label', fixedText(element.dataset['name']!));
  }
  showConnection();
  if (latest === undefined) setText(byId('state'), locale.texts.waitingForData);
  else show(latest);
}

/** A constant text, by its name in index.html. */
function fixedText(name: string): string {
  const text = locale.texts[name as keyof Texts];
  if (typeof text !== 'string') throw new Error(`there is no text called ${name}`);
  return text;
}

function buttonOf(language: Language): HTMLElement {
  return document.querySelector<HTMLElement>(`[data-language=${language}]`)!;
}
