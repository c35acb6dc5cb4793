// The documents' commands are run and their code is compiled, as they stand. A block that is neither
// is named below, with the reason.
import assert from 'node:assert/strict';
import {
  mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import {
  demand, getKey, killAll, layOut, MODEL, run, setKey, start, startEngine, until,
} from './network.mjs';

const SOURCE = process.env.COCOON_SOURCE;
const BIN = process.env.COCOON_BIN;
const LIBRARY = process.env.COCOON_LIBRARY;
/** What a program has to be built with that links this build's library. */
const SANITIZE = process.env.COCOON_SANITIZE ? [`-fsanitize=${process.env.COCOON_SANITIZE}`] : [];

/** Blocks that are not run here, by their first line. */
const EXCUSED = {
  './packaging/quickstart': 'quickstart_test runs it, in the build that it makes',
  './packaging/check': 'it runs this test',
};

/** The blocks of a document that have a language: those without one are drawings. */
function blocks(file) {
  const text = readFileSync(join(SOURCE, file), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, body]) => ({
    language,
    body,
  }));
}

// The ports that the documents name are free in a network namespace of the test's own.
const ISOLATED = ['unshare', '--net', '--map-root-user'];
demand(ISOLATED[0], 'util-linux');
const canIsolate = spawnSync(ISOLATED[0], [...ISOLATED.slice(1), 'true']).status === 0;
const skip = canIsolate ? false : 'the kernel allows no network namespace here';

const PRELUDE = `
set -euo pipefail
python3 - <<'END'
import fcntl, socket, struct
s = socket.socket()
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack('16sh', b'lo', IFF_UP))
END
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
# Starts a program and waits for its first line: then it listens.
background() {
  local log; log=$(mktemp -p "$BOX")
  "$@" >"$log" 2>"$log.err" &
  local pid=$!
  until [ -s "$log" ]; do
    kill -0 $pid 2>/dev/null || { echo "ended: $*" >&2; cat "$log.err" >&2; exit 1; }
    sleep 0.05
  done
}
# Repeats a command until its output matches.
until_says() {
  local pattern=$1; shift
  for ((i = 0; i < 1200; i++)); do
    if "$@" 2>/dev/null | grep -Eq "$pattern"; then return; fi
    sleep 0.05
  done
  echo "never said $pattern: $*" >&2; "$@" >&2; exit 1
}
`;

/** A command that goes on until it is stopped: a reader gives it a terminal of its own. */
const STAYS = /^(\S*\/)?cocoon-(client|proxy|worker|devnet|demo-engine) (?!.*--(check|help|version))/;

/** The block as a script: joined lines, and what stays in the background. */
const scriptOf = (body) =>
  body
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => (STAYS.test(line) ? `background ${line.replace(/\s*&?\s*(#.*)?$/, '')}` : line))
    .join('\n');

/** Runs a script in `box`, with the programs on the path. */
async function runIn(box, script) {
  const file = join(box, 'script.sh');
  writeFileSync(file, PRELUDE + script);
  const [first, ...more] = ISOLATED;
  const done = await run('/usr/bin/env', [first, ...more, 'bash', file], {
    cwd: box,
    env: { ...process.env, PATH: `${BIN}:${process.env.PATH}`, BOX: box },
  });
  assert.equal(done.code, 0, `${script}\n--- failed:\n${done.out}${done.err}`);
  return done.out;
}

function makeBox() {
  const box = mkdtempSync(join(tmpdir(), 'cocoon-e2e-docs-'));
  mkdirSync(join(box, 'build/release'), { recursive: true });
  symlinkSync(BIN, join(box, 'build/release/bin'));
  mkdirSync(join(box, 'packaging'));
  return box;
}

let network;
before(async () => {
  const engine = await startEngine();
  network = await layOut(engine);
  engine.kill('SIGTERM');
  await engine.ended;
});
after(() => {
  network?.discard();
  killAll();
});

