// The examples, as they are built and shown, against a real network.
import assert from 'node:assert/strict';
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
    /worker \w+ connected/.test(proxy.errors()) && /engine is ready/.test(worker.errors()),
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

test('a client on a libuv loop of its host', async () => {
  const network = await withoutClient();
  const done = await run('example_client_uv', [network.config('client'), MODEL]);
  assert.equal(done.code, 0, done.err);
  const text = [...done.out.matchAll(/^data: ({.*)$/gm)]
    .map(([, json]) => JSON.parse(json).choices[0]?.delta.content ?? '')
    .join('');
  assert.match(text, /Hello!/);
  assert.ok(Number(/cost: (\d+) nanoton/.exec(done.err)[1]) > 0);
  await network.stop();
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
