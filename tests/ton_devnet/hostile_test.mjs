// Requests and command lines that are wrong, or meant to do harm: each gets a clear answer, and the next caller
// notices nothing.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Address, beginCell, Cell, contractAddress, external, internal } from '@ton/core';
import { account } from '../../apps/ton-devnet/statements.mjs';
import { walletCode, walletData, walletOf } from '../../apps/ton-devnet/wallets.mjs';
import { killAll } from '../support/process.mjs';
import { boc, program, startDevnet, TON } from './devnet.mjs';

let devnet;
before(async () => {
  devnet = await startDevnet();
  await devnet.fund(account('anybody'));
});
after(killAll);

const at = walletOf(account('anybody').id).toString();
const fromInside = internal({ to: at, value: 1n });
fromInside.info.src = walletOf(account('somebody').id);

/** The devnet is as it was before. */
async function unharmed() {
  assert.equal((await devnet.call('getAddressInformation', { address: at })).state, 'uninitialized');
  const { pool, queue } = await devnet.status();
  assert.deepEqual({ pool, queue }, { pool: 0, queue: 0 });
}

async function answers(status, path, options, text) {
  const { status: got, body } = await devnet.ask(path, options);
  assert.equal(got, status, JSON.stringify(body));
  assert.equal(body.ok, false);
  assert.equal(body.code, status);
  assert.match(body.error, text);
  await unharmed();
}

