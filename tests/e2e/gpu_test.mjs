// Workers that show the evidence of their GPUs: the real programs, and in the place of NVIDIA's library
// one that signs with keys whose root only this network trusts (tests/support/nvml_stand_in.cpp).
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import {
  ask, killAll, layOut, program, run, start, startEngine, until, untilServed,
} from './network.mjs';

let network;
let sim;
let sets;
let bundle;

const inState = (name) => join(network.state, name);

async function ledger(...args) {
  const { code, err } = await run('cocoon-ledger', ['--ledger', inState('ledger.sqlite'), ...args]);
  assert.equal(code, 0, err);
}

/** A copy of a configuration with keys added at the beginning of a table. */
function withKeys(file, table, lines) {
  const text = readFileSync(inState(file), 'utf8');
  const changed = text.replace(`[${table}]\n`, () => `[${table}]\n${lines.join('\n')}\n`);
  assert.notEqual(changed, text);
  const copy = inState(`gpu-${file}`);
  writeFileSync(copy, changed);
  return copy;
}

function startWorker(gpus) {
  const config = withKeys('worker-1.toml', 'evidence', [
    'gpu = "nvidia"',
    'gpu_set_files = ["sim/driver.txt", "sim/vbios.txt"]',
    `nvml = ${JSON.stringify(program('libcocoon_test_nvml.so'))}`,
  ]);
  return start('cocoon-worker', ['--config', config], {
    env: { ...process.env, COCOON_STAND_IN_GPUS: gpus },
  });
}

async function end(child) {
  child.kill('SIGTERM');
  assert.deepEqual(await child.ended, { code: 0, signal: null });
}

/** Judges the bundle of the running network, changed by `edit`, under a policy with these lines. */
async function judge(lines, edit = () => {}) {
  const changed = structuredClone(bundle);
  edit(changed);
  writeFileSync(inState('bundle.json'), JSON.stringify(changed));
  const { registry } = await network.ledger();
  writeFileSync(inState('policy.toml'), [
    'root = "simulated"', 'simulated_dir = "sim"',
    `images = ${JSON.stringify([...registry.proxy_images, ...registry.worker_images])}`, ...lines, '',
  ].join('\n'));
  const { code, out, err } = await run('cocoon-attest', [
    'verify', '--bundle', inState('bundle.json'), '--policy', inState('policy.toml'), '--json',
  ]);
  return { code, answer: out ? JSON.parse(out) : undefined, err };
}

before(async () => {
  network = await layOut(await startEngine());
  sim = inState('sim');
  const { out } = await run('stand_in_gpu_files', [sim]);
  sets = Object.fromEntries(out.trim().split('\n').map((line) => line.split(' ')));
});
after(() => {
  killAll();
  network?.discard();
});

test('a worker without the GPUs that it is to show says so, and serves nobody', async () => {
  const worker = startWorker('0');
  await worker.line('started ');
  await worker.says('cannot attest: NVIDIA\'s driver knows no GPU in this guest');
  await end(worker);
});

test('GPUs that the host has not put into confidential mode are not shown', async () => {
  const worker = startWorker('1 off');
  await worker.line('started ');
  const line = await worker.says('cannot attest: ');
  assert.match(line, /confidential computing is off .* the host turns it on .*gpu_not_confidential/);
  await end(worker);
});

test('where nobody admits measurement sets, a worker that shows GPUs is told what to do', async () => {
  const proxy = start('cocoon-proxy', ['--config', inState('proxy.toml')]);
  await proxy.line('listening ');
  const worker = startWorker('2');
  await worker.says('register its sets (cocoon-ledger allow gpu)');
  await end(worker);
  await end(proxy);
});

test('with registered sets it serves, and the bundle proves its GPUs without a network', async () => {
  await ledger('allow', 'gpu', sets.driver);
  await ledger('allow', 'gpu', sets.vbios);
  const proxy = start('cocoon-proxy', ['--config', inState('proxy.toml')]);
  await proxy.line('listening ');
  const worker = startWorker('2');
  const client = start('cocoon-client', ['--config', inState('client.toml')]);
  const url = await client.line('listening ');
  await untilServed(url);
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: url, maxRetries: 0 });
  const answer = await sdk.chat.completions.create(ask('hello from two GPUs'));
  assert.match(answer.choices[0].message.content, /hello from two GPUs/);

  bundle = await (await fetch(url + '/cocoon/evidence')).json();
  assert.equal(bundle.workers.length, 1);
  assert.deepEqual(bundle.workers[0].gpus.map((gpu) => [gpu.verdict, gpu.driver_set]),
    [['Genuine', sets.driver], ['Genuine', sets.driver]]);
  assert.notEqual(bundle.workers[0].gpus[0].device, bundle.workers[0].gpus[1].device);

  const admitting = [`gpu_measurement_sets = ["${sets.driver}", "${sets.vbios}"]`];
  const good = await judge(admitting);
  assert.equal(good.code, 0, good.err + JSON.stringify(good.answer));
  assert.equal(good.answer.workers[0].gpus.gpus.length, 2);

  // Another policy, or another bundle.
  const reason = ({ code, answer }) => [code, answer.workers[0].gpus.reasons[0].split(':')[0]];
  assert.deepEqual(reason(await judge([])), [1, 'gpu_not_admitted']);
  assert.deepEqual(reason(await judge([`gpu_measurement_sets = ["${sets.driver}"]`])),
    [1, 'gpu_measurement_set']);
  assert.deepEqual(reason(await judge(admitting, (b) => delete b.workers[0].gpu_evidence)),
    [1, 'gpu_missing']);
  assert.deepEqual(reason(await judge(admitting, (b) => b.workers[0].gpu_evidence.pop())),
    [1, 'gpu_digest_mismatch']);
  await end(client);
  await end(worker);
  await end(proxy);
});

test('a client that admits other sets is told so, and seals nothing for that worker', async () => {
  const proxy = start('cocoon-proxy', ['--config', inState('proxy.toml')]);
  await proxy.line('listening ');
  const worker = startWorker('1');
  const config = withKeys('client.toml', 'worker_policy', [
    `gpu_measurement_sets = ["${sets.driver}"]`,
  ]);
  const client = start('cocoon-client', ['--config', config]);
  const url = await client.line('listening ');
  await untilServed(url);
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: url, maxRetries: 0 });
  await assert.rejects(sdk.chat.completions.create(ask('a secret')), (error) => {
    assert.equal(error.status, 502);
    assert.match(error.message, new RegExp(`fits the measurement set ${sets.vbios}, which is not`));
    return true;
  });
  await end(client);

  // The registry takes a set back: the worker loses its connection, and learns why.
  await ledger('remove', 'gpu', sets.vbios);
  await worker.says(`fits the measurement set ${sets.vbios}, which is not on the policy's list`);
  await until('the proxy to refuse it', () => /gpu_measurement_set/.test(proxy.errors()));
  await end(worker);
  await end(proxy);
});

test('a worker without GPUs is refused where they are demanded, and told what to set', async () => {
  const proxy = start('cocoon-proxy', ['--config', inState('proxy.toml')]);
  await proxy.line('listening ');
  const worker = start('cocoon-worker', ['--config', inState('worker-1.toml')]);
  await worker.says('set gpu = "nvidia" under [evidence]');
  await end(worker);
  await end(proxy);
});
