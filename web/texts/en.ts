import { eventsEn } from './events-en.ts';
import type { Texts } from './es.ts';

export const en: Texts = {
  language: 'Language',
  // With a 24-hour clock, and days before months.
  locale: 'en-GB',

  connecting: 'Connecting…',
  live: time => `Live · ${time}`,
  linkLost: 'No connection',
  lostNever: 'The central cannot be reached. Trying again and again.',
  lostSince: time =>
    `The connection to the central broke. What you see is of ${time}. Trying again and again.`,
  linkBack: 'Connected to the central again.',
  otherVersion: 'The central no longer speaks the version of this page: reload it.',
  notReady: reason => `The central cannot work now: ${reason}.`,
  notReadyReasons: {
    'disk-full': 'the disk is full, and every bet is refused until there is room',
    'engine-away':
      'the replicated store does not answer, and agencies wait or are refused until it does',
    'engine-unsafe':
      'the database does not keep what it acknowledges on a second machine, as STORE_SYNC wants it',
  },

  waitingForData: 'Waiting for the figures of the central',
  states: {
    recovering: 'Recovering what is stored',
    open: 'Taking bets',
    complete: 'Closing',
    closed: 'Bets closed',
    drawn: 'Draw held',
    stopping: 'Stopping',
  },
  stateDetails: {
    recovering: 'The central reads what is stored before it serves.',
    complete: 'Every agency has finished.',
    closed: 'The draw is being held.',
    drawn: 'Each agency can ask for its winners.',
    stopping: 'The central answers what it has accepted, and stops.',
  },
  waitingFor: (ids, count) => `Waiting for ${count === 1 ? 'agency' : 'agencies'} ${ids}.`,
  andMore: count => `and ${count} more`,
  waitingForNobody: 'No agency is expected.',
  finishedOf: (finished, all) => `${finished} of ${all} agencies have finished`,
  agenciesFinished: (ids, count) =>
    count === 1 ? `Agency ${ids} has finished.` : `Agencies ${ids} have finished.`,
  drawIn: time => `The draw is held in ${time}.`,
  awaitsSignature: file => `The draw waits for the auditor's signature in ${file}.`,
  acta: 'Acta of the close',
  actaNumber: number => `Acta ${number}`,
  withdrawn: numbers => `withdrawn: ${numbers}`,
  actaSha256: 'SHA-256 of the acta',
  disputed: agencies => `Agencies that have sent something else than the acta says: ${agencies}.`,
  drawHeld: 'Held',
  winners: 'Winners',
  seal: 'Seal (SHA-256 of the bets)',

  figures: 'Figures',
  bets: 'Bets',
  betsPerSecond: 'Per second',
  refused: 'Refused',
  connections: 'Connections',
  syncTime: 'Time per sync',
  syncDetail: (p99, last) => `median, p99 ${p99}, last ${last}`,
  diskLeft: 'Disk left',
  diskDetail: (total, share) => `${share} of ${total}`,
  none: '–',

  rate: 'Bets per second',
  rateSummary: (most, time, bets) =>
    `Last five minutes: ${bets} bets, at most ${most} in a second, at ${time}.`,
  rateNothing: 'No bets in the last five minutes.',
  asTable: 'Show as a table',
  from: 'From',
  mean: 'Mean per second',
  most: 'Most in a second',

  agencies: 'Agencies',
  agenciesCaption: 'What each agency has sent, and whether it has finished',
  agency: 'Agency',
  connected: 'Connected',
  finishedColumn: 'Finished',
  yes: 'yes',
  yesTimes: count => `yes (${count})`,
  no: 'no',

  events: 'Recent events',
  noEvents: 'Nothing has happened yet.',
  eventTexts: eventsEn,
  eventTimes: count => `(${count} times)`,
  since: time => `Running since ${time}.`,
};
