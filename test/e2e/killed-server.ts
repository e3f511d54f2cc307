// A central on the real store that kills itself at one exact instant: right after a sync has succeeded, before anything that
// waits for it can happen. Run by `killed-after-sync.test.ts` as a process:
//
//     node killed-server.ts DIRECTORY PORT FILE WHAT
//
// WHAT is a number k, for the k-th group, or a type of the journal's lines, for the sync of the first line of that type. FILE
// is bets.csv or bets.journal, of which the k-th group is written and synced while nothing of it reaches the other file; or
// both, when the group is synced in both files.
import { basename } from 'node:path';
import { Central } from '../../src/central/central.ts';
import { Connection } from '../../src/central/connection.ts';
import { Listener } from '../../src/central/listener.ts';
import { OpenConnections } from '../../src/central/open-connections.ts';
import { PlainBetReader } from '../../src/kernel/plain-bet-reader.ts';
import { hasWon } from '../../src/lottery/catedra.ts';
import { Lottery } from '../../src/lottery/lottery.ts';
import { CsvStore } from '../../src/store/csv/csv-store.ts';
import { type DataFile, type Files, NODE_FILES } from '../../src/store/csv/files.ts';
import { createResumableDialect } from '../../src/wire/dialects/resumable.ts';
import { DEFAULT_LIMITS as limits } from '../../src/wire/limits.ts';

const [directory, port, fileName, what] = process.argv.slice(2) as [string, string, string, string];

/** What was synced of each file that has a part in it. */
const synced = { 'bets.csv': 0, 'bets.journal': 0 };
const isName = (name: string): name is keyof typeof synced => name in synced;

/** The file system, with two files whose syncs are counted. */
const files: Files = {
  ...NODE_FILES,
  async open(path) {
    const file = await NODE_FILES.open(path);
    const name = basename(path);
    return isName(name) ? killingFile(name, file) : file;
  },
};

function killingFile(name: keyof typeof synced, file: DataFile): DataFile {
  let unsynced = '';
  return {
    descriptor: file.descriptor,
    id: () => file.id(),
    size: () => file.size(),
    read: (into, position) => file.read(into, position),
    truncate: length => file.truncate(length),
    close: () => file.close(),
    write(buffers, position) {
      const isHeld = fileName !== 'both' && name !== fileName && synced[name] + 1 === Number(what);
      if (isHeld) return new Promise(() => {});
      unsynced += Buffer.concat(buffers).toString('utf8');
      return file.write(buffers, position);
    },
    async sync() {
      await file.sync();
      if (unsynced === '') return;
      synced[name] += 1;
      const counts = isName(fileName) ? [synced[fileName]] : Object.values(synced);
      const isCounted = fileName === name || fileName === 'both';
      if (
        isCounted &&
        (counts.every(count => String(count) === what) || unsynced.includes(`"type":"${what}"`))
      )
        process.kill(process.pid, 'SIGKILL');
      unsynced = '';
    },
  };
}

const emit = (): void => {};
const now = (): number => performance.now();
const lottery = new Lottery([1]);
const { store } = await CsvStore.open(directory, {
  agencies: '1',
  files,
  onFact: fact => lottery.apply(fact),
});
const central = new Central({ lottery, store, hasWon, limits, emit, now });
const open = new OpenConnections(limits);
const dialect = createResumableDialect(new PlainBetReader());
await Listener.open({
  open,
  name: dialect.name,
  host: '127.0.0.1',
  port: Number(port),
  backlog: 128,
  limits,
  emit,
  serve: (socket, ip) =>
    new Connection({
      socket,
      ip,
      codec: dialect.central(limits),
      conversation: dialect.conversation,
      central,
      open,
      limits,
      emit,
      now,
    }),
  turnAway: refusal => dialect.central(limits).encode({ kind: 'refused', refusal }),
});
console.log('listening');
