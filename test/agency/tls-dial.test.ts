import { createServer, type TlsOptions } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Addresses } from '../../src/agency/addresses.ts';
import { dial, type DialParts } from '../../src/agency/dial.ts';
import { LinkError, Stopped } from '../../src/agency/errors.ts';
import { Link } from '../../src/agency/link.ts';
import { tlsConnector } from '../../src/agency/tls-connector.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS as limits } from '../../src/wire/limits.ts';
import {
  EXPIRED,
  HOSTS,
  NOT_YET_VALID,
  pem,
  type Pem,
  signed,
  VALID,
} from '../support/certificates.ts';
import { listen } from '../support/listen.ts';
import { FakeCentral } from '../support/fake-central.ts';
import { Events, failureOf, loopback } from './start-agency.ts';

const trusted = await signed();

/** An independent TLS server, which resets unauthorized connections. @returns its port */
const strict = (options: TlsOptions): Promise<number> =>
  listen(createServer({ ca: trusted.ca, ...options }, socket => void socket.on('error', () => {})));

function parts(port: number, identity?: Pem): DialParts & { events: Events } {
  const events = new Events();
  return {
    addresses: loopback(port),
    limits: { connectTimeoutMs: 5_000, handshakeTimeoutMs: 5_000 },
    connector: tlsConnector(() => ({ authority: trusted.ca, identity })),
    maxElapsedMs: 0,
    stop: new AbortController().signal,
    emit: events.emit,
    now: () => performance.now(),
    random: () => 0.5,
    events,
  };
}

async function serverPem(validity = VALID, hosts = HOSTS): Promise<Pem> {
  return pem(await trusted.authority.issueServer(hosts, validity));
}

/** Dials until the first attempt has failed. @returns the error */
async function firstFailure(given: DialParts & { events: Events }): Promise<string> {
  const { events, ...rest } = given;
  const stopping = new AbortController();
  const dialed = failureOf(dial({ ...rest, stop: stopping.signal }));
  await events.until('connecting');
  stopping.abort();
  expect(await dialed).toBeInstanceOf(Stopped);
  return events.of('connecting')[0]!.error;
}

describe('an untrusted server certificate', () => {
  test.each([
    ['expired', () => serverPem(EXPIRED), 'it has expired'],
    ['not valid yet', () => serverPem(NOT_YET_VALID), 'it is not valid yet'],
    [
      'for another host',
      () => serverPem(VALID, ['localhost']),
      'it does not name the host of server.address',
    ],
    [
      'of another authority',
      async () => (await signed()).server,
      'it is not signed by the authority of tls.ca',
    ],
    ['of an agency', () => trusted.agency(1), 'it is not one for servers'],
  ])('(%s) is reported, and the server retried', async (_, identity, why) => {
    const error = await firstFailure(parts(await strict(await identity())));
    expect(error).toBe(`the server's certificate cannot be trusted, ${why}`);
  });

  test('is accepted once the agency trusts its authority', async () => {
    let authority = (await signed()).ca;
    const { events, ...rest } = parts(await strict(trusted.server));
    const connector = tlsConnector(() => ({ authority, identity: undefined }));
    const dialed = dial({ ...rest, connector });
    await events.until('connecting');
    authority = trusted.ca;
    (await dialed).destroy();
  });

  test('is distinguished from a server without TLS 1.2', async () => {
    const options = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    } as const;
    const error = await firstFailure(parts(await strict({ ...trusted.server, ...options })));
    expect(error).toBe('the server speaks no TLS from 1.2 on');
  });
});

describe('a server that requires client certificates', () => {
  const MUTUAL = { ...trusted.server, requestCert: true, rejectUnauthorized: true };

  test('in TLS 1.3 refuses an agency without one at its first request', async () => {
    const socket = await dial(parts(await strict(MUTUAL)));
    const dialect = createResumableDialect(new PlainBetReader());
    const codec = dialect.agency(limits, 1);
    const link = new Link(socket, codec, limits);
    onTestFinished(() => link.close());
    const error = await failureOf(link.request(codec.resume('u')));
    expect(error).toBeInstanceOf(LinkError);
    expect(error.message).toBe(
      'the server does not accept the certificate of this agency, certificate required',
    );
  });
});

describe('several servers over TLS', () => {
  /** Two servers, the first with a host name, the second with an IP address. */
  async function twoServers(names: readonly [string, string]) {
    const list = await Promise.all(
      ['localhost', '127.0.0.1'].map(async (host, index) => {
        const port = await strict(await serverPem(VALID, [names[index]!]));
        return { host, port, text: `${host}:${port}` };
      }),
    );
    return (agency: number) => ({ ...parts(1), addresses: new Addresses(list, agency) });
  }

  test.each([1, 2])('are verified by the name that was dialed (agency %i)', async agency => {
    const partsOf = await twoServers(['localhost', '127.0.0.1']);
    const { addresses, ...rest } = partsOf(agency);
    const socket = await dial({ addresses, ...rest });
    onTestFinished(() => void socket.destroy());
    expect(socket.remotePort).toBe(addresses.current.port);
  });

  test.each([1, 2])('may not present the name of each other (agency %i)', async agency => {
    const partsOf = await twoServers(['127.0.0.1', 'localhost']);
    expect(await firstFailure(partsOf(agency))).toBe(
      "the server's certificate cannot be trusted, it does not name the host of server.address",
    );
  });

  test('fail over when one stalls in the handshake', async () => {
    const silent = await FakeCentral.listen();
    const port = await strict(trusted.server);
    const { events, ...rest } = parts(1);
    const socket = await dial({
      ...rest,
      addresses: loopback([silent.port, port]),
      limits: { connectTimeoutMs: 50, handshakeTimeoutMs: 50 },
    });
    onTestFinished(() => void socket.destroy());
    expect(socket.remotePort).toBe(port);
    expect(events.of('connecting').map(({ error }) => error)).toEqual([
      'no answer to the connection',
    ]);
  });
});

test('a server that closes during the TLS handshake is retried', async () => {
  const central = await FakeCentral.listen();
  const { events, ...rest } = parts(central.port);
  const stopping = new AbortController();
  const dialed = failureOf(dial({ ...rest, stop: stopping.signal }));
  (await central.accept()).socket.end();
  await events.until('connecting');
  stopping.abort();
  await dialed;
  expect(events.of('connecting').map(({ error }) => error)).toEqual([
    'ECONNRESET before the TLS handshake was done; does the server speak TLS on this port?',
  ]);
  expect(await dialed).not.toBeInstanceOf(LinkError);
});
