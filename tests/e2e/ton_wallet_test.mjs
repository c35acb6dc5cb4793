// What the owners of accounts and the keepers of a registry do on TON: cocoon-wallet with the real contracts.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import OpenAI from 'openai';
import { chainOf, SERVER } from './chain.mjs';
import {
  ask, getKey, killAll, run, setKey, start, startEngine, startNetwork, until, untilServed,
} from './network.mjs';

const CLOSED = 3n; // of the contracts' phases
const TON = 1_000_000_000n;
/** What a message brings and does not get back, at most. */
const FEES = TON / 10n;

let engine;
let network;
let chain;
let proxy; // its account
before(async () => {
  engine = await startEngine();
  network = await startNetwork(engine, ['--ledger', 'ton']);
  assert.deepEqual(await network.stop(), { code: 0, signal: null });
  // The chain ends with its network: from here on it is this test's, where the roles look for it.
  const listen = new URL(getKey(inState('client.toml'), 'endpoints')[0]).host;
  const server = start(process.execPath, [SERVER, '--listen', listen, '--block-ms', '100',
    '--state', inState('chain')]);
  await server.line('ready ');
  chain = chainOf(network.state);
  proxy = /^account +([0-9a-f]{64})$/m.exec(await done('proxy', 'show'))[1];
});
after(() => {
  killAll();
  network?.discard();
});

const inState = (name) => join(network.state, name);
const OPTION = { 'worker-1': 'worker', proxy: 'proxy' };
/** cocoon-wallet for the account of a configuration in the network's folder. */
const wallet = (name, ...args) =>
  run('cocoon-wallet', [`--${OPTION[name] ?? 'client'}`, inState(`${name}.toml`), ...args]);
