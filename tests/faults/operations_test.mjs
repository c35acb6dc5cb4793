// What operators do and suffer with a running network: restarts in turn, a full disk, readers that stop.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { demand, killAll, run, until } from '../support/process.mjs';
import { setKey } from '../support/role_config.mjs';
import { Callers } from './callers.mjs';
import { Executions, MODEL } from './engine.mjs';
import { judgeMoney } from './judge.mjs';
import { makeRandom } from './random.mjs';
import { World } from './world.mjs';

const SEED = Number(process.env.COCOON_SEED ?? Math.floor(Math.random() * 1e9));
console.log(`COCOON_SEED=${SEED}`);
demand('unshare', 'util-linux');

let world;
let executions;
async function network(shape) {
  executions = new Executions();
  world = await World.make({ seed: SEED, proxies: 1, workers: 1, executions, ...shape });
  await world.untilServed();
  return world;
}
afterEach(() => {
  world?.close();
  killAll();
  world?.discard();
  world = undefined;
});
after(killAll);

/** Callers that neither give up nor ask for an answer that breaks. */
function patientCallers(count) {
  const random = makeRandom(SEED, 'callers');
  return new Callers({
    gateway: world.gateway, client: world.roles.get('client'), count, ends: { ok: 1 }, prefix: 'r',
    random: { ...random, weighted: (of) => random.weighted('plain' in of ? { plain: 1, stream: 1 } : of) },
  });
}

async function restart(role) {
  const { code } = await role.end('SIGTERM');
  assert.equal(code, 0, role.lastLog);
  await role.start();
  await world.untilServed();
}

async function stopAll() {
  for (const kind of ['client', 'proxy', 'worker']) {
    for (const role of world.ofKind(kind)) {
      const { code } = await role.end('SIGTERM');
      assert.equal(code, 0, role.lastLog);
    }
  }
}

const failed = (callers) => callers.records.filter((record) => record.outcome !== 'ok');

test('workers and proxies that are restarted one after the other lose no request', async () => {
  await network({ proxies: 2, workers: 2 });
  const callers = patientCallers(6);
  callers.begin();
  for (const role of [...world.ofKind('worker'), ...world.ofKind('proxy')]) {
    const ended = callers.records.length;
    await until('requests to end before the next restart', () => callers.records.length >= ended + 20);
    await restart(role);
  }
  await callers.finish();
  assert.deepEqual(callers.complaints, []);
  assert.deepEqual(failed(callers), []);
  for (const { id } of callers.records) assert.equal(executions.of(id).length, 1, `${id} ran more than once`);
  await stopAll();
  assert.deepEqual((await judgeMoney(world, callers.records, executions)).broken, []);
  for (const change of ['claimed_nano', 'refunded_nano', 'balance_nano']) {
    const other = Object.create(world, { ledger: { value: (...of) => ledgerWithOneMore(change, of) } });
    const { broken } = await judgeMoney(other, callers.records, executions);
    assert.notDeepEqual(broken, [], `one nanoton more in ${change} was not seen`);
  }
});

/** What the ledger shows, but for one nanoton of its first channel. */
async function ledgerWithOneMore(key, command) {
  const shown = JSON.parse(await world.ledger(...command));
  ++shown.channels[0][key];
  return JSON.stringify(shown);
}

/** Moves a role's state to a small disk. @return how to fill it, to make room, and to take it away */
async function onSmallDisk(role, name) {
  const folder = join(world.state, name);
  const disk = join(world.state, `${name}-disk`);
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'cocoon-test', disk]);
  execFileSync('cp', ['-a', `${folder}/.`, disk]);
  setKey(role.config, 'state_dir', disk);
  const filler = join(disk, 'filler');
  return {
    fill: () => {
      try {
        writeFileSync(filler, Buffer.alloc(4 << 20));
      } catch (error) {
        assert.equal(error.code, 'ENOSPC');
      }
    },
    makeRoom: () => rmSync(filler),
    unmount: () => execFileSync('umount', ['-l', disk]),
  };
}

