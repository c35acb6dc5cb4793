// What the owners of accounts do with their money: cocoon-wallet on a local ledger whose delays are short.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run, until } from './network.mjs';

const box = mkdtempSync(join(tmpdir(), 'cocoon-e2e-wallet-'));
const inBox = (name) => join(box, name);
after(() => rmSync(box, { recursive: true }));

const ledger = async (...args) => {
  const { code, out, err } = await run('cocoon-ledger', ['--ledger', inBox('ledger.sqlite'), ...args]);
  assert.equal(code, 0, err);
  return out;
};
const wallet = (role, ...args) => run('cocoon-wallet', [`--${role}`, inBox(`${role}.toml`), ...args]);
const done = async (role, ...args) => {
  const { code, out, err } = await wallet(role, ...args);
  assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`);
  return out;
};
const accountOf = async (role) => /^account +([0-9a-f]{64})$/m.exec(await done(role, 'show'))[1];

// As a proxy that has stopped leaves it: what one worker is owed, and has vouchers for.
const keepOwed = (worker, owed, vouched) => {
  const row = Buffer.alloc(60);
  row.write('CMB1');
  row.write(worker, 4, 'hex');
  row.writeBigUInt64BE(owed, 36);
  row.writeBigUInt64BE(vouched, 44);
  execFileSync('python3', ['-c', `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute('PRAGMA application_id = 0x43437374')
db.execute('PRAGMA user_version = 1')
db.execute('CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID')
db.execute('INSERT OR REPLACE INTO entries VALUES (?, ?)', (b'payout/' + sys.argv[2].encode(), bytes.fromhex(sys.argv[3])))
db.commit()
`, inBox('proxy/state.db'), worker, row.toString('hex')]);
};

let proxy;
before(async () => {
  const common = (role) => `ledger = "ledger.sqlite"\nstate_dir = "${role}"\n`;
  const policy = (name) => `[${name}]\n`;
  writeFileSync(inBox('client.toml'), common('client') + policy('proxy_policy') + policy('worker_policy'));
  writeFileSync(inBox('proxy.toml'), common('proxy') + policy('worker_policy'));
  writeFileSync(inBox('worker.toml'), common('worker') + 'engine_url = "http://127.0.0.1:9"\nmodels = ["demo/echo"]\n' +
    policy('proxy_policy'));
  await ledger('init', '--client-delay', '1s', '--proxy-delay', '2s');
  proxy = await accountOf('proxy');
  await ledger('allow', 'proxy', proxy, '--endpoint', '127.0.0.1:7443', '--stake', '1 TON');
});

test('a command line without an account is misuse, and says what is missing', async () => {
  const { code, err } = await run('cocoon-wallet', ['show']);
  assert.equal(code, 2);
  assert.match(err, /one of --client, --proxy and --worker/);
});

test('a configuration that is not there is misuse, as it is for the roles', async () => {
  const { code, err } = await run('cocoon-wallet', ['--client', inBox('nothing.toml'), 'show']);
  assert.equal(code, 2);
  assert.match(err, /nothing\.toml: cannot be read/);
});

test('create makes a key once, and says where it is', async () => {
  const first = await done('client', 'create');
  assert.match(first, /^key .*client\/account\.key \(made now\)$/m);
  assert.match(first, /Back up the key/);
  assert.equal(statSync(inBox('client/account.key')).mode & 0o777, 0o600);
  assert.match(await done('client', 'create'), /\(it was there\)/);
});

test('the registry of a local ledger is shown, and has no keepers', async () => {
  const out = await done('client', 'registry', 'show');
  assert.match(out, /^registry +version \d+, in force since 20/m);
  assert.match(out, /^closing +channels 1s, proxies 2s$/m);
  assert.match(out, new RegExp(`^proxy +${proxy} at 127.0.0.1:7443$`, 'm'));
  const shown = JSON.parse(await done('client', 'registry', 'show', '--json'));
  assert.equal(shown.in_use.proxies[0].account, proxy);
  for (const args of [['sign', '--key', inBox('client/account.key')], ['verify']]) {
    const { code, err } = await wallet('client', 'registry', ...args);
    assert.equal(code, 2);
    assert.match(err, /is for a network on TON/);
  }
});

test('TON is sent on TON only', async () => {
  const { code, err } = await wallet('client', '--yes', 'send', '--to', `0:${'1'.repeat(64)}`, '--amount', '1 TON');
  assert.equal(code, 2);
  assert.match(err, /sending TON is for a network on TON/);
});

test('roles that have never run have nothing to present', async () => {
  for (const [role, command] of [['proxy', 'redeem'], ['worker', 'cash-out']]) {
    const { code, err } = await wallet(role, '--yes', command);
    assert.equal(code, 1);
    assert.match(err, /has not run here, and holds no vouchers/);
  }
});

test('an amount without a unit is misuse', async () => {
  const { code, err } = await wallet('client', '--yes', 'open', '--proxy', proxy, '--deposit', '5');
  assert.equal(code, 2);
  assert.match(err, /a number and its unit/);
});

test('nothing moves where nobody can be asked', async () => {
  const { code, err } = await wallet('client', 'open', '--proxy', proxy, '--deposit', '5 TON');
  assert.equal(code, 1);
  assert.match(err, /5 TON are deposited .*scripts give --yes/);
  assert.doesNotMatch(await done('client', 'show'), /channel/);
});

test('a channel with a stranger is refused', async () => {
  const { code, err } = await wallet('client', '--yes', 'open', '--proxy', '1'.repeat(64), '--deposit', '5 TON');
  assert.equal(code, 1);
  assert.match(err, /registry lists no such proxy/);
});

test('a channel is opened once, topped up to a total, left and closed', async () => {
  const open = ['--yes', 'open', '--proxy', proxy, '--deposit', '5 TON'];
  assert.match(await done('client', ...open), /open: deposit 5 TON, claimed 0 TON/);
  assert.match(await done('client', ...open), /It is there already/);
  for (let i = 0; i < 2; ++i) {
    assert.match(await done('client', '--yes', 'top-up', '--proxy', proxy, '--total', '7 TON'), /deposit 7 TON/);
  }
  assert.match(await done('client', 'show'), new RegExp(`^channel +with ${proxy} open: deposit 7 TON`, 'm'));

  const leave = () => wallet('client', '--yes', 'leave', '--proxy', proxy);
  const first = await leave();
  assert.equal(first.code, 3, first.err);
  assert.match(first.out, /closing.*\nThe proxy may claim what vouchers authorise until 20\d\d-.* UTC; the ledger's clock shows 20/);
  assert.match(await done('client', 'show'), / closing: .*\n +(waits|has waited) until 20/);
  let last;
  await until('the delay to be over', async () => (last = await leave()).code === 0);
  assert.match(last.out, /closed: deposit 7 TON, claimed 0 TON, refunded 7 TON/);

  const again = await leave();
  assert.equal(again.code, 1);
  assert.match(again.err, /no open channel with this proxy/);
  assert.match(await done('client', ...open), /open: deposit 5 TON/, 'a new one');
});

test("a proxy's stake is raised to a total, and comes back after the delay", async () => {
  for (let i = 0; i < 2; ++i) {
    assert.match(await done('proxy', '--yes', 'stake', '--total', '3 TON'), /open: .*stake 3 TON/);
  }
  assert.match(await done('proxy', 'fees'), /No fees are unlocked/);
  const withdraw = (...args) => wallet('proxy', '--yes', 'withdraw', ...args);
  const worker = await accountOf('worker');
  keepOwed(worker, 3_000_000_000n, 1_000_000_000n);
  for (let i = 0; i < 2; ++i) {
    const refused = await withdraw();
    assert.equal(refused.code, 1);
    assert.match(refused.out, new RegExp(`^worker +${worker}: owed 3 TON, vouchers for 1 TON$`, 'm'));
    assert.match(refused.err, /workers are owed 2 TON for which they have no voucher/);
    assert.match(await done('proxy', 'show'), /^contract +open:/m);
  }
  const first = await withdraw('--leave-unpaid');
  assert.equal(first.code, 3, first.err);
  assert.match(first.out, /closing.*\nWorkers may cash until /);
  keepOwed(worker, 3_000_000_000n, 3_000_000_000n);
  let last;
  await until('the delay to be over', async () => (last = await withdraw()).code === 0);
  assert.match(last.out, /closed: .*withdrawn 3 TON/);
});

test('a contract that is closed takes no stake, and its proxy no deposits', async () => {
  const stake = await wallet('proxy', '--yes', 'stake', '--total', '9 TON');
  assert.equal(stake.code, 1);
  assert.match(stake.err, /contract is closed, takes no stake and is never opened again/);
  const topUp = await wallet('client', '--yes', 'top-up', '--proxy', proxy, '--total', '9 TON');
  assert.equal(topUp.code, 1);
  assert.match(topUp.err, /is closed: it takes no more requests/);
  await until('the channel to be closed', async () => (await wallet('client', '--yes', 'leave', '--proxy', proxy)).code === 0);
  const open = await wallet('client', '--yes', 'open', '--proxy', proxy, '--deposit', '5 TON');
  assert.equal(open.code, 1);
  assert.match(open.err, /is closed: it takes no more requests/);
});

test('channels are a client\'s, stake is a proxy\'s, earnings are a worker\'s', async () => {
  assert.equal((await wallet('client', 'redeem')).code, 2);
  assert.equal((await wallet('proxy', 'cash-out')).code, 2);
  assert.equal((await wallet('proxy', 'leave', '--proxy', proxy)).code, 2);
  assert.equal((await wallet('client', 'withdraw')).code, 2);
});
