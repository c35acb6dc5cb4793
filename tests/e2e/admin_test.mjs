// The pages for the operators of proxy and worker.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freeAddress, killAll, layOut, run, setKey, start, startEngine, until } from './network.mjs';

let engine;
let network;
let proxy;
let worker;
const pages = {};

before(async () => {
  engine = await startEngine();
  network = await layOut(engine);
  for (const name of ['proxy', 'worker-1']) {
    pages[name] = await freeAddress();
    setKey(join(network.state, `${name}.toml`), 'admin_listen', pages[name]);
  }
  worker = start('cocoon-worker', ['--config', join(network.state, 'worker-1.toml')]);
  await worker.line('started ');
});
after(() => {
  killAll();
  network?.discard();
});

const get = async (name, path) => {
  const answer = await fetch(`http://${pages[name]}${path}`);
  return { status: answer.status, text: await answer.text() };
};

test('a worker says in one line why it does not earn', async () => {
  const { status, text } = await get('worker-1', '/healthz');
  assert.equal(status, 503);
  assert.match(text, /^(proxy|engine|evidence|ledger): .+\n$/);
});

test('a proxy that cannot attest says so, and is not well', async () => {
  const file = join(network.state, 'proxy.toml');
  const config = readFileSync(file, 'utf8');
  const elsewhere = JSON.stringify(join(network.state, 'no-tsm'));
  writeFileSync(
    file, config.replace(/\[evidence\]\n[^[]*/, `[evidence]\nkind = "tdx"\nconfigfs = ${elsewhere}\n`));
  const unable = start('cocoon-proxy', ['--config', file]);
  await unable.line('listening ');
  const health = await until('the proxy to have tried', async () => {
    const { status, text } = await get('proxy', '/healthz');
    assert.equal(status, 503);
    return text.includes('cannot attest') && text;
  });
  assert.match(health, /^evidence: cannot attest: this machine makes no TDX quote/);
  assert.ok(unable.errors().includes(health.trim().slice('evidence: '.length)), 'as its log does');
  unable.kill('SIGTERM');
  assert.deepEqual(await unable.ended, { code: 0, signal: null });
  writeFileSync(file, config);
});

test('a worker with engine and proxy is well, and says so', async () => {
  proxy = start('cocoon-proxy', ['--config', join(network.state, 'proxy.toml')]);
  await proxy.line('listening ');
  await until('the worker to be well', async () => (await get('worker-1', '/healthz')).status === 200);
  assert.equal((await get('worker-1', '/healthz')).text, 'ok\n');
  assert.deepEqual(await get('proxy', '/healthz'), { status: 200, text: 'ok\n' });
});

test('both show the market: what is served, at what price, and what is asked for', async () => {
  const own = JSON.parse((await get('proxy', '/v1/cocoon/market')).text);
  assert.deepEqual(own.models.map((m) => [m.id, m.workers]), [['demo/echo', 1]]);
  assert.ok(own.models[0].lowest_completion_price_nano > 0);
  await until('the worker to have asked its proxy', async () => {
    const { proxies } = JSON.parse((await get('worker-1', '/v1/cocoon/market')).text);
    return proxies.length === 1 && proxies[0].market.models?.[0]?.id === 'demo/echo';
  });
});

test('both show what was measured of workers', async () => {
  assert.ok(Array.isArray(JSON.parse((await get('proxy', '/v1/cocoon/reputation')).text).workers));
  const { proxies } = JSON.parse((await get('worker-1', '/v1/cocoon/reputation')).text);
  assert.equal(proxies[0].requests, 0);
});

test('a proxy that the registry no longer lists is left by its worker, and both say why', async () => {
  const path = join(network.state, 'ledger.sqlite');
  const ledger = async (...args) => {
    const done = await run('cocoon-ledger', ['--ledger', path, ...args]);
    assert.equal(done.code, 0, done.err);
    return done.out;
  };
  const { registry } = JSON.parse(await ledger('show', '--json'));
  const [{ account, endpoint }] = registry.proxies;
  await ledger('remove', 'proxy', account);
  for (const name of ['proxy', 'worker-1']) {
    await until(`${name} to notice`, async () => (await get(name, '/healthz')).status === 503);
  }
  assert.match((await get('proxy', '/healthz')).text, /^registry: version \d+ does not list this proxy/);
  assert.match((await get('worker-1', '/healthz')).text, /^proxy: .*does not list proxy [0-9a-f]{64}/);
  await ledger('allow', 'proxy', account, '--endpoint', endpoint);
  for (const name of ['proxy', 'worker-1']) {
    await until(`${name} to be well again`, async () => (await get(name, '/healthz')).status === 200);
  }
});

test('a proxy without a usable endpoint is not allowed, and no contract is made for it', async () => {
  const path = join(network.state, 'ledger.sqlite');
  for (const endpoint of ['foo', 'foo:0', 'foo:70000', 'unix:/run/proxy.sock', ':7443', '0.0.0.0:7443', '[::]:7443']) {
    const account = 'ab'.repeat(32);
    const done = await run('cocoon-ledger', ['--ledger', path, 'allow', 'proxy', account, '--endpoint', endpoint]);
    assert.equal(done.code, 2, endpoint);
    assert.ok(done.err.includes(endpoint), done.err);
    const shown = await run('cocoon-ledger', ['--ledger', path, 'show', '--json']);
    assert.ok(!JSON.stringify(JSON.parse(shown.out).proxy_contracts).includes(account), endpoint);
  }
});

test('a worker whose engine has died says so', async () => {
  engine.kill('SIGKILL');
  await until('the worker to notice', async () => (await get('worker-1', '/healthz')).status === 503);
  assert.match((await get('worker-1', '/healthz')).text, /^engine: .*refuses connections/);
});

test('both have metrics for Prometheus', async () => {
  for (const name of ['proxy', 'worker-1']) {
    const { status, text } = await get(name, '/metrics');
    assert.equal(status, 200);
    assert.match(text, /^# TYPE cocoon_\w+ /m);
    assert.match(text, /^cocoon_\w+_requests_total\{outcome="failed"\} 0$/m);
  }
});

test('an unknown page is 404, a method that is not GET 405', async () => {
  assert.equal((await get('proxy', '/secrets')).status, 404);
  const answer = await fetch(`http://${pages.proxy}/healthz`, { method: 'POST', body: 'x' });
  assert.equal(answer.status, 405);
});