const API = '/api/v2/';
for (const [what, status, path, options, text] of [
  ['a path of nobody', 404, '/', {}, /no such path/],
  ['an unknown method', 404, `${API}toString`, {}, /no such method: toString/],
  ['an unknown method by jsonRPC', 404, `${API}jsonRPC`, { body: { method: '__proto__' } }, /no such method/],
  ['a method that is no text', 422, `${API}jsonRPC`, { body: { method: ['sendBoc'] } }, /jsonRPC: expected/],
  ['a message by GET', 405, `${API}sendBoc?boc=AA`, {}, /by POST/],
  ['a DELETE', 405, `${API}getMasterchainInfo`, { method: 'DELETE' }, /GET or POST/],
  ['an unknown order to the devnet', 404, '/devnet/constructor', { body: {} }, /no such call; there are/],
  ['a form', 415, `${API}sendBoc`, { text: 'boc=AA', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, /application\/json/],
  ['a body that is no JSON', 400, `${API}sendBoc`, { text: '{"boc":' }, /not JSON/],
  ['a body of brackets', 400, `${API}sendBoc`, { text: '['.repeat(200_000) }, /not JSON/],
  ['a body that is a list', 422, `${API}sendBoc`, { text: '[]' }, /a JSON object/],
  ['a body that is too long', 413, `${API}sendBoc`, { text: JSON.stringify({ boc: 'A'.repeat(3_000_000) }) }, /at most 262144 bytes/],
  ['no address', 422, `${API}getAddressInformation`, {}, /address: expected an address, raw or friendly, got nothing/],
  ['an address with a wrong checksum', 422, `${API}getAddressInformation`, { body: { address: at.slice(0, -1) + '_' } }, /expected an address/],
  ['an address of no workchain', 422, `${API}getAddressInformation`, { body: { address: `7:${'0'.repeat(64)}` } }, /expected an address/],
  ['a block of another shard', 422, `${API}getBlockHeader?workchain=-1&shard=1&seqno=1`, {}, /shard: expected -9223372036854775808/],
  ['a block of a workchain that has none', 422, `${API}getBlockHeader?workchain=0&shard=1&seqno=1`, {}, /workchain: expected/],
  ['a limit of none', 422, `${API}getTransactions`, { body: { address: at, limit: 0 } }, /limit: expected a whole number from 1 to 100, got 0/],
  ['a limit that is no number', 422, `${API}getTransactions?address=${at}&limit=1e2`, {}, /limit: expected a whole number/],
  ['half a position', 422, `${API}getTransactions`, { body: { address: at, lt: '1' } }, /hash: expected a hash/],
  ['a get method without a name', 422, `${API}runGetMethod`, { body: { address: at } }, /method: expected a text/],
  ['a stack of too many', 422, `${API}runGetMethod`, { body: { address: at, method: 'x', stack: Array(65).fill(['num', '1']) } }, /at most 64/],
  ['a number of 258 bits', 422, `${API}runGetMethod`, { body: { address: at, method: 'x', stack: [['num', '-0x1' + '0'.repeat(64)]] } }, /257 bits/],
  ['a stack entry of no kind', 422, `${API}runGetMethod`, { body: { address: at, method: 'x', stack: [['tuple', []]] } }, /expected "num"/],
  ['a message that is no base64', 422, `${API}sendBoc`, { body: { boc: '!!' } }, /boc: expected a bag of cells in base64/],
  ['a message that is no bag of cells', 422, `${API}sendBoc`, { body: { boc: 'AAAA' } }, /boc: expected a bag of cells/],
  ['a cell that is no message', 422, `${API}sendBoc`, { body: { boc: Cell.EMPTY.toBoc().toString('base64') } }, /expected a message/],
  ['a message from inside', 422, `${API}sendBoc`, { body: { boc: boc(fromInside) } }, /expected an external message/],
  ['a message to a workchain that there is not', 500, `${API}sendBoc`, { body: { boc: boc(external({ to: new Address(5, Buffer.alloc(32)) })) } }, /no workchain 5/],
  ['a gift of nothing', 422, '/devnet/faucet', { body: { address: at, amount: '0' } }, /amount: expected a whole number from 1/],
  ['a gift with a misspelt key', 422, '/devnet/faucet', { body: { address: at, amuont: '1' } }, /no such key: amuont; known: address, amount/],
  ['a jump of a thousand years', 422, '/devnet/time', { body: { advance: 1e12 } }, /advance: expected/],
  ['a million blocks', 422, '/devnet/block', { body: { count: 1e6 } }, /count: expected/],
  ['a network without an owner', 422, '/devnet/network', { body: {} }, /owner: expected an address/],
  ['a network with an unknown parameter', 422, '/devnet/network', { body: { owner: at, params: { price: 1 } } }, /no such key: price/],
  ['a network with a price that does not fit', 422, '/devnet/network', { body: { owner: at, params: { price_per_token: String(1n << 64n) } } }, /price_per_token: expected/],
]) {
  test(`${what} is answered with ${status}`, () => answers(status, path, options, text));
}

/** Cells one below the other, each twice the reference of the one above: a tree of 2^depth leaves. */
function tower(depth) {
  let cell = Cell.EMPTY;
  for (let i = 0; i < depth; i++) cell = beginCell().storeUint(i, 16).storeRef(cell).storeRef(cell).endCell();
  return cell;
}

test('a message whose cells spell a huge tree is judged as fast as any', async () => {
  const to = walletOf(account('anybody').id);
  const message = boc(external({ to, body: tower(400) }));
  assert.match(await devnet.refused('sendBoc', { boc: message }, 500), /cannot apply external message/);
  await unharmed();
});

test('a bag whose cells refer to each other in a circle, or are deeper than allowed, is refused', async () => {
  // One cell without bits, whose reference is itself.
  const circle = Buffer.from('b5ee9c72010101010003000100' + '00', 'hex');
  await devnet.refused('sendBoc', { boc: circle.toString('base64') }, 422);
  // 2,000 cells, each with a reference to the next: a depth that no cell may have.
  const count = 2_000;
  const cells = Buffer.concat([...Array(count).keys()].map((i) => {
    if (i === count - 1) return Buffer.from([0, 0]);
    return Buffer.from([1, 0, (i + 1) >> 8, (i + 1) & 255]);
  }));
  const head = Buffer.from([0xb5, 0xee, 0x9c, 0x72, 2, 2, count >> 8, count & 255, 0, 1, 0, 0, cells.length >> 8, cells.length & 255, 0, 0]);
  await devnet.refused('sendBoc', { boc: Buffer.concat([head, cells]).toString('base64') }, 422);
  await unharmed();
});

test('a message of more bytes than the chain carries is refused', async () => {
  let cell = Cell.EMPTY;
  for (let i = 0; i < 700; i++) cell = beginCell().storeBuffer(Buffer.alloc(120, i)).storeUint(i, 16).storeRef(cell).endCell();
  const message = boc(external({ to: walletOf(account('anybody').id), body: cell }));
  assert.ok(Buffer.from(message, 'base64').length > 65_535);
  assert.match(await devnet.refused('sendBoc', { boc: message }, 422), /boc: expected at most 65535 bytes/);
});

/** Takes a message from outside, and does nothing; its get methods never end. INC IFJMP:<{ PUSHCONT {} AGAIN }> ACCEPT */
const endless = { code: beginCell().storeBuffer(Buffer.from('a49290eae0f800', 'hex')).endCell(), data: Cell.EMPTY };
/** Never ends at all. PUSHCONT {} AGAIN */
const stuck = { code: beginCell().storeUint(0x90ea, 16).endCell(), data: Cell.EMPTY };

test('code that never ends is stopped by its gas, in messages and in get methods', async () => {
  const deploy = async (init) => {
    const to = contractAddress(0, init);
    await devnet.tell('faucet', { address: to.toString(), amount: String(TON) });
    return { to, boc: boc(external({ to, init, body: Cell.EMPTY })) };
  };
  const never = await deploy(stuck);
  assert.match(await devnet.refused('sendBoc', { boc: never.boc }, 500), /exitcode=-14/);
  const { to, boc: message } = await deploy(endless);
  await devnet.call('sendBoc', { boc: message });
  await devnet.block();
  const result = await devnet.call('runGetMethod', { address: to.toString(), method: 'anything', stack: [] });
  assert.equal(result.exit_code, -14);
  assert.ok(result.gas_used <= 1_001_000, 'what a lite server grants, and the last instruction');
  assert.deepEqual(result.stack, []);
  await unharmed();
});

test('a wallet that is told by a stranger refuses, and has not moved', async () => {
  const who = account('with money');
  await devnet.fund(who);
  const forged = external({
    to: walletOf(who.id), init: { code: walletCode(), data: walletData(who.id) },
    body: beginCell().storeUint(0x7369676e, 32).storeBuffer(Buffer.alloc(64)).endCell(),
  });
  assert.match(await devnet.refused('sendBoc', { boc: boc(forged) }, 500), /exitcode=\d+/);
  assert.equal((await devnet.call('getAddressInformation', { address: walletOf(who.id).toString() })).state, 'uninitialized');
});

/** Sends bytes as they are. @return what came back until the end */
function exchange(bytes) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(devnet.base);
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (data) => (text += data)).on('close', () => resolve(text)).on('error', reject);
  });
}

