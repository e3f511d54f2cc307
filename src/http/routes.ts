import { isIP } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { CentralEvent, Emit } from '../observe/events.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Monitor } from '../observe/monitor.ts';
import type { Asset } from './assets.ts';
import type { Live } from './live.ts';
import type { Snapshot } from './snapshot.ts';

export interface RoutesParts {
  /** Answered `Host` headers besides addresses and localhost, in lower case. */
  readonly names: ReadonlySet<string>;
  readonly monitor: Monitor;
  readonly metrics: Metrics;
  readonly snapshot: () => Snapshot;
  readonly live: Live;
  readonly log: Emit<CentralEvent>;
  /** The page's files by path. */
  readonly assets: ReadonlyMap<string, Asset>;
}

type Env = { readonly Bindings: HttpBindings };

/** The page loads only from this server, and other pages cannot embed it. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // So that the end of a stream closes its connection, and does not delay a shutdown.
  Connection: 'close',
  // Keeps a proxy from buffering events.
  'X-Accel-Buffering': 'no',
};

export function createRoutes(parts: RoutesParts): Hono<Env> {
  const { monitor, metrics, snapshot, live, assets } = parts;
  const app = new Hono<Env>();
  app.use(withSecurityHeaders);
  app.use(readOnly);
  app.get('/healthz', c => text(c, 200, 'alive'));
  app.get('/readyz', c => {
    const { unready } = monitor;
    return unready === undefined ? text(c, 200, 'ready') : text(c, 503, `not ready: ${unready}`);
  });
  app.use(underKnownName(parts));
  app.get('/metrics', async c =>
    c.body(await metrics.text(), 200, {
      'Content-Type': metrics.contentType,
      'Cache-Control': 'no-store',
    }),
  );
  app.get('/snapshot.json', c => c.json(snapshot(), 200, { 'Cache-Control': 'no-store' }));
  app.get('/acta', c => {
    const acta = monitor.status()?.acta;
    return acta === undefined
      ? text(c, 404, 'the bets are not closed')
      : text(c, 200, acta.text.trimEnd());
  });
  app.get('/live', c => openStream(c, live));
  app.get('*', c => {
    const asset = assets.get(c.req.path);
    return asset === undefined ? c.notFound() : sendAsset(c, asset);
  });
  app.notFound(c => text(c, 404, 'not found'));
  return app;
}

const withSecurityHeaders: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  // The head of a stream already has them.
  if (c.env.outgoing.headersSent) return;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
};

/** Rejects other methods and request bodies. */
const readOnly: MiddlewareHandler<Env> = async (c, next) => {
  const { method } = c.req;
  if (method !== 'GET' && method !== 'HEAD') {
    return text(c, 405, 'only GET and HEAD', { Allow: 'GET, HEAD', Connection: 'close' });
  }
  const hasBody = c.req.header('transfer-encoding') ?? (c.req.header('content-length') || '0');
  if (hasBody !== '0')
    return text(c, 413, 'a request must not have a body', { Connection: 'close' });
  await next();
  return undefined;
};

/**
 * Refuses requests under other names. A page of another site can reach the server under a name of
 * that site (DNS rebinding), but not under an address, localhost or a name of the server. Probes come
 * before: their answers are no secret, and load balancers ask under any name.
 */
function underKnownName({ names, log }: RoutesParts): MiddlewareHandler<Env> {
  return async (c, next) => {
    // Every browser sends one.
    const host = nameOf(c.req.header('host') ?? 'localhost');
    if (isIP(host) > 0 || host === 'localhost' || names.has(host)) return next();
    const ip = c.env.incoming.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    log({ event: 'http-refused', ip, host });
    return text(c, 421, `${host} is not a name of this server: add it to HTTP_NAMES`);
  };
}

/** The name or address in a `Host` header, without port, brackets and the dot at the end. */
function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/\.$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

function text(
  c: Context<Env>,
  status: 200 | 404 | 405 | 413 | 421 | 503,
  line: string,
  headers: Record<string, string> = {},
): Response {
  return c.text(`${line}\n`, status, { 'Cache-Control': 'no-store', ...headers });
}

/** Writes to Node's response, because `live.ts` needs its buffered length. */
function openStream(c: Context<Env>, live: Live): Response {
  if (c.req.method === 'HEAD') return c.body(null, 200, { ...EVENT_STREAM_HEADERS });
  if (live.full) return text(c, 503, 'too many pages are open', { 'Retry-After': '5' });
  const { outgoing } = c.env;
  outgoing.writeHead(200, { ...SECURITY_HEADERS, ...EVENT_STREAM_HEADERS });
  live.add(outgoing);
  return RESPONSE_ALREADY_SENT;
}

function sendAsset(c: Context<Env>, { body, contentType, cacheControl, etag }: Asset): Response {
  const headers = { 'Cache-Control': cacheControl, ETag: etag };
  if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
  return c.body(body, 200, { ...headers, 'Content-Type': contentType });
}
