// Starts and stops real programs for a test, and waits for conditions with deadlines.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const BIN = process.env.COCOON_BIN;
export const PATIENCE = 60_000;

export const program = (name) => join(BIN, name);

/** Fails where a program that the tests need is missing: what is left out would look as if it had passed. */
export function demand(name, debianPackage) {
  if (process.env.PATH.split(':').some((folder) => existsSync(join(folder, name)))) return;
  throw new Error(
    `${name} is not on the PATH: install the Debian package ${debianPackage} ` +
      '(packaging/install-dependencies test)',
  );
}

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
