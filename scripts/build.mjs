// Makes dist/ of src/ and web/, from nothing: what was removed there does not stay behind. It takes about two seconds. Types are
// checked by `npm run types`.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { main as compileAssembly } from 'assemblyscript/asc';
import { build } from 'rolldown';

/** Needed to build the page and not to run the program: npm calls them development dependencies. */
const IN_THE_PAGE = ['node_modules/uplot'];

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const [, , ...kernelsBuilt] = await Promise.all([
  bundleProgram(),
  bundlePage(),
  compileKernel(['index.ts', 'scan-rows.ts'], 'central.wasm'),
  compileKernel(['copy-lines.ts'], 'agency.wasm'),
]);
if (kernelsBuilt.includes(false)) process.exit(1);
writeLicences();

// A process that starts spends its time on finding and reading files: the modules of each command, and those of the packages
// that it uses, become a few files.
async function bundleProgram() {
  await build({
    cwd: root,
    input: {
      'cli/main': 'src/cli/start.ts',
      // Run as processes of their own.
      'cli/docker-shim': 'src/check/runners/docker-shim.ts',
      'cli/yardstick': 'src/bench/yardstick.ts',
      'cli/proxy-process': 'src/check/proxy-process.ts',
      // The server's alone, and by itself in tests with a Node that cannot run the fast one.
      'kernel/open-bet-reader': 'src/kernel/open-bet-reader.ts',
      'kernel/open-row-scanner': 'src/kernel/open-row-scanner.ts',
    },
    platform: 'node',
    tsconfig: false,
    output: {
      dir: dist,
      chunkFileNames: 'cli/[name]-[hash].js',
      // Stack traces name the functions of src/.
      minify: false,
    },
  });
  chmodSync(join(dist, 'cli/main.js'), 0o755);
}

// The operator's page: one script, one style sheet, and what is taken as it is.
async function bundlePage() {
  const web = join(root, 'web');
  const made = join(dist, 'web');
  mkdirSync(made, { recursive: true });
  for (const file of ['index.html', 'icon.svg']) copyFileSync(join(web, file), join(made, file));
  const chart = readFileSync(join(root, 'node_modules/uplot/dist/uPlot.min.css'), 'utf8');
  writeFileSync(join(made, 'page.css'), `${chart}\n${readFileSync(join(web, 'page.css'), 'utf8')}`);
  await build({
    cwd: root,
    input: { page: 'web/page.ts' },
    platform: 'browser',
    tsconfig: false,
    output: { dir: made, minify: true },
  });
}

// A hot loop in src/kernel/assembly/ becomes a module in dist/kernel/: one for the central and one for the agency, since each
// process compiles its own when it starts.
async function compileKernel(sources, module) {
  const files = sources.map(name => `src/kernel/assembly/${name}`);
  const options = ['--baseDir', root, '--outFile', `dist/kernel/${module}`, '-O3', '--noAssert'];
  // Vectors never leave a module, whose files hand them to each other: no embedding is asked for them.
  const vectors = ['--enable', 'simd', '--disableWarning', '112'];
  // Nothing is allocated and nothing aborts: no runtime, and no import but the memory, whose size the reader chooses.
  const bare = ['--runtime', 'stub', '--use', 'abort=', '--importMemory'];
  const streams = { stdout: process.stdout, stderr: process.stderr };
  const { error } = await compileAssembly([...files, ...options, ...vectors, ...bare], streams);
  return error === null;
}

// What others wrote is in the bundle, and their licences ask to be kept with it.
function writeLicences() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const isBundled = path => path !== '' && (!packages[path].dev || IN_THE_PAGE.includes(path));
  const bundled = Object.keys(packages).filter(isBundled);
  const texts = bundled.map(path => {
    const file = readdirSync(join(root, path)).find(name => /^licen[cs]e/i.test(name));
    const text = file === undefined ? packages[path].license : readFileSync(join(root, path, file), 'utf8');
    return `${path.replace(/^.*node_modules\//, '')} ${packages[path].version}\n\n${text.trim()}\n`;
  });
  writeFileSync(join(dist, 'THIRD-PARTY-LICENCES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
}
