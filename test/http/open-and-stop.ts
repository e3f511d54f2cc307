// Opens an operator's port, uses every route, and stops it. `live.test.ts` runs it as a process,
// which ends only if nothing is left open.
import { OperatorPort } from '../../src/http/operator-port.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { Monitor } from '../../src/observe/monitor.ts';

const clock = (): Date => new Date();
const monitor = new Monitor(clock);
const diskSpace = async () => ({ freeBytes: 1, totalBytes: 2 });
const port = await OperatorPort.open({
  host: '127.0.0.1',
  port: 0,
  names: [],
  monitor,
  metrics: new Metrics({ monitor, diskSpace, version: '1.2.3' }),
  diskSpace,
  assetsFolder: '/nowhere',
  clock,
  now: () => performance.now(),
  log: () => {},
});
const live = await fetch(`${port.url}live`);
await (await fetch(`${port.url}metrics`)).text();
await port.stop();
await live.text();
console.log('stopped');
