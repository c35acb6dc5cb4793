// What the roles' stores and the ledger say about money, once the processes are gone. The layouts are
// those of the snapshots in libcocoon/billing/*_meter.cpp and payout_book.cpp, and of the statements
// in docs/protocol.md, section 12.
import { join } from 'node:path';
import { getKey } from '../support/role_config.mjs';
import { run } from '../support/process.mjs';

const READ = `
import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT key, value FROM entries")
text = lambda key: key.decode() if isinstance(key, bytes) else key
print(json.dumps({text(key): value.hex() for key, value in rows}))
`;

async function readStore(role) {
  const file = join(getKey(role.config, 'state_dir'), 'state.db');
  const done = await run('/usr/bin/env', ['python3', '-c', READ, file]);
  if (done.code !== 0) throw new Error(`cannot read ${file}: ${done.err}`);
  return Object.entries(JSON.parse(done.out)).map(([key, hex]) => [key, Buffer.from(hex, 'hex')]);
}

/** Numbers that follow the four bytes of the kind, from `offset` on. */
function numbers(snapshot, kind, offset, names) {
  const found = snapshot.subarray(0, 4).toString('latin1');
  if (found !== kind) throw new Error(`a snapshot of kind ${found} in the place of ${kind}`);
  return Object.fromEntries(names.map((name, k) => [name, Number(snapshot.readBigUInt64BE(offset + 8 * k))]));
}

function rows(store, prefix, read) {
  return Object.fromEntries(
    store.filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), read(value)]),
  );
}

/** By channel: what the client has acknowledged, and signed. */
export const clientAccounts = async (role) =>
  rows(await readStore(role), 'channel/', (s) => numbers(s, 'CMC1', 4, ['proved', 'acknowledged', 'signed', 'authorised']));

/** By channel: what the proxy has charged, and the newest voucher; by worker: what it owes. */
export async function proxyAccounts(role) {
  const store = await readStore(role);
  return {
    channels: rows(store, 'channel/', (s) => ({
      ...numbers(s, 'CMP1', 4, ['charged']),
      voucher: s[12] === 1 ? numbers(s.subarray(13), 'CCV1', 52, ['spent', 'authorised']) : { spent: 0, authorised: 0 },
    })),
    workers: rows(store, 'payout/', (s) => numbers(s, 'CMB1', 36, ['owed', 'vouched', 'paid'])),
  };
}

/** By proxy: what the worker has earned there, what was paid, and the newest voucher. */
export const workerAccounts = async (role) =>
  rows(await readStore(role), 'earnings/', (s) => ({
    ...numbers(s, 'CMW1', 4, ['owed', 'paid', 'arrived']),
    vouched: s[28] === 1 ? numbers(s.subarray(29), 'CCP1', 84, ['owed']).owed : 0,
  }));
