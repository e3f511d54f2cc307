import { TlsAcceptor, type TlsAcceptorParts } from '../central/tls-acceptor.ts';
import type { ServerTls } from '../config/tls-files.ts';
import { readServerCredentials, type ServerCredentials } from '../tls/credentials.ts';
import { Reloading } from '../tls/reloading.ts';
import { troubleOf } from '../tls/validity.ts';

/** Intervals of reading the files again and of warnings about expiry. */
const LOOK_MS = 10_000;
const WARN_MS = 24 * 60 * 60 * 1000;

export interface ServerTlsParts extends Pick<TlsAcceptorParts, 'limits' | 'open' | 'emit' | 'now'> {
  readonly files: ServerTls;
}

/** TLS of all listeners, with credentials that are reloaded. Loaded only by servers that use it. */
export class TlsAcceptors {
  readonly #parts: ServerTlsParts;
  readonly #credentials: Reloading<ServerCredentials>;
  readonly #acceptors: TlsAcceptor[] = [];
  readonly #timers: readonly NodeJS.Timeout[];

  /** @throws CredentialsError */
  constructor(parts: ServerTlsParts) {
    this.#parts = parts;
    this.#credentials = new Reloading(() => readServerCredentials(parts.files));
    this.#tell();
    this.#timers = [
      setInterval(() => this.#look(), LOOK_MS),
      setInterval(() => this.#warn(), WARN_MS),
    ];
    for (const timer of this.#timers) timer.unref();
    process.on('SIGHUP', this.#onHangUp);
  }

  add(serve: TlsAcceptorParts['serve']): TlsAcceptor {
    const acceptor = new TlsAcceptor({ ...this.#parts, ...this.#credentials.value, serve });
    this.#acceptors.push(acceptor);
    return acceptor;
  }

  stop(): void {
    process.off('SIGHUP', this.#onHangUp);
    for (const timer of this.#timers) clearInterval(timer);
    this.#parts.emit({ event: 'timer-closed', timer: 'tls_files' });
  }

  readonly #onHangUp = (): void => {
    this.#credentials.forget();
    this.#look();
  };

  #look(): void {
    const outcome = this.#credentials.look();
    if (outcome === undefined) return;
    if (outcome instanceof Error) {
      this.#parts.emit({ event: 'tls-kept', error: outcome.message });
      return;
    }
    for (const acceptor of this.#acceptors) acceptor.use(this.#credentials.value);
    this.#tell();
  }

  #tell(): void {
    const { subject, validities, clientAuthority } = this.#credentials.value;
    this.#parts.emit({
      event: 'tls-opened',
      subject,
      validities,
      mutual: clientAuthority !== undefined,
    });
    this.#warn();
  }

  #warn(): void {
    for (const validity of this.#credentials.value.validities) {
      const trouble = troubleOf(validity, new Date());
      if (trouble !== undefined)
        this.#parts.emit({ event: 'certificate-trouble', ...validity, trouble });
    }
  }
}
