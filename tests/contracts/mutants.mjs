// Tests of the tests: takes one check after another out of the contracts, and demands that a test fails.
// Every `assert` is one, and what is listed below. Takes minutes, so ctest does not run it.
//
//   node mutants.mjs [WORD]      only mutants whose description has WORD

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder, names } from '../../apps/ton-devnet/code.mjs';
import { compile } from './compiled.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** [file, what is there, what comes in its place] */
const CHANGES = [
  ['channel', 'max(self.claimed, min(amount, self.deposited))', 'min(amount, self.deposited)'],
  ['channel', 'max(self.claimed, min(amount, self.deposited))', 'max(self.claimed, amount)'],
  ['channel', 'v.authorised > self.bestAuthorised)', 'v.authorised >= self.bestAuthorised)'],
  ['channel', '& (v.spent > self.bestSpent)', '& (v.spent >= 0)'],
  ['channel', 'm.bySigner.isBy(terms.signer) & byProxy.isBy(terms.proxy)', 'm.bySigner.isBy(terms.signer)'],
  ['channel', 'm.bySigner.isBy(terms.signer) & byProxy.isBy(terms.proxy)', 'byProxy.isBy(terms.proxy)'],
  ['channel', '(agreed.total >= self.claimed) & ', ''],
  ['channel', ' & (agreed.total <= self.deposited)', ''],
  ['channel', 'blockchain.now() >= channel.finalAt', 'blockchain.now() > channel.finalAt'],
  ['channel', 'm.claim <= voucher.authorised', 'm.claim < voucher.authorised'],
  ['channel', 'step = channel.claim(voucher.spent)', 'step = channel.claim(voucher.authorised)'],
  ['channel', 'in.senderAddress == walletOf(terms.client)', 'true'],
  ['channel', '(in.senderAddress == walletOf(terms.signer)) ||', '(terms.signer == 0) ||'],
  ['channel', '            step = channel.payOut();\n            channel.phase = PHASE_CLOSED;\n        }\n        CloseByAgreement', '            step = channel.payOut();\n        }\n        CloseByAgreement'],
  ['channel', '    channel.settled -= settlement.amount;\n', ''],
  ['channel', 'sendExcess(settlement.payback)', 'sendExcess(in.senderAddress)'],
  ['channel', '    self.settled += pay;\n', ''],
  ['channel', '    self.refunded += step.refund;\n', ''],
  ['channel', 'channel.deposited += m.amount', 'channel.deposited += m.amount + 1'],
  ['channel', 'channel.leftovers = agreed.leftovers;', ''],
  ['channel', '        self.leftovers = v.leftovers;', ''],
  ['channel', '+ terms.closeDelay', ''],
  ['channel', 'keep(self.held(terms.rent));', 'keep(self.held(0));'],
  ['channel', 'Install => { throw CHANNEL_EXISTS }', 'Install => { contract.setCodePostponed(m.code); }'],
  ['proxy', 'max(v.owed - paid, 0)', 'v.owed'],
  ['proxy', 'self.pool + self.stake);', 'self.pool + self.stake + self.fees);'],
  ['proxy', 'val fromPool = min(pay, self.pool);', 'val fromPool = 0;'],
  ['proxy', 'self.paid.set(v.worker, paid + pay);', 'self.paid.set(v.worker, pay);'],
  ['proxy', 'self.delivered += pay;', ''],
  ['proxy', 'min(self.delivered, self.poolTotal), self.poolTotal', 'self.delivered, self.poolTotal'],
  ['proxy', 'max(unlocked - self.feesTaken, 0)', 'unlocked'],
  ['proxy', 'min(proxy.workerShareE4, E4)', 'proxy.workerShareE4'],
  ['proxy', 'mulDivFloor(m.amount, min', 'mulDivCeil(m.amount, min'],
  ['proxy', 'proxy.feesTaken += pay;', ''],
  ['proxy', 'proxy.fees -= pay;', ''],
  ['proxy', '            proxy.stake = 0;\n', ''],
  ['proxy', '            proxy.phase = CLOSED;\n', ''],
  ['proxy', 'blockchain.now() + proxy.terms.load().withdrawDelay', 'blockchain.now()'],
  ['proxy', 'blockchain.now() >= proxy.finalAt', 'blockchain.now() > proxy.finalAt'],
  ['proxy', 'keep(proxy.held() + rent)', 'keep(proxy.held())'],
  ['proxy', 'payback = m.payback;\n        }\n        AddStake', '}\n        AddStake'],
  ['proxy', 'Install => { throw PROXY_EXISTS }', 'Install => { contract.setCodePostponed(m.code); }'],
  ['proxy', 'account = voucher.worker;', 'account = proxy.terms.load().account;'],
  ['root', 'self.next.load().effective <= blockchain.now()', 'self.next.load().effective < blockchain.now()'],
  ['root', 'self.next.load().effective <= blockchain.now()', 'true'],
  ['root', 'blockchain.now() + self.governance.load().charter.load().delay', 'blockchain.now()'],
  ['root', 'effective: blockchain.now() + charter.delay', 'effective: blockchain.now()'],
  ['root', 'later.version = now.version + 1;', ''],
  ['root', 'now.version = self.newest().version + 1;', 'now.version = now.version + 1;'],
  ['root', 'self.deployed.set(m.account, {});', ''],
  ['root', 'found = waiting.remove(m.list, m.key) | found;', ''],
  ['root', '        waiting.tighten(m.tcb', '        now.tighten(m.tcb'],
  ['root', 'governance.proposed = null;', ''],
  ['root', 'root.checkOwner(in.senderAddress);\n            root.removeEntry', 'root.removeEntry'],
  ['root', 'root.checkOwner(in.senderAddress);\n            root.tightenAll', 'root.tightenAll'],
  ['root', 'root.checkOwner(in.senderAddress);\n            var registry = root.newest();\n            registry.put', 'var registry = root.newest();\n            registry.put'],
  ['root', 'root.checkOwner(in.senderAddress);\n            m.params', 'm.params'],
  ['root', 'root.checkOwner(in.senderAddress);\n            root.propose', 'root.propose'],
  ['root', 'm.params.load().check();', ''],
  ['root', 'hold: m.deposit + params.tombstoneRent', 'hold: m.deposit'],
  ['root', 'leftovers: m.client', 'leftovers: m.signer'],
  ['root', 'SEND_MODE_CARRY_ALL_REMAINING_MESSAGE_VALUE | SEND_MODE_IGNORE_ERRORS', 'SEND_MODE_CARRY_ALL_BALANCE | SEND_MODE_IGNORE_ERRORS'],
  ['root', '    sendRest(body.loadAddress());\n', ''],
  ['registry', 'max(params.tcbEvaluationFloor, tcbEvaluationFloor)', 'tcbEvaluationFloor'],
  ['registry', 'max(params.clientCloseDelay, clientCloseDelay)', 'clientCloseDelay'],
  ['registry', 'max(params.proxyCloseDelay, proxyCloseDelay)', 'proxyCloseDelay'],
  ['registry', '    params.check();\n', ''],
  ['epoch', '(next.epoch > newest.epoch) | same', 'next.epoch >= newest.epoch'],
  ['epoch', '(next.epoch > newest.epoch) | same', 'next.epoch > newest.epoch'],
  ['epoch', 'keep(EPOCH_RENT);', 'keep(0);'],
  ['epoch', ').reputation;', ').bootKeyHash;'],
  ['money', 'value: amount as coins,', 'value: (amount - 1) as coins,'],
  ['money', 'BounceMode.RichBounceOnlyRootCell', 'BounceMode.NoBounce'],
  ['statements', 'isSliceSignatureValid(self.statement.beginParse(), self.signature as slice, key)', 'true'],
  ['statements', '.storeUint(nonce, 128)', '.storeUint(0, 128)'],
  ['statements', '.storeUint(proxy, 256);', '.storeUint(0, 256);'],
  ['accounts', '.storeUint(account, 256)', '.storeUint(0, 256)'],
  ['accounts', '(globalId() & 0xffffffff)', '0'],
];

