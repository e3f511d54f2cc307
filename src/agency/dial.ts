import type { Socket } from 'node:net';
import type { Address } from './addresses.ts';
import type { AgencyParts } from './agency-parts.ts';
import { reconnectBackOff } from './back-off.ts';
import { PLAIN } from './connector.ts';
import { AgencyError, LinkError, Stopped } from './errors.ts';
import { socketError } from './socket-error.ts';
import type { Limits } from '../wire/limits.ts';
import { pause } from './waiting.ts';

/** Node ends an attempt first and tries the next address, which restarts the timeout. */
const ATTEMPT_GRACE_MS = 50;

type SharedParts = 'addresses' | 'connector' | 'maxElapsedMs' | 'stop' | 'emit' | 'now' | 'random';

export interface DialParts extends Pick<AgencyParts, SharedParts> {
  readonly limits: Pick<Limits, 'connectTimeoutMs' | 'handshakeTimeoutMs'>;
  /** When the trying began, when it was before this call. */
  readonly since?: number | undefined;
}

/**
 * Connects to the central, and retries while it cannot be reached: one server after the other, with
 * a wait after each round. Afterwards, the connected server is the current one of `addresses`.
 *
 * @throws AgencyError when `maxElapsedMs` have passed
 * @throws Stopped
 */
export async function dial(parts: DialParts): Promise<Socket> {
  const { addresses, emit, now, maxElapsedMs, random } = parts;
  const startedAt = parts.since ?? now();
  const backOff = reconnectBackOff(random);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await dialOnce(addresses.current, parts);
    } catch (error) {
      const { host, port } = addresses.current;
      const address = addresses.currentForLog;
      if (!(error instanceof LinkError)) throw error;
      addresses.failOver();
      const isRoundOver = attempt % addresses.count === 0;
      const waitMs = isRoundOver ? backOff.next() : 0;
      if (maxElapsedMs > 0 && now() - startedAt + waitMs > maxElapsedMs) {
        throw new AgencyError(
          `the central cannot be reached at ${host}, port ${port}, ${error.message}, after ${attempt} attempts; server.address in config.yaml or CLI_SERVER_ADDRESS names it`,
          error,
        );
      }
      emit({ event: 'connecting', attempt, waitMs, error: error.message, address });
      await pause(waitMs, parts);
    }
  }
}

function dialOnce({ host, port }: Address, parts: DialParts): Promise<Socket> {
  const { stop, connector = PLAIN } = parts;
  const { connectTimeoutMs, handshakeTimeoutMs } = parts.limits;
  return new Promise((resolve, reject) => {
    if (stop.aborted) {
      reject(new Stopped());
      return;
    }
    const socket = connector.open({ host, port, autoSelectFamilyAttemptTimeout: connectTimeoutMs });
    const settle = (): void => {
      clearTimeout(timeout);
      stop.removeEventListener('abort', onStop);
      socket.off(connector.readyEvent, onConnect);
      socket.off('error', onError);
      socket.off('connectionAttempt', onAttempt);
      socket.off('connect', onHandshake);
    };
    const giveUp = (error: Error): void => {
      settle();
      // Ignore late errors of an abandoned socket.
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onStop = (): void => giveUp(new Stopped());
    const onError = (error: Error): void => giveUp(socketError(error));
    const onConnect = (): void => {
      settle();
      resolve(socket);
    };
    const onTimeout = (): void => giveUp(new LinkError('no answer to the connection'));
    let timeout = setTimeout(onTimeout, connectTimeoutMs + ATTEMPT_GRACE_MS);
    const onAttempt = (): unknown => timeout.refresh();
    const onHandshake = (): void => {
      clearTimeout(timeout);
      timeout = setTimeout(onTimeout, handshakeTimeoutMs);
    };
    stop.addEventListener('abort', onStop);
    socket.on('error', onError);
    socket.on('connectionAttempt', onAttempt);
    if (connector.readyEvent !== 'connect') socket.on('connect', onHandshake);
    socket.on(connector.readyEvent, onConnect);
  });
}
