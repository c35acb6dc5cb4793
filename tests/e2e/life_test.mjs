// Starting, stopping, dying: the processes and the money.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import {
  ask, childrenOf, freeAddress, isAlive, killAll, layOut, MODEL, run, setKey, start, startEngine, startNetwork,
  until, untilServed,
} from './network.mjs';

const PACKAGING = join(process.env.COCOON_SOURCE, 'packaging');

let engine;
before(async () => {
  engine = await startEngine();
});
after(killAll);

test('what was served is what the ledger debits', async () => {
  const network = await startNetwork(engine);
  for (let i = 0; i < 12; ++i) await network.sdk.chat.completions.create(ask(`number ${i}`));
  assert.equal(await network.metric('cocoon_client_requests_total{outcome="ok"}'), 12);
  const spent = await network.metric('cocoon_client_spent_nano_total');
  assert.ok(spent > 0);
  assert.deepEqual(await network.stop(), { code: 0, signal: null });
  const ledger = await network.ledger();
  const debited = ledger.channels.reduce((sum, channel) => sum + channel.claimed_nano, 0);
  assert.equal(debited, spent);
  network.discard();
});

test('SIGTERM lets a running stream finish, then everything exits with 0', async () => {
  const network = await startNetwork(engine);
  const stream = await network.sdk.chat.completions.create(
    ask('x', { stream: true, demo: { chunks: 30, delay_ms: 20 } }),
  );
  let text = 0;
  let ended;
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta?.content && ++text === 3) ended = network.stop();
  }
  assert.equal(text, 30);
  assert.deepEqual(await ended, { code: 0, signal: null });
  network.discard();
});

test('a network that was made for one model serves another one, too', async () => {
  const network = await layOut(engine);
  const both = await startEngine(['--model', 'other/model']);
  const devnet = start('cocoon-devnet', [
    '--backend', both.url, '--listen', '127.0.0.1:0', '--state', network.state, '--model', 'other/model',
  ]);
  const sdk = new OpenAI({ apiKey: 'unused', baseURL: await devnet.line('ready '), maxRetries: 0 });
  const answer = await sdk.chat.completions.create({ ...ask('hello'), model: 'other/model' });
  assert.ok(answer.choices[0].message.content);
  devnet.kill('SIGTERM');
  assert.deepEqual(await devnet.ended, { code: 0, signal: null });
  both.kill('SIGTERM');
  network.discard();
});

for (const signals of [['SIGHUP'], ['SIGTERM', 'SIGINT']]) {
  test(`a role drains on ${signals.join(', and at once ')}, and exits with 0`, async () => {
    const network = await layOut(engine);
    const proxy = start('cocoon-proxy', ['--config', join(network.state, 'proxy.toml')]);
    await proxy.says('serving at');
    for (const signal of signals) proxy.kill(signal);
    assert.deepEqual(await proxy.ended, { code: 0, signal: null });
    assert.doesNotMatch(proxy.errors(), /second signal/);
    network.discard();
  });
}

test('a second signal ends a role at once, with 130', async () => {
  const network = await startNetwork(engine);
  const client = childrenOf(network.devnet.pid)['cocoon-client'];
  const stream = await network.sdk.chat.completions.create(
    ask('x', { stream: true, demo: { chunks: 1000, delay_ms: 20 } }),
  );
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  const first = Date.now();
  process.kill(client, 'SIGTERM');
  await until('the signals to be two', () => Date.now() - first > 300);
  process.kill(client, 'SIGTERM');
  await network.devnet.ended; // it reports that a child ended, and stops
  assert.match(network.devnet.errors(), /cocoon-client ended; its log [^]*second signal, leaving at once/);
  network.discard();
});

/** A network whose proxy can never start: what `spoil` does cannot mend itself. */
async function neverStarts(role, spoil) {
  const network = await layOut(engine);
  spoil(network.state);
  const node = start(`cocoon-${role}`, ['--config', join(network.state, `${role}.toml`)]);
  assert.deepEqual(await node.ended, { code: 1, signal: null });
  network.discard();
  return node.errors();
}

