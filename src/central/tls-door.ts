import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { Limits } from '../wire/limits.ts';
import type { Served } from './listener.ts';
import type { OpenConnections } from './open-connections.ts';
import { judgeCertificate, type PeerCertificate } from './peer-certificate.ts';

/** What is known of a peer whose handshake is done. */
export interface SecurePeer {
  /** Undefined when agencies need no certificate. */
  readonly certificate: PeerCertificate | undefined;
}

export interface DoorCredentials {
  /** The server's certificate and its key, in PEM. */
  readonly identity: { readonly cert: string; readonly key: string };
  /** Who signs the agencies' certificates, in PEM; undefined when agencies need none. */
  readonly clientAuthority: string | undefined;
}

export interface TlsDoorParts extends DoorCredentials {
  readonly limits: Limits;
  readonly open: OpenConnections;
  readonly emit: Emit<CentralEvent>;
  readonly now: () => number;
  readonly serve: (socket: Socket, ip: string, peer: SecurePeer) => Served;
}

/**
 * No session is taken up again: its certificate would not be looked at again. And none is renegotiated, by which a peer could
 * make the server work for nothing.
 */
const SECURE_OPTIONS = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;

/**
 * Stands between a listener and what it serves: a connection that was accepted is served once its handshake is done, and
 * counts and has its deadline from the beginning.
 */
export class TlsDoor {
  readonly #parts: TlsDoorParts;
  /** Does the handshakes of connections that it is given; it listens on no port of its own. */
  readonly #server: Server;
  readonly #handshakes = new Map<string, Handshake>();

  constructor(parts: TlsDoorParts) {
    this.#parts = parts;
    this.#server = createServer({
      ...contextOf(parts),
      requestCert: parts.clientAuthority !== undefined,
      // Who has none, or a wrong one, is told so in its own dialect and not cut off: in TLS 1.3 the peer could not tell the
      // cut from a server that was just killed, and would come back for ever.
      rejectUnauthorized: false,
    });
    this.#server.on('secureConnection', socket => this.#handshakes.get(placeOf(socket))?.done(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#handshakes.get(placeOf(socket))?.fail(error));
  }

  /** Connections that are accepted from now on are served with these; whether agencies need a certificate stays. */
  use(credentials: DoorCredentials): void {
    this.#server.setSecureContext(contextOf(credentials));
  }

  /** Takes a connection that was just accepted. */
  readonly serve = (socket: Socket, ip: string): Served => {
    const place = placeOf(socket);
    const handshake = new Handshake(socket, ip, this.#parts);
    this.#handshakes.set(place, handshake);
    void handshake.over.then(() => this.#handshakes.delete(place));
    // A peer that ends its side in the middle of a handshake wants nothing more.
    socket.allowHalfOpen = false;
    this.#server.emit('connection', socket);
    return handshake;
  };
}

function contextOf({ identity, clientAuthority: ca }: DoorCredentials): SecureContextOptions {
  return {
    ...identity,
    ...(ca !== undefined && { ca }),
    minVersion: 'TLSv1.2',
    secureOptions: SECURE_OPTIONS,
  };
}

/** No two open connections of a port come from the same place. */
function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** A connection during its handshake, and what it has become afterwards. */
class Handshake implements Served {
  /** What OpenSSL keeps of an unfinished handshake is not much, and not for long. */
  readonly bufferedBytes = 0;
  /** Fulfilled when the handshake is done or has failed. */
  readonly over: Promise<void>;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #ip: string;
  readonly #parts: TlsDoorParts;
  readonly #openedAt: number;
  readonly #overNow = Promise.withResolvers<void>();
  #served: Served | undefined;
  #told = false;

  constructor(socket: Socket, ip: string, parts: TlsDoorParts) {
    this.#socket = socket;
    this.#ip = ip;
    this.#parts = parts;
    this.#openedAt = parts.now();
    this.over = this.#overNow.promise;
    this.closed = new Promise(resolve => {
      socket.on('close', () => void this.#onClose().then(resolve));
    });
  }

  checkDeadlines(): void {
    const { limits, now } = this.#parts;
    if (this.#served !== undefined) {
      this.#served.checkDeadlines();
    } else if (now() - this.#openedAt >= limits.handshakeTimeoutMs) {
      this.#tellFailure(`not done within ${limits.handshakeTimeoutMs} ms`);
      this.destroy();
    }
  }

  /** Before the handshake is done nothing was taken that would have to be answered. */
  stop(): void {
    if (this.#served === undefined) this.destroy();
    else this.#served.stop();
  }

  destroy(): void {
    if (this.#served !== undefined) {
      this.#served.destroy();
      return;
    }
    this.#told = true;
    this.#socket.destroy();
  }

  cutForRoom(): void {
    this.destroy();
  }

  done(socket: TLSSocket): void {
    const { clientAuthority, open, emit, serve } = this.#parts;
    const ip = this.#ip;
    const certificate = clientAuthority === undefined ? undefined : judgeCertificate(socket);
    if (certificate !== undefined && 'refusal' in certificate) {
      this.#tellFailure(certificate.refusal.detail);
    } else {
      emit({ event: 'handshake-done', ip, protocol: socket.getProtocol()!, agency: certificate?.agency });
    }
    // From here on it may say its last word and still want answers, as over plain TCP.
    socket.allowHalfOpen = true;
    this.#served = serve(socket, ip, { certificate });
    // It counts on in the place of its handshake, with what it holds.
    open.delete(this);
    open.add(this.#served);
    this.#overNow.resolve();
  }

  fail(error: Error): void {
    this.#tellFailure(explain(error));
  }

  async #onClose(): Promise<void> {
    const { open, emit } = this.#parts;
    this.#overNow.resolve();
    if (this.#served !== undefined) {
      await this.#served.closed;
      open.delete(this.#served);
      return;
    }
    // Who says nothing at all, such as a probe of whether the port is open, has not failed at anything.
    if (this.#socket.bytesRead > 0) this.#tellFailure('the peer ended the connection');
    emit({ event: 'connection-closed', ip: this.#ip });
  }

  /** A handshake fails once, whatever follows from it. */
  #tellFailure(error: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#parts.emit({ event: 'handshake-failed', ip: this.#ip, error });
  }
}

const NOT_TLS = 'what the peer says is not TLS';
const TOO_OLD = 'the peer speaks no TLS from 1.2 on';
const NOT_TRUSTED = "the peer does not accept this server's certificate";

/** What can go wrong in a handshake by the fault of the peer. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: NOT_TLS,
  ERR_SSL_HTTPS_PROXY_REQUEST: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: TOO_OLD,
  ERR_SSL_VERSION_TOO_LOW: TOO_OLD,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: TOO_OLD,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: NOT_TRUSTED,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: NOT_TRUSTED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: NOT_TRUSTED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: NOT_TRUSTED,
  ECONNRESET: 'the peer ended the connection',
};

function explain(error: NodeJS.ErrnoException): string {
  const { code = error.message } = error;
  return EXPLANATIONS[code] ?? code;
}
