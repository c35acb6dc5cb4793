// Keeps a chain in a folder: a file with one JSON text a line, first the state at the last start, then every
// block since. A line that a crash has cut off is the last one, and is forgotten: its block never was.

import {
  appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const FORMAT = 'cocoon-ton-devnet 1';

export class Journal {
  /** Opens the folder for this process alone, and makes it where it is missing. */
  constructor(folder) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.path = join(folder, 'chain.jsonl');
    this.lock = join(folder, 'pid');
    this.takeLock();
  }

  takeLock() {
    if (existsSync(this.lock)) {
      const owner = Number(readFileSync(this.lock, 'utf8'));
      if (owner !== process.pid && isAlive(owner)) {
        throw new Error(`${this.path} is in use by process ${owner}: stop it, or give another --state`);
      }
    }
    writeFileSync(this.lock, String(process.pid), { mode: 0o600 });
  }

  /** @return {base, blocks}: what was kept, or null */
  read() {
    if (!existsSync(this.path)) return null;
    const lines = readFileSync(this.path, 'utf8').split('\n');
    lines.pop(); // nothing, or what a crash has cut off
    if (lines.shift() !== FORMAT) throw new Error(`${this.path} is not the state of a devnet of this version`);
    let base;
    let blocks = [];
    lines.forEach((line, i) => {
      try {
        const entry = JSON.parse(line);
        if (entry.base) [base, blocks] = [entry.base, []];
        else blocks.push(entry.block);
      } catch {
        throw new Error(`${this.path}:${i + 2} is damaged: restore the file, or remove the folder to start anew`);
      }
    });
    if (!base) throw new Error(`${this.path} is not complete: remove the folder to start anew`);
    return { base, blocks };
  }

  /** Starts a new file with `state`, in the place of the old one. */
  begin(state) {
    const next = `${this.path}.next`;
    writeFileSync(next, `${FORMAT}\n${JSON.stringify({ base: state })}\n`, { mode: 0o600 });
    renameSync(next, this.path);
    this.file = openSync(this.path, 'a');
  }

  append(entry, isBase) {
    appendFileSync(this.file, JSON.stringify(isBase ? { base: entry } : { block: entry }) + '\n');
  }

  close() {
    if (this.file !== undefined) closeSync(this.file);
    rmSync(this.lock, { force: true });
  }
}

/** Who has ended and was not waited for yet holds nothing any more. */
function isAlive(pid) {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
