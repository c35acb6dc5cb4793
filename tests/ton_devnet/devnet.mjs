// Starts the devnet as a process, and asks it over HTTP.

import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beginCell, storeMessage } from '@ton/core';
import { walletOf } from '../../apps/ton-devnet/wallets.mjs';
import { start } from '../support/process.mjs';

export const TON = 1_000_000_000n;
export const SERVER = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'apps', 'ton-devnet', 'server.mjs');

export const program = (args) => start(process.execPath, [SERVER, ...args]);

/** A devnet that makes blocks only when asked, unless `args` say otherwise. */
export async function startDevnet(args = ['--block-ms', '0']) {
  const child = program(['--listen', '127.0.0.1:0', ...args]);
  const url = await child.line('ready ');
  return new Devnet(child, url);
}

class Devnet {
  constructor(child, url) {
    Object.assign(this, { child, url, base: url.replace('/api/v2/', '') });
  }

  /** @return {status, body} */
  async ask(path, { method, body, headers, text = body && JSON.stringify(body) } = {}) {
    const answer = await fetch(this.base + path, {
      method: method ?? (text === undefined ? 'GET' : 'POST'), body: text,
      headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
    });
    return { status: answer.status, body: await answer.json() };
  }

  /** A call of toncenter's API that must work. */
  async call(method, params) {
    const { status, body } = await this.ask(`/api/v2/${method}`, { body: params });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.ok, true);
    return body.result;
  }

  /** A call of toncenter's API that must fail. @return the error's text */
  async refused(method, params, status) {
    const answer = await this.ask(`/api/v2/${method}`, { body: params });
    assert.deepEqual({ status: answer.status, ok: answer.body.ok, code: answer.body.code },
      { status, ok: false, code: status }, JSON.stringify(answer.body));
    return answer.body.error;
  }

  /** What the devnet itself is told, which must work. */
  async tell(path, params) {
    const { status, body } = await this.ask(`/devnet/${path}`, { body: params ?? {} });
    assert.equal(status, 200, JSON.stringify(body));
    return body.result;
  }

  async status() {
    return (await this.ask('/devnet/status')).body.result;
  }

  block(count = 1) {
    return this.tell('block', { count });
  }

  fund(account, amount = 10n * TON) {
    return this.tell('faucet', { address: walletOf(account.id).toRawString(), amount: String(amount) });
  }

  async balance(address) {
    return BigInt(await this.call('getAddressBalance', { address: address.toString() }));
  }

  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    return this.child.ended;
  }
}

export const boc = (message) =>
  beginCell().store(storeMessage(message)).endCell().toBoc().toString('base64');
