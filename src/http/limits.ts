/** Limits of the operator's port, with their units and reasons. */

/** Open pages. Further ones are refused with 503. */
export const LIVE_READERS_MAX = 64;

/**
 * Open connections: of the open pages, and as many for probes, scrapers and the files of pages. A
 * further connection closes the one without a stream whose last request is the oldest.
 */
export const CONNECTIONS_MAX = 2 * LIVE_READERS_MAX;

/** Requests are a line and a few headers. */
export const REQUEST_LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 1000,
} as const;

/** Keeps proxies from closing a stream, and lets the page detect a lost server. */
export const HEARTBEAT_MS = 15_000;

/** Longer than HEARTBEAT_MS. */
export const IDLE_MS = 30_000;

/** Time for a page to read a snapshot. */
export const UNREAD_MS = 10_000;

/** Time for pages to receive the last snapshot when the server stops. */
export const STOP_MS = 500;
