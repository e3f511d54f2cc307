import type { Socket } from 'node:net';
import { type DialParts, dial } from './dial.ts';
import { AgencyError, LinkError, Stopped } from './errors.ts';
import { socketError } from './socket-error.ts';
import { pause } from './waiting.ts';

export interface EchoParts extends DialParts {
  readonly id: number;
  /** Messages to send. */
  readonly amount: number;
  readonly periodMs: number;
  readonly answerTimeoutMs: number;
  readonly lineBytesMax: number;
}

/**
 * The client of exercises 1 to 4: a connection per message, `[CLIENT 1] Message N°1`, and the same
 * line is expected back.
 *
 * @throws AgencyError, Stopped
 */
export async function runEcho(parts: EchoParts): Promise<void> {
  const { id, amount, periodMs, emit } = parts;
  for (let number = 1; number <= amount; number += 1) {
    const socket = await dial(parts);
    const sent = `[CLIENT ${id}] Message N°${number}`;
    const received = await exchangeLine(socket, sent, parts);
    if (received !== sent) throw new AgencyError(`the server echoed '${received}' for '${sent}'`);
    emit({ event: 'echo', text: received });
    await pause(periodMs, parts);
  }
  emit({ event: 'echo-finished' });
}

/** Sends a line and returns the line that comes back; the socket is closed then. */
async function exchangeLine(socket: Socket, line: string, parts: EchoParts): Promise<string> {
  const { stop, answerTimeoutMs, lineBytesMax, emit, addresses } = parts;
  const onStop = (): void => void socket.destroy(new Stopped());
  stop.addEventListener('abort', onStop);
  socket.setTimeout(answerTimeoutMs, () =>
    socket.destroy(new LinkError(`no answer within ${answerTimeoutMs} ms`)),
  );
  socket.write(`${line}\n`);
  let received = Buffer.alloc(0);
  try {
    // Leaving the loop destroys the socket.
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf('\n');
      if (end >= 0) return received.subarray(0, end).toString('utf8');
      if (received.length > lineBytesMax) break;
    }
  } catch (error) {
    if (error instanceof Stopped) throw error;
    const reason = socketError(error as Error);
    throw new AgencyError(
      `the connection was lost before the echo came back, ${reason.message}`,
      error,
    );
  } finally {
    stop.removeEventListener('abort', onStop);
    emit({ event: 'socket-closed', address: addresses.current.text });
  }
  throw new AgencyError('the server closed the connection before the echo came back');
}
