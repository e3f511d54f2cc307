import { createServer } from 'node:net';

/** Where the page is looked for first: as in the containers. */
const USUAL_PORT = 8080;

/** The port for a page on this machine: the usual one, or 0 for any free one when somebody else has that. */
export async function pagePort(): Promise<number> {
  const probe = createServer();
  const free = await new Promise<boolean>(resolve => {
    probe.once('error', () => resolve(false));
    probe.listen({ port: USUAL_PORT, host: '127.0.0.1' }, () => resolve(true));
  });
  if (!free) return 0;
  await new Promise(resolve => probe.close(resolve));
  return USUAL_PORT;
}