for (const role of ['client', 'proxy']) {
  test(`a ${role} that lacks a folder of its configuration says so, and exits with 1`, async () => {
    const said = await neverStarts(role, (state) => rmSync(join(state, 'sim'), { recursive: true }));
    assert.match(said, /\/sim/);
    assert.match(said, /cannot start; mend that/);
  });
}

test('a proxy whose stored state is unusable says so, and exits with 1', async () => {
  const said = await neverStarts('proxy', (state) => {
    const spoilt = spawnSync('python3', ['-c', `
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as store:
    store.execute("INSERT INTO entries VALUES (CAST('payout/00' AS BLOB), x'00')")
`, join(state, 'proxy/state.db')]);
    assert.equal(spoilt.status, 0, String(spoilt.stderr));
  });
  assert.match(said, /the state that is stored in \S+\/proxy is unusable: /);
});

test('what a process of a devnet said last is shown where it ends', async () => {
  // Its logs are in a folder that goes with it.
  const devnet = start('cocoon-devnet', ['--backend', `${engine.url}/v1/`, '--listen', '127.0.0.1:0']);
  await devnet.line('ready ');
  process.kill(childrenOf(devnet.pid)['cocoon-worker'], 'SIGKILL');
  assert.deepEqual(await devnet.ended, { code: 1, signal: null });
  assert.match(devnet.errors(), /cocoon-worker-1 ended; its log \S+ ends:\n[^]* worker: /);
  assert.match(devnet.errors(), /--state DIR keeps the logs/);
});

test('a devnet says that it waits for its engine, and goes on once that is there', async () => {
  const address = await freeAddress();
  const devnet = start('cocoon-devnet', [
    '--backend', `http://${address}`, '--listen', '127.0.0.1:0', '--model', MODEL,
  ]);
  await until('the devnet to say why it waits', () => devnet.errors().includes('refuses connections'));
  const late = start('cocoon-demo-engine', ['--listen', address, '--model', MODEL]);
  await devnet.line('ready ');
  devnet.kill('SIGTERM');
  assert.equal((await devnet.ended).code, 0);
  late.kill('SIGKILL');
});

test('a backend that is no URL is misuse of a devnet', async () => {
  const done = await run('cocoon-devnet', ['--backend', '127.0.0.1:8000']);
  assert.equal(done.code, 2);
  assert.match(done.err, /does not begin with http:\/\//);
});

for (const [option, value] of [
  ['--listen', 'foo'], ['--listen', '127.0.0.1:99999'], ['--listen', 'example.org:80'],
  ['--model', ''], ['--model', 'm'.repeat(257)],
]) {
  test(`${option} ${value.slice(0, 20)} is misuse of a devnet, before anything is started`, async () => {
    const done = await run('cocoon-devnet', ['--backend', engine.url, option, value]);
    assert.equal(done.code, 2);
    assert.match(done.err, new RegExp(option));
  });
}

test('every start on a simulated platform is warned about', async () => {
  const network = await startNetwork(engine);
  await network.stop();
  for (const role of ['client', 'proxy', 'worker-1']) {
    const log = readFileSync(join(network.state, `${role}.log`), 'utf8');
    assert.match(log, /warn.*simulated/i, role);
  }
  network.discard();
});

test('a gateway with API keys serves who shows one of them, and nobody else', async () => {
  const network = await startNetwork(engine);
  const file = join(network.state, 'app.toml');
  const config = readFileSync(file, 'utf8');
  writeFileSync(file, config.replace('[gateway]\n', '[gateway]\napi_keys = ["first", "second"]\n'));
  const gateway = start('cocoon-client', ['--config', file]);
  const url = await gateway.line('listening ');
  const sdk = (apiKey) => new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });
  await untilServed(url, { Authorization: 'Bearer first' });
  for (const key of ['first', 'second']) {
    const answer = await sdk(key).chat.completions.create(ask('x'));
    assert.ok(answer.choices[0].message.content);
  }
  for (const key of ['third', 'firs', 'first2', 'FIRST']) {
    await assert.rejects(sdk(key).chat.completions.create(ask('x')), (error) => {
      assert.ok(error instanceof OpenAI.AuthenticationError);
      assert.equal(error.code, 'invalid_api_key');
      return true;
    });
  }
  assert.equal((await fetch(`${url}/models`)).status, 401);
  gateway.kill('SIGTERM');
  assert.deepEqual(await gateway.ended, { code: 0, signal: null });
  await network.stop();
  network.discard();
});

