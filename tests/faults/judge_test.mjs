// The judge can say no: callers against a gateway that answers as it should not, and made-up records.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { afterEach, test } from 'node:test';
import { Callers, costOf } from './callers.mjs';
import { Executions, PROMPT_TOKENS, textOf } from './engine.mjs';
import { judgeExecutions, judgeUsage } from './judge.mjs';
import { makeRandom } from './random.mjs';

const SEED = 20260302;
const servers = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** What one caller says of an answer of `answer(response, id, chunks)`. */
async function askOnce({ streams, downs = [], end = 'ok' }, answer) {
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { messages, scene } = JSON.parse(Buffer.concat(parts).toString());
    answer(response, messages[0].content.split(' ')[0], scene.chunks);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  servers.push(server);
  const random = makeRandom(SEED, 'test');
  const callers = new Callers({
    gateway: { host: '127.0.0.1', port: server.address().port }, client: { downs },
    random: { ...random, weighted: (w) => ('plain' in w ? (streams ? 'stream' : 'plain') : end) },
    count: 1, ends: { [end]: 1 }, prefix: 'r',
  });
  const record = await callers.ask(undefined);
  return { outcome: record.outcome, complaints: callers.complaints, record };
}

const event = (content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
const DONE = 'data: [DONE]\n\n';
const ERROR = `data: ${JSON.stringify({ error: { message: 'm', type: 't', param: null, code: 'c' } })}\n\n`;
const stream = (response, text) => {
  response.setHeader('content-type', 'text/event-stream');
  response.end(text);
};

const streamCases = [
  ['no end', (id, n) => event(textOf(id, n)), /neither well nor with an error/],
  ['an end before the rest', (id, n) => DONE + event(textOf(id, n)), /neither well/],
  ['two ends', (id, n) => event(textOf(id, n)) + DONE + DONE, /wrong stream|neither well/],
  ['an end and an error', (id, n) => event(textOf(id, n)) + ERROR + DONE, /neither well/],
  ["another request's answer", (id, n) => event(textOf('r0', n)) + DONE, /wrong stream/],
  ['less than the whole', (id) => event(textOf(id, 0)) + DONE, /neither well/],
  ['something after the error', (id) => ERROR + event(textOf(id, 1)), /neither well/],
  ['an error without a code', () => 'data: {"error":{"message":"m"}}\n\n', /neither well/],
  ['an unknown code', () => ERROR.replace('"c"', '"peer_error"'), /does not know/],
];
for (const [name, text, complaint] of streamCases) {
  test(`a stream with ${name} is complained about`, async () => {
    const { complaints } = await askOnce({ streams: true }, (response, id, n) => stream(response, text(id, n)));
    assert.equal(complaints.length, 1, complaints.join('\n'));
    assert.match(complaints[0], complaint);
  });
}

test('a stream that ends with its answer, or with an error, is none to complain about', async () => {
  const good = await askOnce({ streams: true }, (r, id, n) => stream(r, event(textOf(id, n)) + DONE));
  assert.deepEqual([good.outcome, good.complaints], ['ok', []]);
  const failed = await askOnce({ streams: true }, (r, id) => stream(r, event(textOf(id, 1)) + ERROR));
  assert.deepEqual([failed.outcome, failed.complaints], ['error:c', []]);
});

const answer = (response, id, n, cost) => {
  response.setHeader('x-cocoon-cost-nano', cost);
  response.end(JSON.stringify({ choices: [{ message: { content: textOf(id, n) } }] }));
};

test('a wrong cost and a wrong answer are complained about', async () => {
  const right = (n) => costOf(PROMPT_TOKENS, n);
  const good = await askOnce({}, (r, id, n) => answer(r, id, n, right(n)));
  assert.deepEqual([good.outcome, good.complaints], ['ok', []]);
  const dear = await askOnce({}, (r, id, n) => answer(r, id, n, right(n) + 1));
  assert.match(dear.complaints.join(), /nanotons, not/);
  const foreign = await askOnce({}, (r, id, n) => answer(r, 'r0', n, right(n)));
  assert.match(foreign.complaints.join(), /a wrong answer/);
});

test('an error that is no OpenAI error is complained about', async () => {
  const { complaints } = await askOnce({}, (response) => {
    response.statusCode = 502;
    response.end('Bad Gateway');
  });
  assert.match(complaints.join(), /without an error object/);
});

test('a broken connection is excused only while the client is down', async () => {
  const breakOff = (response) => response.socket.resetAndDestroy();
  assert.match((await askOnce({}, breakOff)).complaints.join(), /broke/);
  const cut = (response) => {
    response.write('x');
    response.socket.end();
  };
  assert.match((await askOnce({}, cut)).complaints.join(), /broke/);
  const { outcome, complaints } = await askOnce({ downs: [[0, Infinity]] }, breakOff);
  assert.deepEqual([outcome, complaints], ['broken', []]);
});

/** A request from 100 to 200 whose answer began at `first`, with an execution at each of `at`. */
function judged({ at, first, losses = [], outcome = 'error:x', workers = [] }) {
  const executions = new Executions();
  for (const [k, moment] of at.entries()) executions.begin('r1', workers[k] ?? 1).at = moment;
  const record = { id: 'r1', start: 100, done: 200, first, outcome };
  return judgeExecutions([record], executions, (worker) => losses.filter(([w]) => w === worker).map(([, t]) => t)).broken;
}

test('one execution is in order, none only without an answer', () => {
  assert.deepEqual(judged({ at: [110], outcome: 'ok' }), []);
  assert.deepEqual(judged({ at: [] }), []);
  assert.match(judged({ at: [], outcome: 'ok' }).join(), /without an execution/);
});

test('a second execution needs a connection that the first one hung on and that was lost', () => {
  assert.match(judged({ at: [110, 150] }).join(), /no connection had been lost/);
  assert.deepEqual(judged({ at: [110, 150], losses: [[1, 130]] }), []);
  for (const losses of [[[1, 90]], [[1, 160]], [[2, 130]]]) {
    assert.match(judged({ at: [110, 150], losses }).join(), /no connection had been lost/);
  }
});

test('nothing is executed behind the first byte, nor more often than attempts allow', () => {
  assert.match(judged({ at: [110, 150], first: 140, losses: [[1, 145]] }).join(), /after the answer had begun/);
  // Lost before the first byte, and held up on a line that stood still.
  assert.deepEqual(judged({ at: [110, 150], first: 140, losses: [[1, 130]] }), []);
  const many = judged({ at: [110, 111, 112, 113, 114, 115, 116], losses: [[1, 105]] });
  assert.match(many.join(), /executed 7 times/);
});

test('what a role goes on holding is told', () => {
  const before = { private_kib: 4000, descriptors: 20 };
  assert.deepEqual(judgeUsage('proxy', before, { private_kib: 5000, descriptors: 22 }), []);
  assert.match(judgeUsage('proxy', before, { private_kib: 40_000, descriptors: 20 }).join(), /40000 KiB/);
  assert.match(judgeUsage('proxy', before, { private_kib: 4000, descriptors: 60 }).join(), /60 descriptors/);
});
