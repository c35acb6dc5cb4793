// Changes and reads keys of a role's configuration file.
import { readFileSync, writeFileSync } from 'node:fs';

/** Changes a key, or adds it at the top of the file. */
export function setKey(file, key, value) {
  const line = `${key} = ${JSON.stringify(value)}`;
  const text = readFileSync(file, 'utf8');
  const old = new RegExp(`^${key} = .*$`, 'm');
  writeFileSync(file, old.test(text) ? text.replace(old, () => line) : `${line}\n${text}`);
}

export const getKey = (file, key) =>
  JSON.parse(new RegExp(`^${key} = (.*)$`, 'm').exec(readFileSync(file, 'utf8'))[1]);
