import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Metrics } from '../observe/metrics.ts';
import type { Monitor } from '../observe/monitor.ts';
import type { Asset } from './assets.ts';
import type { Live } from './live.ts';
import type { Snapshot } from './snapshot.ts';

export interface RoutesParts {
  readonly monitor: Monitor;
  readonly metrics: Metrics;
  readonly snapshot: () => Snapshot;
  readonly live: Live;
  /** The page's files by their paths. */
  readonly assets: ReadonlyMap<string, Asset>;
}

type Env = { readonly Bindings: HttpBindings };

/** The page may load what this server has and nothing else, and nobody may put it into a page of their own. */
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
  // Nothing follows a stream on its connection: when it ends, nothing keeps the server from stopping.
  Connection: 'close',
  // A proxy that gathers events before it hands them on makes them late.
  'X-Accel-Buffering': 'no',
};

/** What the operator's port answers: only questions, about what is and never about whose. */
export function createRoutes({ monitor, metrics, snapshot, live, assets }: RoutesParts): Hono<Env> {
  const app = new Hono<Env>();
  app.use(withSecurityHeaders);
  app.use(onlyQuestions);
  app.get('/healthz', c => text(c, 200, 'alive'));
  app.get('/readyz', c => {
    const { unready } = monitor;
    return unready === undefined ? text(c, 200, 'ready') : text(c, 503, `not ready: ${unready}`);
  });
  app.get('/metrics', async c =>
    c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' }),
  );
  app.get('/snapshot.json', c => c.json(snapshot(), 200, { 'Cache-Control': 'no-store' }));
  app.get('/acta', c => {
    const acta = monitor.status()?.acta;
    return acta === undefined ? text(c, 404, 'the bets are not closed') : text(c, 200, acta.text.trimEnd());
  });
  app.get('/live', c => follow(c, live));
  app.get('*', c => {
    const asset = assets.get(c.req.path);
    return asset === undefined ? c.notFound() : sendAsset(c, asset);
  });
  app.notFound(c => text(c, 404, 'there is nothing here'));
  return app;
}

const withSecurityHeaders: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  // The head of a stream that is being sent has them already.
  if (c.env.outgoing.headersSent) return;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
};

/** Nothing can be changed here, and so nothing has to be read: whoever sends a body is shown out. */
const onlyQuestions: MiddlewareHandler<Env> = async (c, next) => {
  const { method } = c.req;
  if (method !== 'GET' && method !== 'HEAD') {
    return text(c, 405, 'only GET and HEAD', { Allow: 'GET, HEAD', Connection: 'close' });
  }
  const hasBody = c.req.header('transfer-encoding') ?? (c.req.header('content-length') || '0');
  if (hasBody !== '0') return text(c, 413, 'a question has no body', { Connection: 'close' });
  await next();
  return undefined;
};

function text(
  c: Context<Env>,
  status: 200 | 404 | 405 | 413 | 503,
  line: string,
  headers: Record<string, string> = {},
): Response {
  return c.text(`${line}\n`, status, { 'Cache-Control': 'no-store', ...headers });
}

/** Streams are written as Node writes them: what a reader leaves unread has to be seen (`live.ts`). */
function follow(c: Context<Env>, live: Live): Response {
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
