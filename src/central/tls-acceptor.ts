import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { Limits } from '../wire/limits.ts';
import type { Served } from './listener.ts';
import type { OpenConnections } from './open-connections.ts';
import { judgeCertificate, type PeerCertificate } from './peer-certificate.ts';

/** A peer whose handshake is done. */
export interface SecurePeer {
  /** Undefined when agencies need no certificate. */
  readonly certificate: PeerCertificate | undefined;
}

export interface TlsCredentials {
  /** The server's certificate and its key, in PEM. */
  readonly identity: { readonly cert: string; readonly key: string };
  /** Authority of the agencies' certificates, in PEM; undefined when agencies need none. */
  readonly clientAuthority: string | undefined;
}

export interface TlsAcceptorParts extends TlsCredentials {
  readonly limits: Limits;
  readonly open: OpenConnections;
  readonly emit: Emit<CentralEvent>;
  readonly now: () => number;
  readonly serve: (socket: Socket, ip: string, peer: SecurePeer) => Served;
}

/** A resumed session would skip the certificate check; renegotiation would let a peer waste CPU. */
const SECURE_OPTIONS = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;

/**
 * Accepts TLS connections for a listener: a connection is served after its handshake, and has a
 * deadline and counts from the start.
 */
export class TlsAcceptor {
  readonly #parts: TlsAcceptorParts;
  /** Runs the handshakes; it listens on no port. */
  readonly #server: Server;
  readonly #handshakes = new Map<string, Handshake>();

  constructor(parts: TlsAcceptorParts) {
    this.#parts = parts;
    this.#server = createServer({
      ...contextOf(parts),
      requestCert: parts.clientAuthority !== undefined,
      // A missing or wrong certificate is refused in the dialect: in TLS 1.3 a client cannot tell a
      // closed connection from a killed server, and would retry for ever.
      rejectUnauthorized: false,
    });
    this.#server.on('secureConnection', socket =>
      this.#handshakes.get(addressOf(socket))?.done(socket),
    );
    this.#server.on('tlsClientError', (error, socket) =>
      this.#handshakes.get(addressOf(socket))?.fail(error),
    );
  }

  /** Replaces the certificates for new connections. */
  use(credentials: TlsCredentials): void {
    this.#server.setSecureContext(contextOf(credentials));
  }

  readonly serve = (socket: Socket, ip: string): Served => {
    const address = addressOf(socket);
    const handshake = new Handshake(socket, ip, this.#parts);
    this.#handshakes.set(address, handshake);
    void handshake.over.then(() => this.#handshakes.delete(address));
    // A peer that half-closes during the handshake is gone.
    socket.allowHalfOpen = false;
    this.#server.emit('connection', socket);
    return handshake;
  };
}

function contextOf({ identity, clientAuthority: ca }: TlsCredentials): SecureContextOptions {
  return {
    ...identity,
    ...(ca !== undefined && { ca }),
    minVersion: 'TLSv1.2',
    secureOptions: SECURE_OPTIONS,
  };
}

/** Identifies an open connection of a port. */
function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** A connection during its handshake, and the served connection after it. */
class Handshake implements Served {
  /** OpenSSL's buffers of a handshake are small and short-lived. */
  readonly bufferedBytes = 0;
  /** Fulfilled when the handshake is done or has failed. */
  readonly over: Promise<void>;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #ip: string;
  readonly #parts: TlsAcceptorParts;
  readonly #openedAt: number;
  readonly #over = Promise.withResolvers<void>();
  #served: Served | undefined;
  #isFailed = false;

  constructor(socket: Socket, ip: string, parts: TlsAcceptorParts) {
    this.#socket = socket;
    this.#ip = ip;
    this.#parts = parts;
    this.#openedAt = parts.now();
    this.over = this.#over.promise;
    this.closed = new Promise(resolve => {
      socket.on('close', () => void this.#onClose().then(resolve));
    });
  }

  checkDeadlines(): void {
    const { limits, now } = this.#parts;
    if (this.#served !== undefined) {
      this.#served.checkDeadlines();
    } else if (now() - this.#openedAt >= limits.handshakeTimeoutMs) {
      this.#emitFailure(`not done within ${limits.handshakeTimeoutMs} ms`);
      this.destroy();
    }
  }

  /** During the handshake there is nothing to answer. */
  stop(): void {
    if (this.#served === undefined) this.destroy();
    else this.#served.stop();
  }

  destroy(): void {
    if (this.#served !== undefined) {
      this.#served.destroy();
      return;
    }
    this.#isFailed = true;
    this.#socket.destroy();
  }

  cutForMemory(): void {
    this.destroy();
  }

  done(socket: TLSSocket): void {
    const { clientAuthority, open, emit, serve } = this.#parts;
    const ip = this.#ip;
    const certificate = clientAuthority === undefined ? undefined : judgeCertificate(socket);
    if (certificate !== undefined && 'refusal' in certificate) {
      this.#emitFailure(certificate.refusal.detail);
    } else {
      emit({
        event: 'handshake-done',
        ip,
        protocol: socket.getProtocol()!,
        agency: certificate?.agency,
      });
    }
    // From here on it may half-close and read the replies, as over plain TCP.
    socket.allowHalfOpen = true;
    this.#served = serve(socket, ip, { certificate });
    // It replaces its handshake in the count.
    open.delete(this);
    open.add(this.#served);
    this.#over.resolve();
  }

  fail(error: Error): void {
    this.#emitFailure(explain(error));
  }

  async #onClose(): Promise<void> {
    const { open, emit } = this.#parts;
    this.#over.resolve();
    if (this.#served !== undefined) {
      await this.#served.closed;
      open.delete(this.#served);
      return;
    }
    // A port probe, which sends nothing, is no failed handshake.
    if (this.#socket.bytesRead > 0) this.#emitFailure('the peer ended the connection');
    emit({ event: 'connection-closed', ip: this.#ip });
  }

  /** Once for each handshake. */
  #emitFailure(error: string): void {
    if (this.#isFailed) return;
    this.#isFailed = true;
    this.#parts.emit({ event: 'handshake-failed', ip: this.#ip, error });
  }
}

const NOT_TLS = 'what the peer says is not TLS';
const TOO_OLD = 'the peer speaks no TLS from 1.2 on';
const NOT_TRUSTED = "the peer does not accept this server's certificate";

/** Failures of a handshake that the peer causes. */
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
