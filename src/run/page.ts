import { once } from 'node:events';
import { createServer } from 'node:net';

/** As in the containers. */
const USUAL_PORT = 8080;

/** The usual port, or 0 for any free one if it is in use. */
export async function pagePort(): Promise<number> {
  const probe = createServer();
  const listening = once(probe.listen({ port: USUAL_PORT, host: '127.0.0.1' }), 'listening');
  const free = await listening.then(
    () => true,
    () => false,
  );
  if (!free) return 0;
  await new Promise(resolve => probe.close(resolve));
  return USUAL_PORT;
}
