import { agencies, bets as countedBets, eventsEn } from './events-en.ts';
import type { Texts } from './es.ts';

export const en: Texts = {
  language: 'Language',
  // With a 24-hour clock, and days before months.
  locale: 'en-GB',

  connecting: 'Connecting…',
  live: time => `Live · ${time}`,
  linkLost: 'No connection',
  lostNever: 'The central cannot be reached. Retrying…',
  lostSince: time =>
    `The connection to the central was lost. The figures are from ${time}. Retrying…`,
  linkBack: 'Reconnected to the central.',
  otherVersion: 'The central has changed its version. Reload the page.',
  notReady: reason => `The central cannot accept bets: ${reason}.`,
  notReadyReasons: {
    'disk-full': 'the disk is full. It accepts them again when there is space',
    'engine-away': 'the database does not answer. Agencies wait or are refused',
    'engine-unsafe':
      'the database does not replicate what it acknowledges to a second machine (STORE_SYNC)',
  },

  waitingForData: 'Waiting for data from the central',
  states: {
    recovering: 'Recovering the data',
    open: 'Taking bets',
    complete: 'Closing',
    closed: 'Bets closed',
    drawn: 'Draw held',
    stopping: 'Stopping',
  },
  stateDetails: {
    recovering: 'The central reads the stored data before it takes bets.',
    complete: 'Every agency has finished.',
    closed: 'The draw is in progress.',
    drawn: 'Each agency can ask for its winners.',
    stopping: 'The central answers the accepted requests and stops.',
  },
  waitingFor: (ids, count) => `Waiting for ${count === 1 ? 'agency' : 'agencies'} ${ids}.`,
  andMore: count => `and ${count} more`,
  waitingForNobody: 'No agency is expected.',
  finishedOf: (finished, all) => `${finished} of ${agencies(all)} finished`,
  agenciesFinished: (ids, count) =>
    count === 1 ? `Agency ${ids} has finished.` : `Agencies ${ids} have finished.`,
  drawIn: time => `${time} until the draw.`,
  awaitsSignature: file => `The draw waits for the auditor's signature in ${file}.`,
  acta: 'Acta of the close',
  actaNumber: number => `Acta ${number}`,
  withdrawn: numbers => `withdrawn: ${numbers}`,
  actaSha256: 'SHA-256 of the acta',
  disputed: (ids, count) =>
    `What ${count === 1 ? 'agency' : 'agencies'} ${ids} sent differs from the acta.`,
  drawHeld: 'Held',
  winners: 'Winners',
  seal: 'Seal (SHA-256 of the bets)',

  figures: 'Figures',
  bets: 'Bets',
  betsPerSecond: 'Per second',
  refused: 'Refused',
  connections: 'Connections',
  syncTime: 'Disk sync',
  syncDetail: (p99, last) => `median, p99\u00a0${p99}, last\u00a0${last}`,
  diskLeft: 'Disk space',
  diskDetail: (total, share) => `free, ${share} of ${total}`,
  none: '–',

  rate: 'Bets per second',
  rateSummary: ({ from, to, bets, most, at }) =>
    `From ${from} to ${to}: ${countedBets(bets)}. Maximum: ${most} per second, at ${at}.`,
  rateNothing: 'No bets in the last five minutes.',
  asTable: 'Show as a table',
  from: 'From',
  mean: 'Mean per second',
  most: 'Maximum per second',

  agencies: 'Agencies',
  agenciesCaption: 'What each agency has sent, and whether it has finished',
  agency: 'Agency',
  connected: 'Connected',
  finishedColumn: 'Finished',
  yes: 'yes',
  yesTimes: count => `yes (${count})`,
  no: 'no',

  events: 'Recent events',
  noEvents: 'No events yet.',
  olderEvents: 'Earlier events',
  eventTexts: eventsEn,
  eventTimes: count => `(${count}\u00a0times)`,
  since: time => `Running since ${time}.`,
};
