// Where a prompt and its answer are in the clear: with the client, the worker and the engine, and
// nowhere else. A relay on each connection records every byte that passes.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  ask, demand, getKey, killAll, layOut, MODEL, run, setKey, start, startEngine, untilServed,
} from './network.mjs';

const unlikely = () => Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);
const PROMPT = `canary-${unlikely()}-prompt`;
const ANSWER = `canary-${unlikely()}-answer`;
const CANARIES = { prompt: PROMPT, answer: ANSWER };

const listening = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

/** An engine that answers with the answer's canary, and holds its second half until released. */
async function startHoldingEngine() {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const chunk = (content) =>
    `data: ${JSON.stringify({
      id: 'x', object: 'chat.completion.chunk', model: MODEL,
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    })}\n\n`;
  const usage = `data: ${JSON.stringify({
    id: 'x', object: 'chat.completion.chunk', model: MODEL, choices: [],
    usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 },
  })}\n\n`;
  const server = createHttpServer(async (request, response) => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ object: 'list', data: [{ id: MODEL, object: 'model' }] }));
      return;
    }
    for await (const _ of request);
    response.setHeader('content-type', 'text/event-stream');
    response.write(chunk(`first ${ANSWER} `));
    await released;
    response.end(chunk(`second ${ANSWER}`) + usage + 'data: [DONE]\n\n');
  });
  const port = await listening(server);
  return { port, release, close: () => server.close() };
}

