// The central of the lottery, with the messages of the Python one.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

const STORAGE = 'bets.csv';
const WINNING_NUMBER = 7574;
const HEADER_BYTES = 4;

const settings = Object.fromEntries(
  readFileSync('config.ini', 'utf8')
    .split('\n')
    .map(line => line.split(' = '))
    .filter(pair => pair.length === 2),
);
const agencies = Number(process.env.AGENCIES ?? 5);

const finished = new Set();
const winners = new Map();
const waiting = [];
let isDrawn = false;

writeFileSync(STORAGE, '');

function log(level, text) {
  const time = new Date().toISOString().slice(0, 19).replace('T', ' ');
  process.stdout.write(`${time} ${level.padEnd(8)} ${text}\n`);
}

function encodeFrame(kind, text = '') {
  const payload = Buffer.from(text);
  const frame = Buffer.alloc(HEADER_BYTES);
  frame.writeUInt16BE(payload.length);
  frame.write(kind, 3);
  return Buffer.concat([frame, payload]);
}

function parseBet(line) {
  const fields = line.split('\t');
  const [firstName, lastName, document, birthdate, number] = fields;
  const isBet =
    fields.length === 5 &&
    firstName !== '' &&
    lastName !== '' &&
    /^\d+$/.test(document) &&
    !Number.isNaN(Date.parse(`${birthdate}T00:00:00Z`)) &&
    new Date(`${birthdate}T00:00:00Z`).toISOString().startsWith(birthdate) &&
    /^\d+$/.test(number);
  if (!isBet) throw new Error('it is no bet');
  return { firstName, lastName, document, birthdate, number: Number(number) };
}

const quote = field => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

function storeBets(agency, bets) {
  const rows = bets.map(({ firstName, lastName, document, birthdate, number }) =>
    [agency, quote(firstName), quote(lastName), document, birthdate, number].join(','),
  );
  appendFileSync(STORAGE, rows.map(row => `${row}\r\n`).join(''));
  const won = bets
    .filter(({ number }) => number === WINNING_NUMBER)
    .map(({ document }) => document);
  winners.set(agency, [...(winners.get(agency) ?? []), ...won]);
}

function takeBatch(socket, text) {
  const [agency, ...lines] = text.split('\n');
  try {
    storeBets(Number(agency), lines.map(parseBet));
  } catch {
    log('ERROR', `action: apuesta_recibida | result: fail | cantidad: ${lines.length}`);
    socket.write(encodeFrame('-'));
    return;
  }
  log('INFO', `action: apuesta_recibida | result: success | cantidad: ${lines.length}`);
  socket.write(encodeFrame('+'));
}

function finish(agency) {
  finished.add(agency);
  if (isDrawn || finished.size < agencies) return;
  isDrawn = true;
  log('INFO', 'action: sorteo | result: success');
  for (const { socket, agency: asking } of waiting) sendWinners(socket, asking);
}

function sendWinners(socket, agency) {
  socket.write(encodeFrame('W', (winners.get(agency) ?? []).join('\n')));
}

function answer(socket, kind, text) {
  if (kind === 'B') takeBatch(socket, text);
  else if (kind === 'F') finish(Number(text));
  else if (kind !== 'Q') socket.destroy(new Error(`unknown message ${kind}`));
  else if (isDrawn) sendWinners(socket, Number(text));
  else waiting.push({ socket, agency: Number(text) });
}

const sockets = new Set();

const server = createServer(socket => {
  sockets.add(socket);
  let received = Buffer.alloc(0);
  socket.on('data', chunk => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + received.readUInt16BE();
      if (received.length < end) return;
      answer(
        socket,
        received.toString('latin1', 3, 4),
        received.toString('utf8', HEADER_BYTES, end),
      );
      received = received.subarray(end);
    }
  });
  socket.on('error', error => {
    log('ERROR', `action: receive_message | result: fail | error: ${error.message}`);
  });
  socket.on('close', () => {
    sockets.delete(socket);
    log('INFO', 'action: close_connection | result: success');
  });
});

server.listen(Number(process.env.SERVER_PORT ?? settings.SERVER_PORT), '0.0.0.0', () => {
  log('INFO', `action: listen | result: success | port: ${server.address().port}`);
});

process.on('SIGTERM', () => {
  server.close(() => {
    log('INFO', 'action: close_listener | result: success');
    log('INFO', 'action: shutdown | result: success');
  });
  for (const socket of sockets) socket.destroy();
});
