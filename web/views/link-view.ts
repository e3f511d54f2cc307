import { byId, setText, showText } from '../dom.ts';
import type { Locale } from '../locale.ts';

/** State of the connection; `lost` with the time of the snapshot shown, if there is one. */
export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live'; readonly time: Date }
  | { readonly kind: 'lost'; readonly time?: Date | undefined }
  | { readonly kind: 'other-version' };

const text = byId('link');
const lost = byId('lost');

/** @param state of the lottery, if it is known: the title while connected */
export function showLink(link: Link, state: string | undefined, locale: Locale): void {
  document.body.dataset['link'] = link.kind;
  setText(text, signText(link, locale));
  const title = link.kind === 'live' ? state : signText(link, locale);
  document.title = `${title} · Lotería Nacional`;
  showText(lost, notice(link, locale));
}

function signText(link: Link, locale: Locale): string {
  const { texts } = locale;
  if (link.kind === 'live') return texts.live(locale.time(link.time));
  return link.kind === 'connecting' ? texts.connecting : texts.linkLost;
}

function notice(link: Link, locale: Locale): string | undefined {
  const { texts } = locale;
  if (link.kind === 'other-version') return texts.otherVersion;
  if (link.kind !== 'lost') return undefined;
  return link.time === undefined ? texts.lostNever : texts.lostSince(locale.time(link.time));
}