/** Passes bytes on between two sockets and keeps a copy of them, by direction. */
async function startRelay(port) {
  const there = [];
  const back = [];
  const sockets = new Set();
  const server = createServer((socket) => {
    const other = connect(port, '127.0.0.1');
    for (const [from, to, record] of [[socket, other, there], [other, socket, back]]) {
      sockets.add(from);
      from.on('data', (data) => {
        record.push(data);
        to.write(data);
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
    }
  });
  const own = await listening(server);
  return {
    port: own,
    there: () => Buffer.concat(there),
    back: () => Buffer.concat(back),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const portOf = (address) => Number(address.slice(address.lastIndexOf(':') + 1));

const filesUnder = (dir) =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesUnder(join(dir, entry.name)) : [join(dir, entry.name)],
  );

demand('gcore', 'gdb');

/** A core dump of a running process, by gdb's gcore. (The relays go on meanwhile.) */
async function coreDump(pid, folder) {
  const prefix = join(folder, 'core');
  const done = await run('/usr/bin/env', ['gcore', '-o', prefix, String(pid)]);
  assert.equal(done.code, 0, done.out + done.err);
  const file = `${prefix}.${pid}`;
  const dump = readFileSync(file);
  rmSync(file);
  assert.equal(dump.subarray(0, 4).toString('latin1'), '\x7fELF');
  return dump;
}

/** Whether the readable memory of a process contains `needle`: what it holds this moment. */
async function memoryContains(pid, needle) {
  const script = `
import sys
needle = sys.argv[2].encode()
with open('/proc/%s/maps' % sys.argv[1]) as maps, open('/proc/%s/mem' % sys.argv[1], 'rb', 0) as mem:
    for line in maps:
        span, mode = line.split()[:2]
        low, high = (int(x, 16) for x in span.split('-'))
        if 'r' not in mode or '[v' in line or high - low > 1 << 30: continue
        try:
            mem.seek(low)
            if needle in mem.read(high - low): sys.exit(10)
        except OSError: pass
`;
  const done = await run('/usr/bin/env', ['python3', '-c', script, String(pid), needle]);
  if (done.code !== 0 && done.code !== 10) throw new Error(done.err);
  return done.code === 10;
}

let network;
let engine;
let relays;
let roles;
let dumps;
let url;

/** All three roles, logging as much as they can, with a relay on each connection between them. */
before(async () => {
  const placeholder = await startEngine();
  network = await layOut(placeholder);
  placeholder.kill('SIGKILL');
  engine = await startHoldingEngine();
  const config = (name) => join(network.state, `${name}.toml`);
  const proxyPort = portOf(getKey(config('proxy'), 'listen'));
  relays = {
    client: await startRelay(proxyPort),
    worker: await startRelay(proxyPort),
    engine: await startRelay(engine.port),
  };
  setKey(config('client'), 'proxies', [`127.0.0.1:${relays.client.port}`]);
  setKey(config('worker-1'), 'proxies', [`127.0.0.1:${relays.worker.port}`]);
  setKey(config('worker-1'), 'engine_url', `http://127.0.0.1:${relays.engine.port}`);
  roles = {};
  for (const [name, file] of [['proxy', 'proxy'], ['worker', 'worker-1'], ['client', 'client']]) {
    setKey(config(file), 'log_level', 'debug');
    roles[name] = start(`cocoon-${name}`, ['--config', config(file)]);
    if (name === 'proxy') await roles.proxy.line('listening ');
  }
  url = await roles.client.line('listening ');
  await untilServed(url);
  dumps = mkdtempSync(join(tmpdir(), 'cocoon-e2e-dumps-'));
});

after(() => {
  killAll();
  for (const relay of Object.values(relays ?? {})) relay.close();
  engine?.close();
  network?.discard();
  if (dumps) rmSync(dumps, { recursive: true });
});

/** No canary in `text`, and, so that this says something, `text` is there. */
function assertClean(what, text) {
  assert.ok(text.length > 0, `there is no ${what} to search`);
  for (const [name, canary] of Object.entries(CANARIES)) {
    assert.ok(!text.includes(canary), `${what} contains the ${name}`);
  }
}

/** Whatever a role has printed or written. */
function assertCleanFiles() {
  for (const [name, role] of Object.entries(roles)) {
    assertClean(`log of the ${name}`, role.errors() + role.output());
  }
  const files = filesUnder(network.state);
  assert.ok(files.length >= 6, `state is missing: ${files}`);
  for (const file of files) {
    const content = readFileSync(file);
    if (content.length > 0) assertClean(file, content);
  }
}

test('prompt and answer are in the clear at the two ends only', async (t) => {
  const answer = await fetch(url + '/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ask(PROMPT, { stream: true })),
  });
  assert.equal(answer.status, 200);
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  const read = async () => {
    const { done, value } = await reader.read();
    text += decoder.decode(value);
    return done;
  };
  while (!text.includes(ANSWER)) assert.equal(await read(), false);

  // In the middle of the answer.
  await t.test("memory: the client has it, the proxy doesn't", async () => {
    for (const canary of Object.values(CANARIES)) {
      assert.equal(await memoryContains(roles.client.pid, canary), true, 'the search can find');
      assert.equal(await memoryContains(roles.proxy.pid, canary), false);
    }
  });
  await t.test('core dump of the proxy', async () => {
    const client = await coreDump(roles.client.pid, dumps);
    assert.ok(client.includes(PROMPT) && client.includes(ANSWER), 'the search can find');
    assertClean('core dump in the middle of an answer', await coreDump(roles.proxy.pid, dumps));
  });
  assertCleanFiles();

  engine.release();
  while (!(await read()));
  assert.match(text, new RegExp(`second ${ANSWER}`));
  assert.match(text, /\[DONE\]/);

  await t.test('core dump of the proxy after the answer', async () =>
    assertClean('core dump after the answer', await coreDump(roles.proxy.pid, dumps)),
  );

  await t.test("the engine's socket is in the clear, and shows that the search can find", () => {
    assert.ok(relays.engine.there().includes(PROMPT));
    assert.ok(relays.engine.back().includes(ANSWER));
  });
  for (const name of ['client', 'worker']) {
    await t.test(`the socket between ${name} and proxy is not`, () => {
      for (const direction of ['there', 'back']) {
        const bytes = relays[name][direction]();
        assert.equal(bytes[0], 0x16, 'it begins with a TLS handshake');
        assert.ok(bytes.length > 1024, `${bytes.length} bytes are too few for what was said`);
        assertClean(`socket between ${name} and proxy (${direction})`, bytes);
      }
    });
  }

  for (const name of ['client', 'worker', 'proxy']) {
    roles[name].kill('SIGTERM');
    assert.deepEqual(await roles[name].ended, { code: 0, signal: null });
  }
  assertCleanFiles();
});
