import { byId, setText, showText } from '../dom.ts';
import type { Locale } from '../locale.ts';

/** State of the connection; `lost` with the time of the snapshot shown, if there is one. */
export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live'; readonly time: Date }
  | { readonly kind: 'lost'; readonly time?: Date | undefined }
  | { readonly kind: 'other-version' };

const text = byId('link');
const sign = text.parentElement!;
const lost = byId('lost');

export function showLink(link: Link, locale: Locale): void {
  sign.dataset['link'] = link.kind;
  setText(text, signText(link, locale));
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
