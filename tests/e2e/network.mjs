// Starts and stops a network of the real programs for a test.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { demand, killAll, PATIENCE, program, run, start, until } from '../support/process.mjs';

export { getKey, setKey } from '../support/role_config.mjs';
export { demand, killAll, program, run, start, until };

export const MODEL = 'demo/echo';

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

/**
 * A whole network over `engine`, with an SDK client that does not retry by itself.
 * @param state the folder of an earlier one, to go on with it
 */
export async function startNetwork(engine, args = [], state = mkdtempSync(join(tmpdir(), 'cocoon-e2e-'))) {
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

/** Waits until the gateway at `url` has a worker for the model. */
export const untilServed = (url, headers = {}) =>
  until(`${url} to serve ${MODEL}`, async () => {
    try {
      return (await (await fetch(url + '/models', { headers })).text()).includes(`"id":"${MODEL}"`);
    } catch {
      return false;
    }
  });

/** An address that is free now. */
export const freeAddress = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(`127.0.0.1:${port}`));
    });
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
