import type { Intervention } from '../../lottery/fact.ts';
import type { Group, JournalRecord, RefusedBatch } from './journal-record.ts';

/** A record of the journal in words, in lines. */
export function describeRecord(record: JournalRecord): string[] {
  switch (record.type) {
    case 'begin':
      return [`begin       ${record.time}, format ${record.version}${agenciesOf(record)}`];
    case 'agencies':
      return [`agencies    ${record.agencies}${byHand(record)}`];
    case 'reopened':
      return [`reopened    agency ${record.agency}${byHand(record)}`];
    case 'void':
      return [
        `void        agency ${record.agency}${uploadOf(record)}: ${record.bets} bets, ${record.bytes} bytes${byHand(record)}`,
      ];
    case 'adopt':
      return [
        `adopt       rows up to ${record.end}`,
        ...record.bets.map(([agency, bets]) => `            agency ${agency}: ${bets} bets`),
      ];
    case 'group':
      return [
        `group       rows up to ${record.end}, crc32 ${record.crc32}`,
        ...describeBatches(record),
      ];
    case 'finished':
      return [`finished    agency ${record.agency}${uploadOf(record)}`];
    case 'checkpoint':
      return [`checkpoint  rows up to ${record.end}, sha256 ${record.sha256}`];
    case 'close':
      return [
        `close       ${record.time}, acta ${record.acta}, ${record.bets} bets, rows up to ${record.end}, sha256 ${record.sha256}`,
      ];
    case 'draw':
      return [
        `draw        ${record.time}, ${record.bets} bets, rows up to ${record.end}, sha256 ${record.sha256}`,
        ...record.winners.map(
          ([agency, documents]) =>
            `            agency ${agency}: ${documents.length} winners, ${documents.join(' ')}`,
        ),
      ];
  }
}

const uploadOf = ({ upload }: { upload?: string | undefined }): string =>
  upload ? `, upload ${upload}` : '';

const agenciesOf = ({ agencies }: { agencies?: string | undefined }): string =>
  agencies === undefined ? '' : `, agencies ${agencies}`;

function byHand({ reason, by, time }: Partial<Intervention>): string {
  return reason === undefined ? '' : `, ${time} by ${by}: ${reason}`;
}

interface Run {
  readonly agency: number;
  readonly upload: string | undefined;
  readonly first: number | undefined;
  batches: number;
  bets: number;
}

/** Adjacent batches of one upload share a line. */
function describeBatches({ batches }: Group): string[] {
  const lines: string[] = [];
  let run: Run | undefined;
  const endRun = (): void => {
    if (run !== undefined) lines.push(describeRun(run));
    run = undefined;
  };
  for (const batch of batches) {
    if ('reason' in batch) {
      endRun();
      lines.push(describeRefused(batch));
      continue;
    }
    const [agency, bets, , upload, seq] = batch;
    if (run?.agency !== agency || run.upload !== upload) endRun();
    run ??= { agency, upload, first: seq, batches: 0, bets: 0 };
    run.batches += 1;
    run.bets += bets;
  }
  endRun();
  return lines;
}

function describeRun({ agency, upload, first, batches, bets }: Run): string {
  const count = batches === 1 ? '1 batch' : `${batches} batches`;
  const place = first === undefined ? '' : ` from batch ${first} of upload ${upload}`;
  return `            agency ${agency}: ${bets} bets, ${count}${place}`;
}

function describeRefused({ agency, upload, seq, index, field, reason }: RefusedBatch): string {
  return `            agency ${agency}: batch ${seq} of upload ${upload} refused, bet ${index}, ${field}, ${reason}`;
}
