import { byId, setText, showText } from '../dom.ts';
import type { Speech } from '../speech.ts';

/** Whether the page hears from the central; `lost` with the time of what is shown, when there is anything. */
export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live'; readonly time: Date }
  | { readonly kind: 'lost'; readonly time?: Date | undefined }
  | { readonly kind: 'other-version' };

const text = byId('link');
const sign = text.parentElement!;
const lost = byId('lost');

export function showLink(link: Link, speech: Speech): void {
  sign.dataset['link'] = link.kind;
  setText(text, signText(link, speech));
  showText(lost, notice(link, speech));
}

function signText(link: Link, speech: Speech): string {
  const { texts } = speech;
  if (link.kind === 'live') return texts.live(speech.time(link.time));
  return link.kind === 'connecting' ? texts.connecting : texts.linkLost;
}

function notice(link: Link, speech: Speech): string | undefined {
  const { texts } = speech;
  if (link.kind === 'other-version') return texts.otherVersion;
  if (link.kind !== 'lost') return undefined;
  return link.time === undefined ? texts.lostNever : texts.lostSince(speech.time(link.time));
}
