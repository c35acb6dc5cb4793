// The examples, as they are built and shown, against a real network.
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  ask, killAll, layOut, MODEL, run, start, startEngine, startNetwork, until, untilServed,
} from './network.mjs';
import OpenAI from 'openai';

const EXAMPLES = process.env.COCOON_EXAMPLES;

let engine;
before(async () => {
  engine = await startEngine();
});
after(killAll);

/** Proxy and worker run; the client's place is free for an example. */
async function withoutClient(startProxy = (file) => start('cocoon-proxy', ['--config', file])) {
  const network = await layOut(engine);
  const config = (name) => join(network.state, `${name}.toml`);
  const proxy = startProxy(config('proxy'));
  await proxy.line('listening ');
  const worker = start('cocoon-worker', ['--config', config('worker-1')]);
  await until('the worker to serve', () =>
    /worker \w+ connected/.test(proxy.errors()) && /engine at \S+ is ready/.test(worker.errors()),
  );
  return {
    config,
    proxy,
    stop: async () => {
      for (const role of [worker, proxy]) {
        role.kill('SIGTERM');
        assert.deepEqual(await role.ended, { code: 0, signal: null }, role.errors());
      }
      network.discard();
    },
  };
}

test('a client on a libuv loop of its host, with the configuration that a running devnet has for it', async () => {
  const network = await startNetwork(engine);
  const done = await run('example_client_uv', [join(network.state, 'app.toml'), MODEL]);
  assert.equal(done.code, 0, done.err);
  const text = [...done.out.matchAll(/^data: ({.*)$/gm)]
    .map(([, json]) => JSON.parse(json).choices[0]?.delta.content ?? '')
    .join('');
  assert.match(text, /Hello!/);
  assert.ok(Number(/cost: (\d+) nanoton/.exec(done.err)[1]) > 0);
  await network.stop();
  network.discard();
});

test('a client on a thread of its own', async () => {
  const network = await withoutClient();
  const done = await run('example_client_threaded', [network.config('client'), MODEL]);
  assert.equal(done.code, 0, done.out + done.err);
  assert.match(JSON.parse(done.out).choices[0].message.content, /Hello/);
  await network.stop();
});

test('a gateway that embeds the proxy meters a tenant, and refuses it over its allowance', async () => {
  const network = await withoutClient((file) => start('example_gateway_proxy', [file, '1']));
  const client = start('cocoon-client', ['--config', network.config('client')]);
  const url = await client.line('listening ');
  await untilServed(url);
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: url, maxRetries: 0 });
  const answer = await sdk.chat.completions.create(ask('the first'));
  assert.match(answer.choices[0].message.content, /the first/);
  const metered = new RegExp(`^[0-9a-f]{64} used ${MODEL} for \\d+ nanoton$`, 'm');
  await until('the hook to print', () => metered.test(network.proxy.output()));
  await assert.rejects(
    sdk.chat.completions.create(ask('the second')),
    (e) => e.status === 402 && /allowance/.test(e.message),
  );
  client.kill('SIGTERM');
  await client.ended;
  await network.stop();
});

for (const [name, args, role] of [
  ['client_uv', [MODEL], 'client'],
  ['client_threaded', [MODEL], 'client'],
  ['gateway_proxy', [], 'proxy'],
]) {
  test(`example_${name} without arguments says how it is used, and exits with 2`, async () => {
    const { code, err } = await run(`example_${name}`, []);
    assert.equal(code, 2);
    assert.match(err, new RegExp(`usage: example_${name} ${role.toUpperCase()}\\.toml`));
  });

  test(`example_${name} whose ledger is missing says so, and exits with 1`, async () => {
    const network = await layOut(engine);
    rmSync(join(network.state, 'ledger.sqlite'));
    const { code, err } = await run(`example_${name}`, [join(network.state, `${role}.toml`), ...args]);
    network.discard();
    assert.equal(code, 1, err);
    assert.match(err, new RegExp(`example_${name}: .*ledger\\.sqlite does not exist`));
  });

  test(`example_${name} that can never start exits with 1`, async () => {
    const network = await layOut(engine);
    rmSync(join(network.state, 'sim'), { recursive: true });
    const { code, err } = await run(`example_${name}`, [join(network.state, `${role}.toml`), ...args]);
    network.discard();
    assert.equal(code, 1, err);
    assert.match(err, /\/sim/);
  });

  test(`example_${name} is short enough to be read at a glance`, () => {
    const text = readFileSync(join(process.env.COCOON_SOURCE, 'examples', `${name}.cpp`), 'utf8');
    assert.ok(text.trimEnd().split('\n').length <= 60);
  });
}

test('clients print why a request has failed, and exit with 1', async () => {
  const network = await withoutClient();
  for (const name of ['example_client_uv', 'example_client_threaded']) {
    const { code, err } = await run(name, [network.config('client'), 'no/such-model']);
    assert.equal(code, 1, err);
    assert.match(err, /no\/such-model/);
  }
  await network.stop();
});

test('a gateway that embeds the proxy ends on Ctrl-C', async () => {
  const network = await layOut(engine);
  const gateway = start('example_gateway_proxy', [join(network.state, 'proxy.toml')]);
  await gateway.says('serving at');
  gateway.kill('SIGINT');
  assert.deepEqual(await gateway.ended, { code: 0, signal: null });
  network.discard();
});

test('the OpenAI SDK and curl at the gateway', async () => {
  const network = await startNetwork(engine);
  const node = await run(process.execPath, [join(EXAMPLES, 'openai_sdk.mjs'), MODEL], {
    env: { ...process.env, OPENAI_BASE_URL: network.url },
  });
  assert.equal(node.code, 0, node.err);
  assert.match(node.out, /Hello/);
  const curl = await run(join(EXAMPLES, 'curl.sh'), [network.url, MODEL]);
  assert.equal(curl.code, 0, curl.err);
  assert.match(curl.out, /data: \[DONE\]/);
  await network.stop();
  network.discard();
});