/** An annotated configuration, filled in for the network as its owner would. */
function fillIn(box, role, from) {
  const file = join(box, `packaging/${role}.toml`);
  const own = join(network.state, `${from}.toml`);
  const simulated = JSON.stringify(join(network.state, 'sim'));
  writeFileSync(
    file,
    readFileSync(join(SOURCE, `packaging/${role}.toml`), 'utf8')
      .replace(/^#?root = .*$/gm, 'root = "simulated"')
      .replace(/^#?simulated_dir = .*$/gm, `simulated_dir = ${simulated}`)
      .replace(/^#?kind = .*$/gm, 'kind = "simulated"'),
  );
  for (const key of ['ledger', 'state_dir']) setKey(file, key, getKey(own, key));
  if (role === 'worker') {
    setKey(file, 'engine_url', 'http://127.0.0.1:8000');
    setKey(file, 'models', [MODEL]);
  }
}

test('every block of the documents is run, compiled, or excused', () => {
  const known = { sh: ['README.md', 'libcocoon/docs/operations.md'], cpp: [], cmake: [] };
  known.cpp = known.cmake = ['libcocoon/docs/embedding.md'];
  let count = 0;
  for (const file of ['README.md', 'libcocoon/docs/operations.md', 'libcocoon/docs/embedding.md']) {
    for (const { language, body } of blocks(file)) {
      ++count;
      assert.ok(known[language]?.includes(file), `${file}: nobody tries this:\n${body}`);
    }
  }
  assert.ok(count >= 6, `only ${count} blocks were found`);
});

test('README.md: the commands work with the annotated configurations, filled in', { skip }, async () => {
  const box = makeBox();
  fillIn(box, 'client', 'client');
  fillIn(box, 'worker', 'worker-1');
  const script = [
    `background cocoon-demo-engine --listen 127.0.0.1:8000 --model ${MODEL}`,
    `background cocoon-proxy --config ${join(network.state, 'proxy.toml')}`,
  ];
  for (const { body } of blocks('README.md')) {
    if (!EXCUSED[body.trim()]) script.push(scriptOf(body));
  }
  script.push('until_says "^ok$" curl -s http://127.0.0.1:10002/healthz');
  script.push(`until_says '"id":"${MODEL}"' curl -s "$OPENAI_BASE_URL/models"`);
  script.push(`sh ${join(SOURCE, 'examples/curl.sh')} "$OPENAI_BASE_URL" ${MODEL}`);
  assert.match(await runIn(box, script.join('\n')), /data: \[DONE\]/);
  rmSync(box, { recursive: true });
});

test('operations.md: the commands work', { skip }, async () => {
  const box = makeBox();
  const script = blocks('libcocoon/docs/operations.md').map(({ body }) => scriptOf(body));
  // What a reader copies from the output of `show`.
  const ledger = 'cocoon-ledger --ledger devnet/ledger.sqlite show --json';
  const field = (path) => `$(${ledger} | python3 -c 'import json,sys; print(json.load(sys.stdin)${path})')`;
  script.splice(1, 0,
    `HASH=${field('["registry"]["worker_images"][0]')}`,
    `CHANNEL=${field('["channels"][0]["id"]')}`,
    `BEFORE=${field('["channels"][0]["deposited_nano"]')}`,
  );
  script.push(
    `AFTER=${field('["channels"][0]["deposited_nano"]')}`,
    `IMAGES=${field('["registry"]["worker_images"]')}`,
    'echo "topped up by $((AFTER - BEFORE)), images: $IMAGES"',
    // The worker runs the removed image, so nobody serves the model any more.
    `until_says '"data": ?\\[\\]' curl -s http://127.0.0.1:10000/v1/models`,
  );
  const out = await runIn(box, script.join('\n').replace(/\b(HASH|CHANNEL)$|(?<=--channel )CHANNEL/gm, '$$$&'));
  assert.match(out, /topped up by 2000000000, images: \[\]/);
  rmSync(box, { recursive: true });
});

/** The first program asks what is served as soon as it has started. */
async function runFirst(program) {
  const engine = await startEngine();
  const served = await layOut(engine);
  const config = (name) => join(served.state, `${name}.toml`);
  const alone = await run('/usr/bin/env', [program, config('client')]);
  assert.match(alone.err, /no proxy can be reached/);
  const proxy = start('cocoon-proxy', ['--config', config('proxy')]);
  await proxy.line('listening ');
  const worker = start('cocoon-worker', ['--config', config('worker-1')]);
  await until('the worker to serve', () =>
    /worker \w+ connected/.test(proxy.errors()) && /the engine at \S+ is ready/.test(worker.errors()),
  );
  const done = await run('/usr/bin/env', [program, config('client')]);
  assert.equal(done.code, 0, done.err);
  assert.equal(done.out, '1 models are served\n');
  for (const role of [worker, proxy, engine]) {
    role.kill('SIGTERM');
    await role.ended;
  }
  served.discard();
}

test('embedding.md: the code compiles, and the first program works', async () => {
  const box = makeBox();
  const programs = blocks('libcocoon/docs/embedding.md').filter((b) => b.language === 'cpp');
  assert.ok(programs.length > 0);
  for (const [i, { body }] of programs.entries()) {
    const file = join(box, `program${i}`);
    writeFileSync(`${file}.cpp`, body);
    const built = await run('/usr/bin/env', [
      process.env.COCOON_CXX, ...SANITIZE, '-std=c++20', '-Wall', '-Wextra', '-Werror', `-I${SOURCE}/include`,
      `${file}.cpp`, '-o', file, `-L${LIBRARY}`, '-lcocoon', '-luv', `-Wl,-rpath,${LIBRARY}`,
    ]);
    assert.equal(built.code, 0, built.err);
  }
  await runFirst(join(box, 'program0'));
  rmSync(box, { recursive: true });
});
