// The signed statements of billing/, as the contracts get them: the bytes that were signed, in a cell.
// Written from the layouts in billing/voucher.h and billing/admission.h, not from the contracts.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { beginCell } from '@ton/core';

export const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** An account: its key and its public key as the contracts have it, a number. */
export function account(name) {
  const seed = sha256(`libcocoon contract tests ${name}`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return { name, key, id: number(Buffer.from(x, 'base64url')) };
}

// RFC 8410: an Ed25519 private key is this, and its seed.
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export const number = (bytes) => BigInt('0x' + Buffer.from(bytes).toString('hex'));

export function bytes(value, length) {
  return Buffer.from(BigInt(value).toString(16).padStart(2 * length, '0'), 'hex');
}

export function channelId({ network, client, proxy, signer, nonce }) {
  return number(sha256('CCH1', bytes(network, 16), bytes(client, 32), bytes(proxy, 32),
    bytes(signer, 32), bytes(nonce, 16)));
}

export const voucherBytes = (v) => Buffer.concat([Buffer.from('CCV1'), bytes(v.network, 16),
  bytes(v.channel, 32), bytes(v.spent, 8), bytes(v.authorised, 8), bytes(v.leftovers, 32)]);

export const payoutBytes = (v) => Buffer.concat([Buffer.from('CCP1'), bytes(v.network, 16),
  bytes(v.proxy, 32), bytes(v.worker, 32), bytes(v.owed, 8)]);

export const agreementBytes = (v) => Buffer.concat([Buffer.from('CCC1'), bytes(v.network, 16),
  bytes(v.channel, 32), bytes(v.total, 8), bytes(v.leftovers, 32)]);

export const epochBytes = (v) => Buffer.concat([Buffer.from('CCE1'), bytes(v.network, 16),
  bytes(v.epoch, 8), bytes(v.bootKeyHash, 32), bytes(v.reputation ?? 0n, 32)]);

export const signature = (statement, by) => sign(null, statement, by.key);

export const statementCell = (statement) => beginCell().storeBuffer(statement).endCell();

/** TL-B `signed`. */
export function signed(statement, by) {
  return { signature: signature(statement, by), statement: statementCell(statement) };
}

export const storeSigned = (s) => (builder) =>
  builder.storeBuffer(s.signature).storeRef(s.statement);