const texts = new Map(readdirSync(folder).filter((f) => f.endsWith('.tolk'))
  .map((file) => [file, readFileSync(join(folder, file), 'utf8')]));

function mutants() {
  const out = [];
  for (const [file, text] of texts) {
    for (const match of text.matchAll(/^ *assert \(.*\) throw \w+;\n/gm)) {
      const line = text.slice(0, match.index).split('\n').length;
      out.push({ file, what: `${file}:${line}: without ${match[0].trim()}`,
        cut: text.slice(0, match.index) + text.slice(match.index + match[0].length) });
    }
  }
  for (const [name, before, after] of CHANGES) {
    const file = `${name}.tolk`;
    const text = texts.get(file);
    if (text.split(before).length !== 2) throw new Error(`${file} must have this once: ${before}`);
    const line = text.slice(0, text.indexOf(before)).split('\n').length;
    out.push({ file, cut: text.replace(before, () => after),
      what: `${file}:${line}: ${before.trim().replaceAll('\n', ' ')} -> ${after.trim().replaceAll('\n', ' ') || 'nothing'}` });
  }
  return out;
}

/** The suites, that of the changed contract first. */
function suites(file) {
  const own = { 'channel.tolk': 'channel', 'proxy.tolk': 'proxy', 'epoch.tolk': 'epoch' }[file] ?? 'root';
  return [...new Set([own, 'channel', 'proxy', 'root', 'epoch', 'least', 'storage', 'registry_history', 'history'])].map((s) => `${s}_test.mjs`);
}

