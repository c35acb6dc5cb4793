// A whole network whose ledger is contracts: real processes, and the real TVM of apps/ton-devnet.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { chainOf, SERVER } from './chain.mjs';
import {
  ask, childrenOf, isAlive, killAll, run, start, startEngine, startNetwork, until,
} from './network.mjs';

const TON = 1_000_000_000n;
const ON_TON = ['--ledger', 'ton'];
/** 1.15 million tokens, about what the cost cap of one request admits: 21 of them are worth a payout. */
const LONG = 'x'.repeat(4_600_000);

let engine;
let network;
let chain;
before(async () => {
  engine = await startEngine();
  network = await startNetwork(engine, ON_TON);
  chain = chainOf(network.state);
});
after(() => {
  killAll();
  network?.discard();
});

const spent = async () => BigInt(await network.metric('cocoon_client_spent_nano_total'));
const question = (text, more = {}) =>
  network.sdk.chat.completions.create(ask(text, { max_tokens: 16, ...more }));

test('channel and proxy contract stand on the chain, with deposit and stake', async () => {
  const channel = await chain.channel();
  assert.equal(channel.deposited, 100n * TON);
  assert.equal(channel.claimed, 0n);
  assert.equal((await chain.proxy()).stake, 10n * TON);
});

test('a worker that has earned enough is paid by the contract, into its wallet', async () => {
  const before = await chain.wallet('worker-1');
  let asked = 0;
  await until('a payout', async () => {
    assert.match((await question(LONG)).choices[0].message.content, /./);
    assert.ok(++asked < 100, 'nothing is paid out');
    return (await chain.paid()) > 0n;
  });
  const paid = await chain.paid();
  assert.ok(paid <= (await spent()) * 95n / 100n, 'more than the worker has earned');
  // Fees go off, and what was sent along with the order to pay comes back a block later.
  await until('the payout to arrive', async () => await chain.wallet('worker-1') > before + paid - TON / 10n);
});

test('requests are served while the ledger is away', async () => {
  const { errors: [set] } = await chain.faults({ errors: [{ kind: '500' }] });
  await until('a role to miss the ledger', async () =>
    (await chain.shownFaults()).errors[0].times < set.times);
  for (let i = 0; i < 5; ++i) await question(`without a ledger ${i}`);
  await chain.endFaults();
});

test('a devnet that is killed leaves no process, and goes on where it was', async () => {
  const children = Object.values(childrenOf(network.devnet.pid));
  assert.equal(children.length, 4);
  const [paid, wealth] = [await chain.paid(), await chain.wallet('client')];
  const spentBefore = await spent();
  network.devnet.kill('SIGKILL');
  await network.devnet.ended;
  await until('the children to be gone', () => children.every((pid) => !isAlive(pid)));

  network = await startNetwork(engine, ON_TON, network.state);
  chain = chainOf(network.state);
  assert.equal((await chain.channel()).deposited, 100n * TON);
  assert.equal(await chain.wallet('client'), wealth, 'something was paid twice');
  assert.ok(await chain.paid() >= paid);
  await question('after the restart');

  const more = await spent();
  assert.ok(more > 0n);
  assert.deepEqual(await network.stop(), { code: 0, signal: null });
  // What stands in the contracts when all have left.
  const server = start(process.execPath, [SERVER, '--listen', '127.0.0.1:0', '--block-ms', '0',
    '--state', join(network.state, 'chain')]);
  const left = chainOf(network.state, (await server.line('ready ')).replace('/api/v2/', ''));
  const { claimed } = await left.channel();
  assert.ok(claimed > more && claimed <= spentBefore + more, `${claimed} of ${spentBefore} + ${more}`);
  const { received, delivered } = await left.proxy();
  assert.equal(received, claimed);
  assert.equal(delivered, await left.paid());
  server.kill('SIGTERM');
  await server.ended;
});

test('a state folder with the other kind of ledger is refused', async () => {
  const done = await run('cocoon-devnet', ['--backend', engine.url, '--state', network.state]);
  assert.equal(done.code, 1);
  assert.match(done.err, /other kind of ledger/);
});

test('what --ledger ton needs and does not find is said', async () => {
  const args = ['--backend', engine.url, ...ON_TON];
  const missing = await run('cocoon-devnet', [...args, '--ton-devnet', '/nonexistent/server.mjs']);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /there is no \/nonexistent\/server.mjs.*npm ci/);
  const bare = await run('cocoon-devnet', [...args, '--ton-devnet', join(process.env.COCOON_SOURCE,
    'packaging', 'quickstart')]);
  assert.match(bare.err, /packages .* are missing: run `npm ci --ignore-scripts` in /);
  const nodeless = await run('cocoon-devnet', args, { env: { PATH: '/nonexistent' } });
  assert.equal(nodeless.code, 1);
  assert.match(nodeless.err, /needs Node.js 18/);
});
