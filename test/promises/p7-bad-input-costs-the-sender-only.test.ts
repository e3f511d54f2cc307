import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  bet,
  conn,
  done,
  END,
  frame,
  helo,
  nbet,
  range,
  row,
  sbet,
  WAIT,
} from '../support/base-frames.ts';
import { Peer } from '../support/peer.ts';
import { startServer } from '../support/program.ts';
import { temporaryFolder } from '../support/temp-folder.ts';

const env = {
  NUMBER_AGENCIES: '2',
  PAYLOAD_BYTES_MAX: '1024',
  AGENCY_CONNECTIONS_MAX: '1',
  FIRST_MESSAGE_TIMEOUT: '800ms',
  MESSAGE_TIMEOUT: '800ms',
};

/** A header with a payload length. */
const announcing = (type: string, bytes: number): Buffer => {
  const header = frame(type, '');
  header.writeUInt32BE(bytes, 4);
  return header;
};

/** Bytes of a peer, and the end of its answers. Agency 1 is another, connected peer. */
const OFFENDERS: readonly (readonly [string, readonly Uint8Array[], RegExp | string])[] = [
  ['an unknown message', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'NOK'],
  ['no message', [], 'NOK'],
  ['a truncated message', [conn(2), nbet(bet(1)).subarray(0, 20)], 'NOK'],
  ['bets before CONN', [nbet(bet(1))], 'NOK'],
  ['an unexpected agency', [conn(3)], 'NOK'],
  ['an agency at its connection limit', [conn(1)], 'NOK'],
  ['a length of four gigabytes', [conn(2), announcing('NBET', 0xffff_ffff)], 'NOK'],
  ['an oversized payload', [helo(2), announcing('SBET', 1025)], /^FAIL payload-too-large\|1\|/],
  ['a count larger than its bets', [conn(2), frame('NBET', ['9', ...bet(1)].join('|'))], 'NOK'],
  [
    'bytes that are not UTF-8',
    [conn(2), frame('NBET', Buffer.from('1|\xff|a|1|1990-01-02|1', 'latin1'))],
    'NOK',
  ],
  ['an invalid bet', [conn(2), frame('BET', bet('x').join('|'))], 'NOK'],
  ['a sequence gap', [helo(2), sbet(7, bet(1))], /^FAIL sequence-gap\|1\|/],
  ['a batch without a number', [helo(2), frame('SBET', 'x|y')], /^FAIL malformed\|1\|/],
  ['an upload with a name like a path', [helo(2, '../../etc')], /^FAIL malformed\|1\|/],
  ['wrong counts', [helo(2), done(5, 50)], /^FAIL count-mismatch\|1\|/],
];

describe('P7 Bad input costs the sender only', () => {
  test('a bad peer is refused and cut off, without effect on another connection', async () => {
    const folder = await temporaryFolder();
    const { server, port } = await startServer(folder, env);
    const honest = await Peer.connect(port);
    honest.send(helo(1));
    expect(await honest.frame()).toMatch(/^WELC 1\|/);
    for (const [index, [what, says, lastAnswer]] of OFFENDERS.entries()) {
      const refusals = server.lines.filter(({ result }) => result === 'fail').length;
      const offender = await Peer.connect(port);
      offender.send(Buffer.concat(says));
      honest.send(sbet(index + 1, bet(100 + index, 7574)));
      expect(await honest.frame(), `while another peer sends ${what}`).toBe('OK');
      const answers = await offender.lastFrames();
      expect(answers.at(-1), what).toMatch(lastAnswer);
      expect(
        answers.filter(answer => answer.startsWith('OK') || answer.startsWith('RWIN')),
        what,
      ).toEqual([]);
      offender.socket.destroy();
      await server.line(
        () => server.lines.filter(({ result }) => result === 'fail').length > refusals,
        `line of the log about ${what}`,
      );
    }
    honest.send(Buffer.concat([done(OFFENDERS.length, OFFENDERS.length), END, WAIT]));
    expect(await honest.frames(2)).toEqual(['OK', 'OK']);
    // Agency 2 is still accepted after bad input in its name.
    const second = await Peer.connect(port);
    second.send(Buffer.concat([conn(2), nbet(bet(21)), END]));
    expect(await second.frames(2)).toEqual(['OK', 'OK']);
    const documents = range(OFFENDERS.length).map(index => 100 + index);
    expect(await honest.frame()).toBe(`RWIN ${documents.length}|${documents.join('|')}`);
    const rows = [...documents.map(document => row(1, document, 7574)), row(2, 21)];
    expect(await readFile(join(folder, 'bets.csv'), 'utf8')).toBe(rows.join(''));
  });
});