test('cocoon-demo-engine names itself, and misuse is exit code 2', async () => {
  assert.match((await run('cocoon-demo-engine', ['--version'])).out, /^cocoon-demo-engine \d+\.\d+\.\d+$/m);
  assert.equal((await run('cocoon-demo-engine', ['--lisen', 'x'])).code, 2);
});

test('the children of a devnet that is killed are gone', async () => {
  const network = await startNetwork(engine);
  const children = Object.values(childrenOf(network.devnet.pid));
  assert.ok(children.length >= 3);
  network.devnet.kill('SIGKILL');
  await network.devnet.ended;
  await until('the children to be gone', () => children.every((pid) => !isAlive(pid)));
  network.discard();
});

test('a process that dies of a fault says which one and where', async () => {
  const network = await startNetwork(engine);
  // The others are a sanitizer's own, where there is one.
  process.kill(childrenOf(network.devnet.pid)['cocoon-proxy'], 'SIGABRT');
  await network.devnet.ended;
  const said = readFileSync(join(network.state, 'proxy.log'), 'utf8');
  assert.match(said, /cocoon-proxy: a bug: died of SIGABRT/);
  assert.match(said, /cocoon-proxy\(\S*\+0x[0-9a-f]+\)/, 'return addresses, to be looked up');
  network.discard();
});

test('a killed worker fails what it ran, and a new one serves again', async () => {
  const network = await startNetwork(engine);
  const worker = childrenOf(network.devnet.pid)['cocoon-worker'];
  const stream = await network.sdk.chat.completions.create(
    ask('x', { stream: true, demo: { chunks: 1000, delay_ms: 20 } }),
  );
  await assert.rejects(async () => {
    let first = true;
    for await (const _ of stream) {
      if (first) process.kill(worker, 'SIGKILL');
      first = false;
    }
  });
  await network.devnet.ended; // it reports that a child ended, and stops
  assert.match(network.devnet.errors(), /worker/);
  network.discard();
});

test('a proxy that was killed comes back with its accounts', async () => {
  const network = await startNetwork(engine);
  await network.sdk.chat.completions.create(ask('before'));
  const spent = await network.metric('cocoon_client_spent_nano_total');
  process.kill(childrenOf(network.devnet.pid)['cocoon-proxy'], 'SIGKILL');
  await network.devnet.ended;
  // The whole network again, on the same state: same accounts, same channel.
  const again = start('cocoon-devnet', [
    '--backend', engine.url, '--listen', '127.0.0.1:0', '--state', network.state,
  ]);
  const url = await again.line('ready ');
  const answer = await fetch(url + '/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ask('after')),
  });
  assert.equal(answer.status, 200);
  const metrics = await (await fetch(url.replace('/v1', '/metrics'))).text();
  const more = Number(/cocoon_client_spent_nano_total (\d+)/.exec(metrics)[1]);
  again.kill('SIGTERM');
  await again.ended;
  const debited = (await network.ledger()).channels.reduce((s, c) => s + c.claimed_nano, 0);
  assert.ok(debited <= spent + more, 'more was debited than was served');
  assert.ok(debited >= more, 'what was served after the restart was debited');
  network.discard();
});