/** Which contracts are made of which files, and their code as it is. */
const original = new Map();
for (const name of names) {
  const made = { files: new Set() };
  made.bag = await compile(name, (path) => {
    made.files.add(path);
    return texts.get(path);
  });
  original.set(name, made);
}

/** Runs a suite until its first failure. @return the name of the test that failed, or null */
function failure(suite, box) {
  return new Promise((resolve) => {
    const run = spawn(process.execPath, [join(here, suite)], {
      env: { ...process.env, COCOON_CODE: box, COCOON_STEPS: '600' }, stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    run.stdout.on('data', (data) => {
      out += data;
      if (/^not ok .*\n/m.test(out)) run.kill();
    });
    run.on('close', (status) => {
      const named = /^not ok \d+ - (.*)$/m.exec(out)?.[1];
      resolve(named ?? (status === 0 ? null : `${suite} ended`));
    });
  });
}

/** @return what noticed it, or null */
async function noticed({ file, cut }) {
  const box = mkdtempSync(join(tmpdir(), 'contracts-'));
  try {
    for (const [name, { files, bag }] of original) {
      const read = (path) => (path === file ? cut : texts.get(path));
      writeFileSync(join(box, `${name}.boc`), files.has(file) ? await compile(name, read) : bag);
    }
    for (const suite of suites(file)) {
      const by = await failure(suite, box);
      if (by !== null) return by;
    }
    return null;
  } catch (error) {
    return `the compiler: ${error.message.split('\n').slice(0, 2).join(' ')}`;
  } finally {
    rmSync(box, { recursive: true });
  }
}

const wanted = process.argv[2] ?? '';
const waiting = mutants().filter((m) => m.what.includes(wanted));
const counts = { killed: 0, alive: 0 };
async function work() {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const by = await noticed(mutant);
    counts[by === null ? 'alive' : 'killed'] += 1;
    console.log(by === null ? `ALIVE  ${mutant.what}` : `killed ${mutant.what}\n         by: ${by}`);
  }
}
await Promise.all([work(), work()]); // as many as ctest runs at once
console.log(`${counts.killed} killed, ${counts.alive} alive`);
process.exitCode = counts.alive === 0 ? 0 : 1;
