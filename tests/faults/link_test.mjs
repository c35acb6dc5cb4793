import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, test } from 'node:test';
import { until } from '../support/process.mjs';
import { Link } from './link.mjs';
import { makeRandom } from './random.mjs';

const SEED = 20260301;
const opened = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** A link to a server, and a connection through it: what `near` and `far` have received. */
async function setUp(weather) {
  const server = createServer({ allowHalfOpen: true });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const link = await Link.open(server.address().port, makeRandom(SEED, 'link'));
  if (weather) link.setWeather(weather);
  const connectOnce = async () => {
    const accepted = once(server, 'connection');
    const near = watch(connect({ port: link.port, host: '127.0.0.1', allowHalfOpen: true }));
    const far = watch((await accepted)[0]);
    return { near, far };
  };
  opened.push(() => {
    link.close();
    server.close();
  });
  return { link, connectOnce, ...(await connectOnce()) };
}

function watch(socket) {
  const seen = { socket, bytes: [], ended: false, error: undefined };
  seen.text = () => Buffer.concat(seen.bytes).toString('latin1');
  socket.on('data', (data) => seen.bytes.push(data));
  socket.on('end', () => (seen.ended = true));
  socket.on('error', (error) => (seen.error = error.code));
  opened.push(() => socket.destroy());
  return seen;
}

const received = (side, text) => until(`"${text}"`, () => side.text() === text);

test('a refused connection is reset, and the next one passes once it is allowed', async () => {
  const { link, connectOnce } = await setUp();
  link.refuse(true);
  const refused = watch(connect(link.port, '127.0.0.1'));
  await until('the reset', () => refused.error === 'ECONNRESET');
  link.refuse(false);
  const { near, far } = await connectOnce();
  near.socket.write('x');
  await received(far, 'x');
});

test('a reset reaches both ends', async () => {
  const { link, near, far } = await setUp();
  link.reset();
  await until('both resets', () => near.error === 'ECONNRESET' && far.error === 'ECONNRESET');
  assert.equal(link.losses.length >= 1, true);
});

test('what a half-open connection carries is lost, and neither end is told', async () => {
  const { link, connectOnce, near, far } = await setUp();
  link.cut();
  near.socket.write('lost');
  near.socket.end();
  // A later connection passes: what had been sent before it on the first would have come by now.
  const fresh = await connectOnce();
  fresh.near.socket.write('kept');
  await received(fresh.far, 'kept');
  assert.deepEqual([far.text(), far.ended, far.error], ['', false, undefined]);
  link.heal();
  await until('the reset of the half-open one', () => far.error === 'ECONNRESET');
  assert.equal(fresh.far.error, undefined);
});

test('nothing passes a stalled link, and nothing is lost', async () => {
  const { link, near, far } = await setUp();
  link.stall(true);
  near.socket.write('first ');
  await until('the link to have it', () => [...link.pairs].some((p) => p.lanes[0].queued === 6));
  assert.equal(far.text(), '');
  link.stall(false);
  near.socket.write('second');
  await received(far, 'first second');
});

test('bytes come in order and unchanged through delay, jitter and a narrow line', async () => {
  const { near, far } = await setUp({ delayMs: 3, jitterMs: 9, bytesPerSecond: 4_000_000 });
  const random = makeRandom(SEED, 'bytes');
  const sent = [];
  for (let i = 0; i < 60; ++i) {
    const piece = Buffer.alloc(random.between(1, 9000), random.below(256));
    sent.push(piece);
    near.socket.write(piece);
  }
  near.socket.end();
  await until('the end', () => far.ended);
  assert.ok(Buffer.concat(far.bytes).equals(Buffer.concat(sent)), `seed ${SEED}`);
});

test('a delayed byte is not early', async () => {
  const { near, far } = await setUp({ delayMs: 50 });
  const sent = Date.now();
  near.socket.write('x');
  await received(far, 'x');
  assert.ok(Date.now() - sent >= 50);
});

test('one direction may end before the other', async () => {
  const { near, far } = await setUp();
  near.socket.end('question');
  await until('the end of the question', () => far.ended);
  far.socket.end('answer');
  await until('the end of the answer', () => near.ended);
  assert.equal(near.text(), 'answer');
});

test('a receiver that does not read stops the sender', async () => {
  const { link, near, far } = await setUp();
  far.socket.pause();
  const piece = Buffer.alloc(64 * 1024);
  let taken = 0;
  // A write is taken whatever it returns: Node 18 says "enough" to every piece of this size.
  const fill = () => {
    while (taken < 1000) {
      ++taken;
      if (!near.socket.write(piece)) return;
    }
  };
  near.socket.on('drain', fill);
  fill();
  // Sockets hold some megabytes; the link itself holds no more than its bound and one read.
  await until('the queue to be full', () => [...link.pairs].some((p) => p.lanes[0].queued > 0));
  const held = [...link.pairs][0].lanes[0].queued;
  assert.ok(held <= 2 * 64 * 1024, `${held} bytes are queued`);
  far.socket.resume();
  await until('everything to pass', () => link.passed === 1000 * piece.length);
});

test('the same seed draws the same', () => {
  const draw = (seed, name) => Array.from({ length: 20 }, ((r) => () => r.below(1000))(makeRandom(seed, name)));
  assert.deepEqual(draw(1, 'a'), draw(1, 'a'));
  assert.notDeepEqual(draw(1, 'a'), draw(2, 'a'));
  assert.notDeepEqual(draw(1, 'a'), draw(1, 'b'));
});
