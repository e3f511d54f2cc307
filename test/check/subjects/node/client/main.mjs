// An agency of the lottery, with the messages of the Python one.
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const HEADER_BYTES = 4;
const MESSAGE_BYTES_MAX = 8192;
const BETS_MAX = 255;
const CONNECT_ATTEMPTS = 20;

const agency = Number(process.env.CLI_ID);
const config = readConfig('config.yaml');
const setting = key => process.env[`CLI_${key.toUpperCase().replace('.', '_')}`] ?? config[key];

let socket;
/** What arrives. */
let chunks;

/** The two levels of config.yaml that this client has, as `section.key`. */
function readConfig(path) {
  const found = {};
  let section = '';
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, indent, key, value] = /^(\s*)([A-Za-z]+):\s*"?([^"]*)"?$/.exec(line) ?? [];
    if (key === undefined) continue;
    if (indent === '') section = key;
    else found[`${section}.${key}`] = value;
  }
  return found;
}

function log(level, text) {
  const time = new Date().toISOString().slice(0, 19).replace('T', ' ');
  process.stdout.write(`${time} ${level.padEnd(8)} ${text}\n`);
}

async function openConnection() {
  const [host, port] = setting('server.address').split(':');
  for (let attempt = 0; attempt < CONNECT_ATTEMPTS; attempt += 1) {
    try {
      socket = connect(Number(port), host);
      await once(socket, 'connect');
      chunks = socket[Symbol.asyncIterator]();
      return;
    } catch (error) {
      log('INFO', `action: connect | result: in_progress | error: ${error.message}`);
      await delay(500);
    }
  }
  throw new Error('there is no server');
}

function send(kind, text, count = 0) {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(payload.length);
  header[2] = count;
  header.write(kind, 3);
  socket.write(Buffer.concat([header, payload]));
}

let received = Buffer.alloc(0);

async function receiveFrame() {
  while (
    received.length < HEADER_BYTES ||
    received.length < HEADER_BYTES + received.readUInt16BE()
  ) {
    const { value: chunk } = await chunks.next();
    if (chunk === undefined) throw new Error('the server has closed the connection');
    received = Buffer.concat([received, chunk]);
  }
  const end = HEADER_BYTES + received.readUInt16BE();
  const text = received.toString('utf8', HEADER_BYTES, end);
  received = received.subarray(end);
  return text;
}

/** The fields of a line of CSV. */
const parseLine = line =>
  [...line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)]
    .slice(0, 5)
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);

/** The bets of each batch: so many at most, with the header 8 kB at most. */
async function* readBatches(amount) {
  const start = HEADER_BYTES + String(agency).length;
  let batch = [];
  let size = start;
  const input = createReadStream('agency.csv');
  // A `\r\n` that two reads cut in half is one line end, however far apart they are.
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const bet = parseLine(line).join('\t');
    const length = Buffer.byteLength(bet) + 1;
    if (batch.length >= amount || size + length > MESSAGE_BYTES_MAX) {
      yield batch;
      batch = [];
      size = start;
    }
    batch.push(bet);
    size += length;
  }
  if (batch.length > 0) yield batch;
}

async function run() {
  await openConnection();
  const amount = Math.min(BETS_MAX, Number(setting('batch.maxAmount')));
  for await (const batch of readBatches(amount)) {
    send('B', [agency, ...batch].join('\n'), batch.length);
    await receiveFrame();
  }
  send('F', String(agency));
  send('Q', String(agency));
  const text = await receiveFrame();
  const winners = text === '' ? [] : text.split('\n');
  log('INFO', `action: consulta_ganadores | result: success | cant_ganadores: ${winners.length}`);
}

function stop(code) {
  socket?.destroy();
  log('INFO', `action: close_connection | result: success | client_id: ${agency}`);
  process.exit(code);
}

process.on('SIGTERM', () => {
  log('INFO', `action: shutdown | result: success | client_id: ${agency}`);
  stop(0);
});

try {
  await run();
  stop(0);
} catch (error) {
  log(
    'ERROR',
    `action: comunicacion | result: fail | client_id: ${agency} | error: ${error.message}`,
  );
  stop(1);
}