test('of two copies of one account the older one ends', async () => {
  const network = await layOut(engine);
  const file = (name) => join(network.state, name);
  cpSync(file('proxy'), file('copy'), { recursive: true });
  cpSync(file('proxy.toml'), file('copy.toml'));
  setKey(file('copy.toml'), 'state_dir', file('copy'));
  setKey(file('copy.toml'), 'listen', '127.0.0.1:0');
  const older = start('cocoon-proxy', ['--config', file('proxy.toml')]);
  await older.says('serving at');
  const newer = start('cocoon-proxy', ['--config', file('copy.toml')]);
  await newer.says('serving at');
  // A change of the registry makes all look at once; else they do once a minute.
  const set = await run('cocoon-ledger', ['--ledger', file('ledger.sqlite'), 'set', '--price', '21 nano']);
  assert.equal(set.code, 0, set.err);
  assert.deepEqual(await older.ended, { code: 1, signal: null });
  assert.match(older.errors(), /another copy of this account has started since: .*epoch_superseded/);
  await newer.says('registry version');
  newer.kill('SIGTERM');
  assert.deepEqual(await newer.ended, { code: 0, signal: null });
  assert.doesNotMatch(newer.errors(), /another copy/);
  network.discard();
});

test('an engine that is down is said so, and nothing is charged', async () => {
  const doomed = await startEngine();
  const network = await startNetwork(doomed);
  doomed.kill('SIGKILL');
  await doomed.ended;
  const refused = async () => {
    const e = await network.sdk.chat.completions.create(ask('x')).then(assert.fail, (error) => error);
    assert.ok(Number(e.headers.get('retry-after')) >= 1, 'it says when to try again');
    return `${e.status} ${e.code}`;
  };
  // The worker learns of it by this request, or by a probe just before it. Until the proxy has heard from it, it is a
  // candidate, and the only one.
  assert.match(await refused(), /^(429 no_candidate_free|503 no_worker)$/);
  await until('the model to be listed no longer', async () =>
    !(await (await fetch(network.url + '/models')).text()).includes(`"id":"${MODEL}"`));
  assert.equal(await refused(), '503 no_worker');
  assert.equal(await network.metric('cocoon_client_spent_nano_total'), 0);
  await network.stop();
  network.discard();
});

for (const role of ['client', 'proxy', 'worker']) {
  test(`cocoon-${role} names line and column of a wrong key, and exits with 2`, async () => {
    const example = readFileSync(join(PACKAGING, `${role}.toml`), 'utf8');
    const file = join(tmpdir(), `cocoon-e2e-${process.pid}-${role}.toml`);
    writeFileSync(file, example.replace(/^state_dir/m, 'state_dri = "x"\nstate_dir'));
    const line = example.split('\n').findIndex((l) => l.startsWith('state_dir')) + 1;
    const done = await run(`cocoon-${role}`, ['--config', file, '--check']);
    rmSync(file);
    assert.equal(done.code, 2);
    assert.match(done.err, new RegExp(`:${line}:1: .*state_dir`));
  });

  test(`cocoon-${role} says how to make a ledger that is not there`, async () => {
    const example = readFileSync(join(PACKAGING, `${role}.toml`), 'utf8');
    const file = join(tmpdir(), `cocoon-e2e-${process.pid}-${role}-none.toml`);
    writeFileSync(file, example.replace(/^ledger = .*/m, 'ledger = "/nonexistent/ledger.sqlite"'));
    const done = await run(`cocoon-${role}`, ['--config', file]);
    rmSync(file);
    assert.equal(done.code, 1);
    assert.match(done.err, /does not exist; make it with `cocoon-ledger --ledger .* init`/);
  });

  test(`cocoon-${role} accepts the annotated example`, async () => {
    const done = await run(`cocoon-${role}`, ['--config', join(PACKAGING, `${role}.toml`), '--check']);
    assert.equal(done.code, 0, done.err);
  });

  test(`cocoon-${role} has --help and --version`, async () => {
    const help = await run(`cocoon-${role}`, ['--help']);
    assert.equal(help.code, 0);
    for (const code of ['0', '1', '2', '130']) assert.match(help.out, new RegExp(`\\b${code} \\w+`));
    assert.match((await run(`cocoon-${role}`, ['--version'])).out, /\d+\.\d+\.\d+/);
    assert.equal((await run(`cocoon-${role}`, ['--nonsense'])).code, 2);
  });
}
