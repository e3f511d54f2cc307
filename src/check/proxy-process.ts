import { onJsonLine } from '../files/json-lines.ts';
import { type ProxyCommand, type ProxyMessage, wallMs } from './proxy-messages.ts';
import { Proxy } from './proxy.ts';

/**
 * The proxy as a separate process, in the subject's network namespace or container. Reads commands
 * from standard input, a line each, and writes answers and events to standard output. Ends at the
 * end of its input.
 */
let openedAtMs = wallMs();
const clientOfPort = new Map<number, number>();
const clientOfAddress = new Map<string, number>();

function tell(message: ProxyMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const proxy = new Proxy({
  now: () => wallMs() - openedAtMs,
  clientOf: ({ localPort, remoteAddress }) =>
    clientOfPort.get(localPort!) ??
    clientOfAddress.get(remoteAddress!.replace(/^::ffff:/, '')) ??
    0,
  onEvent: ({ bytes, ...event }) =>
    tell({
      event:
        bytes === undefined ? event : { ...event, base64: Buffer.from(bytes).toString('base64') },
    }),
});

async function obey(command: ProxyCommand): Promise<number | undefined> {
  switch (command.do) {
    case 'open':
      openedAtMs = command.atMs;
      for (const [address, client] of Object.entries(command.clients ?? {}))
        clientOfAddress.set(address, client);
      return undefined;
    case 'listen': {
      const port = await proxy.listen(command.host, command.port);
      if (command.client !== undefined) clientOfPort.set(port, command.client);
      return port;
    }
    case 'target':
      proxy.setTarget(command);
      return undefined;
    case 'plan':
      await proxy.plan(command.plan, command.client);
      return undefined;
    case 'release':
      await proxy.release(command.client);
      return undefined;
    case 'hold':
      await proxy.hold(command.client);
      return undefined;
    case 'cut':
      await proxy.cut(command.client);
      return undefined;
  }
}

process.stdin.on('end', () => void proxy.close());
onJsonLine(process.stdin, message => {
  const { id, ...command } = message as ProxyCommand & { readonly id: number };
  obey(command as ProxyCommand).then(
    port => tell(port === undefined ? { id } : { id, port }),
    (error: unknown) => tell({ id, error: String(error) }),
  );
});
