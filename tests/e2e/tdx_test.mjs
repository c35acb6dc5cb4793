// A worker in a TDX guest (a stand-in for its kernel: tests/support/tdx_guest.h): the real programs, the
// real handshakes, and quotes by configfs-tsm.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { ask, childrenOf, killAll, layOut, start, startEngine, untilServed } from './network.mjs';

let network;
let sim;
before(async () => {
  network = await layOut(await startEngine());
  sim = join(network.state, 'sim');
  const file = join(network.state, 'worker-1.toml');
  const config = readFileSync(file, 'utf8');
  const evidence = [
    '[evidence]', 'kind = "tdx"', `configfs = ${JSON.stringify(join(sim, 'config'))}`,
    'qgs = "unix:/nonexistent/qgs.socket"', '',
  ].join('\n');
  const changed = config.replace(/\[evidence\]\n[^[]*/, () => evidence);
  assert.notEqual(changed, config);
  writeFileSync(file, changed);
});
after(() => {
  killAll();
  network?.discard();
});

const workerArgs = () => ['--config', join(network.state, 'worker-1.toml')];

test('outside of a guest a worker says what the machine lacks, and serves nobody', async () => {
  const worker = start('cocoon-worker', workerArgs());
  await worker.line('started ');
  const line = await worker.says('cannot attest: ');
  assert.match(line, /this machine makes no TDX quote; by configfs-tsm: .*config does not exist/);
  assert.match(line, /by QGS: \/dev\/tdx_guest: .*modprobe tdx_guest/);
  worker.kill('SIGTERM');
  assert.deepEqual(await worker.ended, { code: 0, signal: null });
});

test('in a guest it is admitted with the quote of its kernel, and answers', async () => {
  const file = join(network.state, 'worker-1.toml');
  const log = `event_log = ${JSON.stringify(join(sim, 'CCEL'))}\n`;
  writeFileSync(file, readFileSync(file, 'utf8').replace('[evidence]\n', (line) => line + log));
  const proxy = start('cocoon-proxy', ['--config', join(network.state, 'proxy.toml')]);
  await proxy.line('listening ');
  const guest = start('in_tdx_guest', [
    sim, 'tdx_guest', join(process.env.COCOON_BIN, 'cocoon-worker'), ...workerArgs(),
  ]);
  await guest.line('started ');
  const client = start('cocoon-client', ['--config', join(network.state, 'client.toml')]);
  const url = await client.line('listening ');
  await untilServed(url);
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: url, maxRetries: 0 });
  const answer = await sdk.chat.completions.create(ask('hello from a guest'));
  assert.match(answer.choices[0].message.content, /hello from a guest/);
  const { workers } = await (await fetch(url + '/cocoon/evidence')).json();
  const leaf = Buffer.from(workers[0].certificate, 'base64');
  assert.ok(leaf.includes(readFileSync(join(sim, 'CCEL'))), 'it shows the log of its boot');
  assert.doesNotMatch(guest.errors(), /SIMULATED evidence: no peer/);
  process.kill(childrenOf(guest.pid)['cocoon-worker'], 'SIGTERM');
  assert.deepEqual(await guest.ended, { code: 0, signal: null });
  assert.deepEqual(readdirSync(join(sim, 'config/tsm/report')), []);
});
