// What a proxy publishes of its workers, and the digest of it on the ledger.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import {
  ask, freeAddress, killAll, layOut, run, setKey, start, startEngine, until, untilServed,
} from './network.mjs';

let network;
let proxy;
let url;
let admin;

const inState = (name) => join(network.state, name);
const page = async () => (await fetch(`http://${admin}/v1/cocoon/reputation`)).text();
const startProxy = async () => {
  proxy = start('cocoon-proxy', ['--config', inState('proxy.toml')]);
  await proxy.line('listening ');
  await until('its epoch', async () => JSON.parse(await page()).published);
};
const onLedger = async () => (await network.ledger()).proxy_contracts[0];
const check = (text) => {
  writeFileSync(inState('page.json'), text);
  return run('cocoon-wallet', ['--worker', inState('worker-1.toml'), 'reputation', inState('page.json')]);
};

before(async () => {
  network = await layOut(await startEngine());
  admin = await freeAddress();
  setKey(inState('proxy.toml'), 'admin_listen', admin);
  await startProxy();
  start('cocoon-worker', ['--config', inState('worker-1.toml')]);
  url = await start('cocoon-client', ['--config', inState('client.toml')]).line('listening ');
  await untilServed(url);
});
after(() => {
  killAll();
  network?.discard();
});

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** The root of protocol.md's trees. */
function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  return sha256(Buffer.from([1]), root(leaves.slice(0, left)), root(leaves.slice(left)));
}

/** By the text of protocol.md, section 12. */
function digest({ network: id, workers }) {
  if (workers.length === 0) return '0'.repeat(64);
  const leaves = [...workers].sort((a, b) => (a.account < b.account ? -1 : 1)).map((w) =>
    sha256(Buffer.from([0]), Buffer.from(w.account, 'hex'), u32(w.requests),
      u32(Math.round(w.success_rate * 10_000)), u32(w.first_token_ms), u32(w.tokens_per_second)));
  return sha256(Buffer.from('CCM1'), Buffer.from(id, 'hex'), u32(leaves.length), root(leaves)).toString('hex');
}

test('a proxy that has measured nobody publishes nothing', async () => {
  const { published } = JSON.parse(await page());
  assert.deepEqual(published.workers, []);
  assert.equal(published.digest, digest(published));
  const contract = await onLedger();
  assert.equal(contract.epoch, published.epoch);
  assert.equal(contract.reputation, published.digest);
});

test('what it has measured is on the ledger from its next start on', async () => {
  const early = await page();
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: url, maxRetries: 0 });
  for (let i = 0; i < 5; ++i) await sdk.chat.completions.create(ask(`number ${i}`));
  proxy.kill('SIGTERM');
  assert.deepEqual(await proxy.ended, { code: 0, signal: null });
  await startProxy();

  const text = await page();
  const { published } = JSON.parse(text);
  assert.equal(published.epoch, JSON.parse(early).published.epoch + 1);
  assert.deepEqual(published.workers.map((w) => w.requests), [5]);
  assert.equal(published.digest, digest(published));
  const contract = await onLedger();
  assert.equal(contract.account, published.proxy);
  assert.equal(contract.epoch, published.epoch);
  assert.equal(contract.reputation, published.digest);

  const same = await check(text);
  assert.equal(same.code, 0, same.err);
  assert.match(same.out, new RegExp(`^digest +${published.digest}, of 1 workers$`, 'm'));
  assert.match(same.out, /^ledger +has the same$/m);

  const late = await check(early);
  assert.equal(late.code, 1);
  assert.match(late.err, /the proxy has started since/);
});

test('a page that was altered is not what was published', async () => {
  const honest = JSON.parse(await page());
  const [worker] = honest.published.workers;
  for (const change of [
    { requests: 6 }, { first_token_ms: worker.first_token_ms + 1 }, { account: '1'.repeat(64) },
    { tokens_per_second: worker.tokens_per_second + 1 },
  ]) {
    const altered = structuredClone(honest);
    Object.assign(altered.published.workers[0], change);
    altered.published.digest = digest(altered.published); // whoever alters it can compute, too
    const { code, err } = await check(JSON.stringify(altered));
    assert.equal(code, 1);
    assert.match(err, /not the table that the proxy has published/, JSON.stringify(change));
  }
  const unclear = structuredClone(honest);
  unclear.published.workers[0].success_rate -= 0.00003;
  for (const text of ['', '{}', '{"published":{"workers":[]}}', JSON.stringify(unclear)]) {
    const { code, err } = await check(text);
    assert.equal(code, 1);
    assert.match(err, /save the page anew/);
  }
});