const canMount = await run('/usr/bin/env', ['unshare', '-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).then(({ code }) => code === 0);
const skipDisk = !canMount && 'no right to mount a small disk';

for (const kind of ['client', 'proxy', 'worker']) {
  test(`a ${kind} whose disk is full stops and says so, and goes on with its accounts when there is room`, { skip: skipDisk }, async () => {
    await network();
    const role = world.ofKind(kind)[0];
    await role.end('SIGTERM');
    const disk = await onSmallDisk(role, kind === 'worker' ? 'worker-1' : kind);
    try {
      await role.start();
      await world.untilServed();
      const callers = patientCallers(2);
      callers.begin();
      await until('some answers', () => callers.records.length >= 10);
      disk.fill();
      const ended = await role.process.ended;
      callers.stopped = true;
      assert.equal(ended.code, 1, role.process.errors());
      assert.match(role.process.errors(), /disk is full/);
      role.crashes = [];
      disk.makeRoom();
      role.downs.push([performance.now(), Infinity]);
      await role.start();
      await callers.finish();
      await world.untilServed();
      const later = patientCallers(2);
      later.prefix = 'later';
      later.begin();
      await until('answers again', () => later.records.length >= 10);
      await later.finish();
      assert.deepEqual(failed(later), []);
      await stopAll();
      assert.deepEqual((await judgeMoney(world, [...callers.records, ...later.records], executions)).broken, []);
    } finally {
      disk.unmount();
    }
  });
}

/** An engine that writes as fast as it is read, as much as `mebibytes`. */
async function floodingEngine(mebibytes) {
  const content = 'x'.repeat(4096);
  const line = `data: ${JSON.stringify({ id: 'f', object: 'chat.completion.chunk', model: MODEL, choices: [{ index: 0, delta: { content } }] })}\n\n`;
  const engine = { written: 0, most: mebibytes << 20 };
  const server = createServer((request, response) => {
    if (request.method === 'GET') return response.end(JSON.stringify({ object: 'list', data: [{ id: MODEL, object: 'model' }] }));
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const go = () => {
      while (engine.written < engine.most) {
        engine.written += line.length;
        if (!response.write(line)) return response.once('drain', go);
      }
      response.end('data: [DONE]\n\n');
    };
    go();
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  engine.port = server.address().port;
  engine.close = () => server.closeAllConnections() ?? server.close();
  return engine;
}

test('a caller that stops reading stops the engine, and holds no memory of the roles', async () => {
  await network();
  const engine = await floodingEngine(512);
  world.engines.push(engine);
  const [worker] = world.ofKind('worker');
  await worker.end('SIGTERM');
  setKey(worker.config, 'engine_url', `http://127.0.0.1:${engine.port}`);
  await worker.start();
  await world.untilServed();
  const before = Object.fromEntries(world.inOrder().map((role) => [role.name, role.usage().private_kib]));
  const request = httpRequest({ ...world.gateway, method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json' } });
  request.end(JSON.stringify({ model: MODEL, stream: true, messages: [{ role: 'user', content: 'f' }] }));
  const response = await new Promise((resolve) => request.on('response', resolve));
  assert.equal(response.statusCode, 200);
  response.pause();
  let seen = -1;
  await until('the engine to be stopped', async () => {
    const stands = engine.written === seen && seen > 0;
    seen = engine.written;
    await new Promise((resume) => setTimeout(resume, 500));
    return stands && engine.written === seen;
  });
  assert.ok(engine.written < engine.most / 4, `the engine wrote ${engine.written} that nobody reads`);
  for (const role of world.inOrder()) {
    const grown = role.usage().private_kib - before[role.name];
    // A sanitizer keeps what was freed.
    if (!process.env.COCOON_NO_MEMORY) assert.ok(grown < 4096, `${role.name} holds ${grown} KiB more`);
  }
  const gone = new Promise((resolve) => request.on('close', resolve));
  request.destroy();
  await gone;
});
