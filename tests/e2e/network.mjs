// Starts and stops the real programs for a test, and waits for conditions with deadlines.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';

const BIN = process.env.COCOON_BIN;
export const MODEL = 'demo/echo';
const PATIENCE = 60_000;

export const program = (name) => join(BIN, name);

/** Runs `test` until it returns something true; fails after a generous while. */
export async function until(what, test, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

const running = new Set();

/** Ends what a failed test has left behind; without it, Node would wait for that. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * A running program; `line(prefix)` resolves with the rest of the first such line it prints, and
 * `says(text)` with the first line of its log that has the text in it.
 */
export function start(name, args, options = {}) {
  const path = name.includes('/') ? name : program(name);
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  running.add(child);
  const ended = new Promise((resolve) =>
    child.on('exit', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    }),
  );
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    ended,
    output: () => out,
    errors: () => err,
    line: (prefix) =>
      until(`${name} to print "${prefix}"`, () => {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${out}${err}`);
        const line = out.split('\n').find((l) => l.startsWith(prefix));
        return line && out.includes(line + '\n') ? line.slice(prefix.length).trim() : undefined;
      }),
    says: (text) =>
      until(`${name} to log "${text}"`, () => {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${out}${err}`);
        const line = err.split('\n').find((l) => l.includes(text));
        return line && err.includes(line + '\n') ? line : undefined;
      }),
  };
}

/** Runs a program to its end. */
export async function run(name, args, options) {
  const child = start(name, args, options);
  const { code } = await child.ended;
  return { code, out: child.output(), err: child.errors() };
}

export async function startEngine(args = []) {
  const process = start('cocoon-demo-engine', ['--listen', '127.0.0.1:0', '--model', MODEL, ...args]);
  const url = await process.line('listening ');
  return {
    ...process,
    url,
    get: async (path) => (await fetch(url + path)).json(),
    post: (path) => fetch(url + path, { method: 'POST' }),
  };
}

/** A whole network over `engine`, with an SDK client that does not retry by itself. */
export async function startNetwork(engine, args = []) {
  const state = mkdtempSync(join(tmpdir(), 'cocoon-e2e-'));
  const devnet = start('cocoon-devnet', [
    '--backend', engine.url, '--listen', '127.0.0.1:0', '--state', state, '--model', MODEL, ...args,
  ]);
  const url = await devnet.line('ready ');
  const base = url.replace(/\/v1$/, '');
  return {
    devnet,
    state,
    url,
    base,
    sdk: new OpenAI({ apiKey: 'unused', baseURL: url, maxRetries: 0, timeout: PATIENCE }),
    metric: async (name) => {
      const text = await (await fetch(base + '/metrics')).text();
      const line = text.split('\n').find((l) => l.startsWith(name));
      return line ? Number(line.split(' ').pop()) : 0;
    },
    ledger: async () => {
      const shown = await run('cocoon-ledger', [
        '--ledger', join(state, 'ledger.sqlite'), 'show', '--json',
      ]);
      return JSON.parse(shown.out);
    },
    stop: async () => {
      devnet.kill('SIGTERM');
      return devnet.ended;
    },
    discard: () => rmSync(state, { recursive: true, force: true }),
  };
}

/**
 * A network's folder without its processes: they have run once, so that accounts, channel and
 * configurations are there, and can be started one by one.
 */
export async function layOut(engine) {
  const network = await startNetwork(engine);
  const { code } = await network.stop();
  if (code !== 0) throw new Error(`devnet ended with ${code}: ${network.devnet.errors()}`);
  return network;
}

/** Changes a key at the top of a configuration file, or adds it there. */
export function setKey(file, key, value) {
  const line = `${key} = ${JSON.stringify(value)}`;
  const text = readFileSync(file, 'utf8');
  const old = new RegExp(`^${key} = .*$`, 'm');
  writeFileSync(file, old.test(text) ? text.replace(old, () => line) : `${line}\n${text}`);
}

export const getKey = (file, key) =>
  JSON.parse(new RegExp(`^${key} = (.*)$`, 'm').exec(readFileSync(file, 'utf8'))[1]);

/** Waits until the gateway at `url` has a worker for the model. */
export const untilServed = (url) =>
  until(`${url} to serve ${MODEL}`, async () => {
    try {
      return (await (await fetch(url + '/models')).text()).includes(`"id":"${MODEL}"`);
    } catch {
      return false;
    }
  });

export const ask = (text, more = {}) => ({
  model: MODEL,
  messages: [{ role: 'user', content: text }],
  ...more,
});

/** The children of a process, by name. */
export function childrenOf(pid) {
  const found = {};
  for (const id of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) {
    if (id === '') continue;
    found[readFileSync(`/proc/${id}/comm`, 'utf8').trim()] = Number(id);
  }
  return found;
}

export const isAlive = (pid) => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};
