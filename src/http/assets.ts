import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

export interface Asset {
  readonly body: Buffer<ArrayBuffer>;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly etag: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Files in this folder have a digest of their content in their name. */
const NAMED_BY_CONTENT = '/assets/';

/**
 * Reads the page's few small files into a table by request path, so that no path of a request can
 * reach another file. The table is empty if the folder is missing (a build without the page).
 */
export async function readAssets(folder: string): Promise<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const name of await filesIn(folder)) {
    const path = `/${name.split(sep).join('/')}`;
    const asset = assetOf(path, await readFile(join(folder, name)));
    assets.set(path, asset);
    if (path === '/index.html') assets.set('/', asset);
  }
  return assets;
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function assetOf(path: string, body: Buffer<ArrayBuffer>): Asset {
  return {
    body,
    contentType: CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    cacheControl: path.startsWith(NAMED_BY_CONTENT)
      ? 'public, max-age=31536000, immutable'
      : 'no-cache',
    etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
  };
}
