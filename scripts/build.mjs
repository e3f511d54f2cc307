// Builds dist/ from src/ and web/, starting with an empty folder. `npm run types` checks the types.
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

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const [program, page, ...kernelsBuilt] = await Promise.all([
  bundleProgram(),
  bundlePage(),
  compileKernel(['index.ts'], 'central.wasm'),
  compileKernel(['copy-lines.ts'], 'agency.wasm'),
]);
if (kernelsBuilt.includes(false)) process.exit(1);
chmodSync(join(dist, 'cli/main.js'), 0o755);
writeLicences([...program.output, ...page.output]);

// A few files instead of hundreds of modules: reading them takes most of the start of a process.
function bundleProgram() {
  return build({
    cwd: root,
    input: {
      'cli/main': 'src/cli/start.ts',
      // Processes of their own.
      'cli/baseline': 'src/bench/baseline.ts',
      'cli/docker-shim': 'src/check/runners/docker-shim.ts',
      'cli/proxy-process': 'src/check/proxy-process.ts',
      // Separate entries for the test with a Node that has no WebAssembly.
      'kernel/open-bet-reader': 'src/kernel/open-bet-reader.ts',
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
}

// The operator's page: one script, one style sheet, and two files copied unchanged.
function bundlePage() {
  const web = join(root, 'web');
  const made = join(dist, 'web');
  mkdirSync(made, { recursive: true });
  for (const file of ['index.html', 'icon.svg']) copyFileSync(join(web, file), join(made, file));
  const chart = readFileSync(join(root, 'node_modules/uplot/dist/uPlot.min.css'), 'utf8');
  const own = ['page.css', 'tables.css'].map(file => readFileSync(join(web, file), 'utf8'));
  writeFileSync(join(made, 'page.css'), [chart, ...own].join('\n'));
  return build({
    cwd: root,
    input: { page: 'web/page.ts' },
    platform: 'browser',
    tsconfig: false,
    output: { dir: made, minify: true },
  });
}

// Compiles hot loops of src/kernel/assembly/ to a module in dist/kernel/. Central and agency have
// one each, because a process compiles its module at the start.
async function compileKernel(sources, module) {
  const files = sources.map(name => `src/kernel/assembly/${name}`);
  const options = ['--baseDir', root, '--outFile', `dist/kernel/${module}`, '-O3', '--noAssert'];
  // Warning 112 (vectors in an interface) does not apply: vectors are passed only within a module.
  const vectors = ['--enable', 'simd', '--disableWarning', '112'];
  // No allocation and no abort, so no runtime. The only import is the memory.
  const bare = ['--runtime', 'stub', '--use', 'abort=', '--importMemory'];
  const streams = { stdout: process.stdout, stderr: process.stderr };
  const { error } = await compileAssembly([...files, ...options, ...vectors, ...bare], streams);
  return error === null;
}

// The licences of the bundled packages require that their text is distributed with the bundle.
function writeLicences(chunks) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  // The page also takes the chart's style sheet, of the same package as its script.
  const modules = chunks.flatMap(chunk => chunk.moduleIds ?? []);
  const isBundled = path => path !== '' && modules.some(id => id.startsWith(join(root, path, '/')));
  const texts = Object.keys(packages)
    .filter(isBundled)
    .map(path => {
      const file = readdirSync(join(root, path)).find(name => /^licen[cs]e/i.test(name));
      const text =
        file === undefined ? packages[path].license : readFileSync(join(root, path, file), 'utf8');
      return `${path.replace(/^.*node_modules\//, '')} ${packages[path].version}\n\n${text.trim()}\n`;
    });
  writeFileSync(join(dist, 'THIRD-PARTY-LICENCES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
}