const done = async (name, ...args) => {
  const { code, out, err } = await wallet(name, ...args);
  assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`);
  return out;
};
const refused = async (status, says, name, ...args) => {
  const { code, out, err } = await wallet(name, ...args);
  assert.equal(code, status, `${args.join(' ')}: ${out}${err}`);
  assert.match(out + err, says);
  return out;
};
/** Another configuration: that of the client, with changes. */
function configure(name, changes) {
  const file = inState(`${name}.toml`);
  copyFileSync(inState('client.toml'), file);
  for (const [key, value] of Object.entries(changes)) setKey(file, key, value);
}
const balanceShown = (out) => /^balance +(.*) TON$/m.exec(out)[1];

test('create makes a key once, and says what to fund', async () => {
  configure('other', { state_dir: inState('other') });
  const first = await done('other', 'create');
  assert.match(first, /^key .*other\/account\.key \(made now\)$/m);
  assert.equal(statSync(inState('other/account.key')).mode & 0o777, 0o600);
  const again = await done('other', 'create');
  assert.match(again, /\(it was there\)/);
  const address = /^wallet +(UQ\S+)$/m;
  assert.equal(address.exec(again)[1], address.exec(first)[1]);
});

test('TON is sent to the nanoton, once', async () => {
  const to = /^wallet +(\S+)$/m.exec(await done('other', 'create'))[1];
  const send = ['send', '--to', to, '--amount', '5.000000001 TON', '--memo', 'for lunch'];
  await refused(1, /5.000000001 TON of .* go to UQ.*scripts give --yes/, 'client', ...send);
  assert.equal(await chain.balance(to), 0n);

  const before = await chain.wallet('client');
  const number = /^number +(\d+)$/m.exec(await done('client', '--yes', ...send))[1];
  assert.equal(await chain.balance(to), 5n * TON + 1n);
  const paid = before - await chain.wallet('client');
  assert.ok(paid > 5n * TON && paid < 5n * TON + FEES, `${paid}`);
  assert.equal(balanceShown(await done('other', 'show')), '5.000000001');

  await refused(1, /carried out its transfer number .* already/, 'client', '--yes', ...send, '--number', number);
  assert.equal(await chain.balance(to), 5n * TON + 1n);
});

test('TON is not sent to who could not take it', async () => {
  const to = /^wallet +(\S+)$/m.exec(await done('other', 'create'))[1];
  const { out } = await run('cocoon-ton', ['address', to, '--json']);
  const forms = JSON.parse(out);
  const send = (address) => ['--yes', 'send', '--to', address, '--amount', '1 TON'];
  await refused(2, new RegExp(`nothing is installed .* give its address as ${to}`), 'client', ...send(forms.raw));
  await refused(2, /nothing is installed/, 'client', ...send(forms.bounceable));
  await refused(2, /for test networks only/, 'client', ...send(forms.test_non_bounceable));
  await refused(2, /there is no workchain 7/, 'client', ...send(`7:${'0'.repeat(64)}`));
  await refused(2, /address/i, 'client', ...send(to.slice(1)));
  await refused(1, /the wallet has .*, and 5.02 TON are needed/, 'other', '--yes', 'send', '--to', to, '--amount', '5 TON');
  assert.equal(await chain.balance(to), 5n * TON + 1n);
});

test('registry show: what a node works with, and by whose word', async () => {
  const out = await done('client', 'registry', 'show');
  assert.match(out, /^registry +version 1, in force since 20/m);
  assert.match(out, /^closing +channels 1m, proxies 2m$/m);
  assert.match(out, new RegExp(`^proxy +${proxy} at `, 'm'));
  assert.match(out, /^signed +version 1; 1 of 1 keepers are needed$/m);
  assert.match(out, /^keeper +[0-9a-f]{64} signed$/m);
  const shown = JSON.parse(await done('client', 'registry', 'show', '--json'));
  assert.deepEqual(shown.in_use, shown.ledger);
  assert.equal(shown.waiting, null);
  assert.equal(shown.keepers[0].signed, true);
});

test('keepers sign one after the other, and verify says who is missing', async () => {
  const one = getKey(inState('client.toml'), 'keepers')[0];
  const made = await run('cocoon-wallet', ['registry', 'keeper', '--key', inState('second.key')]);
  const two = /^keeper +([0-9a-f]{64})$/m.exec(made.out)[1];
  assert.equal(statSync(inState('second.key')).mode & 0o777, 0o600);
  configure('pair', { keepers: [one, two], keepers_needed: 2, state_dir: inState('pair') });
  const file = inState('gathered.signed');
  const sign = (key, ...more) => ['registry', 'sign', '--key', key, '--file', file, ...more];

  await refused(1, /gathered.signed does not exist/, 'pair', 'registry', 'verify', file);
  await refused(1, /gathered.signed does not exist/, 'pair', ...sign(inState('second.key'), '--offline'));
  await refused(1, /signs version 1.*scripts give --yes/s, 'pair', ...sign(inState('second.key')));
  await refused(2, /none of the keepers/, 'pair', '--yes', ...sign(inState('client/account.key')));

  const first = await done('pair', '--yes', ...sign(inState('second.key')));
  assert.match(first, new RegExp(`^keeper +${one} not signed\nkeeper +${two} signed\n2 are needed: pass`, 'm'));
  const half = await refused(1, /has 1 good signatures .* needs 2/, 'pair', 'registry', 'verify', file);
  assert.match(half, new RegExp(`^keeper +${one} not signed$`, 'm'));
  const second = await done('pair', '--yes', ...sign(inState('keeper/account.key'), '--offline'));
  assert.match(second, /has all that nodes need/);
  assert.match(await done('pair', 'registry', 'verify', file), /Enough keepers have signed/);

  const bytes = readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(inState('damaged.signed'), bytes);
  await refused(1, /WRONG SIGNATURE/, 'pair', 'registry', 'verify', inState('damaged.signed'));
  writeFileSync(inState('cut.signed'), bytes.subarray(0, 40));
  await refused(1, /damaged/, 'pair', 'registry', 'verify', inState('cut.signed'));
});

/** Starts the roles of the network, one by one. */
async function startRoles() {
  const role = (name, program) => start(program, ['--config', inState(`${name}.toml`)]);
  const own = { proxy: role('proxy', 'cocoon-proxy') };
  await own.proxy.line('listening ');
  own.worker = role('worker-1', 'cocoon-worker');
  own.client = role('client', 'cocoon-client');
  const url = await own.client.line('listening ');
  await untilServed(url);
  return { ...own, url };
}
async function stop(role) {
  role.kill('SIGTERM');
  assert.deepEqual(await role.ended, { code: 0, signal: null }, role.errors());
}

test('what roles could not settle when they stopped is settled by command, once', async () => {
  const roles = await startRoles();
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: roles.url, maxRetries: 0 });
  await chain.faults({ errors: [{ kind: '500', times: 1_000_000, methods: ['sendBoc'] }] });
  await sdk.chat.completions.create(ask('what is this worth?', { max_tokens: 16 }));
  await refused(1, /state.db is in use: the role runs/, 'proxy', '--yes', 'redeem');
  await refused(1, /state.db is in use: the role runs/, 'worker-1', '--yes', 'cash-out');

  // In this order each still hears what the one before it signs last.
  for (const role of [roles.client, roles.proxy, roles.worker]) await stop(role);
  await chain.endFaults();
  assert.equal((await chain.channel()).claimed, 0n);

  await refused(1, /are claimed by 1 messages.*scripts give --yes/, 'proxy', 'redeem');
  assert.match(await done('proxy', '--yes', 'redeem'), /^paid +0.0000\d+ TON by channel [0-9a-f]{64}$/m);
  const { claimed, settled } = await chain.channel();
  assert.ok(claimed > 0n);
  assert.equal(settled, claimed);
  assert.equal((await chain.proxy()).received, claimed);
  assert.match(await done('proxy', '--yes', 'redeem'), /Nothing is to be redeemed/);

  const share = claimed * 95n / 100n;
  assert.match(await done('worker-1', '--yes', 'cash-out'), /^paid +0.0000\d+ TON by proxy [0-9a-f]{64}$/m);
  assert.equal(await chain.paid(), share);
  assert.match(await done('worker-1', '--yes', 'cash-out'), /Nothing is to be cashed/);
  assert.equal(await chain.paid(), share);
});

test('a client leaves: after the delay it has the rest of its deposit', async () => {
  const before = await chain.wallet('client');
  const leave = ['--yes', 'leave', '--proxy', proxy];
  await refused(3, /closing.*\n.*until 20.*; the ledger's clock shows 20/, 'client', ...leave);
  assert.match(await done('client', 'show'), / closing: .*\n +waits until 20.*`cocoon-wallet leave` finishes it/);
  assert.match(await done('proxy', '--yes', 'redeem'), /may be finalised from 20.*\nNothing is to be redeemed/);
  await chain.advance(61);
  assert.match(await done('client', 'show'), /has waited until 20/);
  assert.match(await done('client', ...leave), /closed: deposit 100 TON/);

  const { phase, deposited, claimed, settled, refunded } = await chain.channel();
  assert.equal(phase, CLOSED);
  assert.equal(settled, claimed);
  assert.equal(refunded, deposited - claimed);
  const gained = await chain.wallet('client') - before;
  assert.ok(gained > refunded - FEES && gained < refunded, `${gained} of ${refunded}`);
  await refused(1, /no open channel with this proxy/, 'client', ...leave);
});

test('a proxy withdraws: after its delay it has stake and remainder', async () => {
  const before = await chain.proxy();
  await refused(3, /closing.*\nWorkers may cash until 20.*; the ledger's clock shows 20/, 'proxy', '--yes', 'withdraw');
  assert.match(await done('proxy', 'show'), /contract +closing.*\n +waits until 20/);
  await chain.advance(121);
  assert.match(await done('proxy', '--yes', 'withdraw'), /^contract closed/m);
  const { pool, fees, stake, withdrawn } = await chain.proxy();
  assert.deepEqual([pool, fees, stake], [0n, 0n, 0n]);
  assert.equal(withdrawn, before.pool + before.fees + before.stake);
});

test('cocoon-ton inspect tells what stands at an address, and whether it is genuine', async () => {
  const inspect = async (address, ...args) => {
    const { code, out, err } = await run('cocoon-ton', ['inspect', address, '--json', '--api', `${chain.url}/api/v2`,
      '--api-key-file', inState('ton.key'), ...args]);
    assert.equal(code, 0, err);
    return JSON.parse(out);
  };
  const { root, network: id } = JSON.parse(readFileSync(inState('ton-network.json'), 'utf8'));
  const shown = await inspect(root);
  assert.equal(shown.contract, 'root');
  assert.equal(shown.registry.network, id);
  assert.equal(shown.registry.proxies[0].account, proxy);

  const own = await inspect(chain.channelAddress);
  const channel = await chain.channel();
  assert.deepEqual([own.contract, own.phase, own.known_by, own.address_follows], ['channel', 'closed', 'code', true]);
  assert.equal(BigInt(own.refunded_nano), channel.refunded);
  assert.equal((await inspect(chain.proxyAddress)).contract, 'proxy');
  assert.equal((await inspect(/^wallet +(\S+)$/m.exec(await done('client', 'show'))[1])).contract, 'wallet v5r1');
  assert.equal((await inspect(`0:${'1'.repeat(64)}`)).status, 'nothing installed');
});

test('cocoon-ton inspect says what is wrong with what it is given', async () => {
  const fails = async (status, says, ...args) => {
    const { code, err } = await run('cocoon-ton', ['inspect', ...args]);
    assert.equal(code, status, err);
    assert.match(err, says);
  };
  writeFileSync(inState('bad.boc'), 'b5ee9c72');
  writeFileSync(inState('other.boc'), 'b5ee9c724101010100030000020aff9b3b5f');
  await fails(2, /name an address, or a file/);
  await fails(2, /48 characters/, 'nonsense');
  await fails(2, /boc_invalid/, '--data', inState('bad.boc'));
  await fails(2, /invalid|no contract that this program knows/, '--data', inState('other.boc'));
  await fails(1, /file_unreadable/, '--data', inState('missing.boc'));
  await fails(1, /ledger_unavailable/, `0:${'1'.repeat(64)}`, '--api', 'http://127.0.0.1:1/api/v2');
});

test("cocoon-ton inspect reads the contracts' data without a network", async () => {
  const cells = (file) => JSON.parse(readFileSync(join(process.env.COCOON_SOURCE, 'tests/vectors', file), 'utf8'));
  const inspect = async (data) => {
    writeFileSync(inState('data.boc'), data);
    const { code, out, err } = await run('cocoon-ton', ['inspect', '--json', '--data', inState('data.boc')]);
    assert.equal(code, 0, err);
    return JSON.parse(out);
  };
  const own = cells('contracts/cells.json');
  const channel = await inspect(own.channel.data);
  assert.equal(channel.channel, own.channel_id);
  assert.equal(channel.final_at, Number(own.channel.final_at));
  assert.equal((await inspect(own.proxy.data)).account, own.accounts.proxy.id);
  const epoch = await inspect(own.epoch.data);
  assert.equal(epoch.record_is_signed, true);
  assert.equal(epoch.epoch, 5);
  assert.equal(epoch.reputation, '0b'.padStart(64, '0'));
  assert.equal((await inspect(own.registry.data)).contract, 'root');
  for (const name of ['client_storage', 'root_storage']) {
    const { boc_hex: boc, decoded } = cells('ton/cocoon_cells.json').find((c) => c.name === name);
    const live = await inspect(boc);
    assert.equal(live.contract, `live ${name.split('_')[0]}`);
    assert.equal(live.owner, decoded.owner);
    assert.equal(live.unique_id, 239);
  }
});

test('what the ledger takes back counts at once, and keepers sign what is left', async () => {
  const image = /^worker image +([0-9a-f]{64})$/m.exec(await done('client', 'registry', 'show'))[1];
  await chain.removeWorkerImage(image);
  const shown = await until('the removal', async () => {
    const out = await done('client', 'registry', 'show');
    return /^ledger +version 2$/m.test(out) && out;
  });
  assert.match(shown, /^worker image +none: no worker is admitted$/m);
  assert.match(shown, new RegExp(`^The ledger has taken back or tightened since:\n(.*\n)*- worker image +${image}$`, 'm'));

  const signed = await done('client', '--yes', 'registry', 'sign', '--key', inState('keeper/account.key'));
  assert.match(signed, new RegExp(`^Changes since version 1:\n(.*\n)*- worker image +${image}$`, 'm'));
  assert.match(await done('client', 'registry', 'verify'), /^registry +version 2/m);
  // An older ledger, or one that lies, gets no signature.
  await chain.faults({ stale: 1000 });
  await refused(1, /registry|ledger/, 'client', '--yes', 'registry', 'sign', '--key', inState('keeper/account.key'));
  await chain.endFaults();
});