for (const [what, bytes] of [
  ['is no HTTP', 'hello\r\n\r\n'],
  ['has two lengths', 'POST /api/v2/sendBoc HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n'],
  ['has a path that is none', 'GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
]) {
  test(`a request that ${what} is answered with 400`, async () => {
    assert.match(await exchange(bytes), /^HTTP\/1\.1 400 /);
    await unharmed();
  });
}

test('a caller that goes away in the middle of its request harms nobody', async () => {
  const { hostname, port } = new URL(devnet.base);
  await new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write('POST /api/v2/sendBoc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
        () => socket.destroy());
    });
    socket.on('close', resolve);
  });
  await unharmed();
});

test('calls beyond the rate are turned away with 429, keys that are wrong with 401', async () => {
  const net = await startDevnet(['--block-ms', '0', '--rate', '1', '--api-key', 'right']);
  const key = { 'x-api-key': 'right' };
  const asked = await Promise.all([...Array(30)].map(() => net.ask(`${API}getMasterchainInfo`, { headers: key })));
  const statuses = asked.map((a) => a.status);
  assert.ok(statuses.includes(200));
  assert.ok(statuses.includes(429));
  assert.equal(asked.find((a) => a.status === 429).body.error, 'Ratelimit exceed');
  for (const headers of [{}, { 'x-api-key': 'wrong' }]) {
    for (const path of [`${API}getMasterchainInfo`, '/devnet/status']) {
      const { status, body } = await net.ask(path, { headers });
      assert.equal(status, 401);
      assert.equal(body.error, 'API key does not exist');
    }
  }
  // What is asked of the devnet itself is not counted.
  for (let i = 0; i < 5; i++) assert.equal((await net.ask('/devnet/status', { headers: key })).status, 200);
});

for (const [args, text] of [
  [['--listen', 'here'], /--listen: expected ADDRESS:PORT, got "here"/],
  [['--listen', '127.0.0.1:70000'], /--listen: expected a whole number from 0 to 65535/],
  [['--block-ms', '-1'], /--block-ms/],
  [['--rate', '0'], /--rate: expected a whole number from 1/],
  [['--sped'], /--sped.*--help shows the options/],
  [['extra'], /extra/],
]) {
  test(`a command line that is wrong ends with 2 and says why: ${args.join(' ')}`, async () => {
    const child = program(args);
    assert.equal((await child.ended).code, 2);
    assert.match(child.errors(), text);
    assert.equal(child.output(), '');
  });
}

test('--help explains every option and ends with 0; an address in use ends with 1', async () => {
  const help = program(['--help']);
  assert.equal((await help.ended).code, 0);
  for (const option of ['--listen', '--state', '--block-ms', '--api-key', '--rate']) assert.ok(help.output().includes(option));
  const second = program(['--listen', devnet.base.replace('http://', '')]);
  assert.equal((await second.ended).code, 1);
  assert.match(second.errors(), /EADDRINUSE/);
});
