// packaging/quickstart, run to its end as a newcomer does.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { ask, isAlive, killAll, run, until } from './network.mjs';

const QUICKSTART = join(process.env.COCOON_SOURCE, 'packaging/quickstart');

after(killAll);

/** What was said under one of its headings. */
function section(out, heading) {
  const at = out.indexOf(heading);
  assert.ok(at >= 0, `"${heading}" is missing:\n${out}`);
  return out.slice(at + heading.length).split('\n\n')[0];
}

function check(out) {
  assert.match(section(out, 'Question: '), /confidential inference network/);
  assert.ok(Number(/(\d+) nanotons/.exec(section(out, '\nCost\n'))[1]) > 0);
  const evidence = section(out, 'Evidence that was checked');
  for (const role of ['proxy', 'worker']) {
    assert.match(evidence, new RegExp(`${role} +account [0-9a-f]{16}`));
  }
  assert.match(evidence, /tdx quote: UpToDate, good until .* SIMULATED/);
  const use = section(out, 'To use it from your own program');
  const [, url] = /baseURL: "(http:[^"]+)"/.exec(use);
  assert.match(use, new RegExp(`base_url="${url}"`));
  assert.match(use, new RegExp(`OPENAI_BASE_URL=${url} `));
  return { url, model: /model: "([^"]+)"/.exec(use)[1] };
}

test('it asks, shows cost and evidence, says how to go on, and leaves nothing behind', async () => {
  const done = await run(QUICKSTART, []);
  assert.equal(done.code, 0, done.out + done.err);
  const { url } = check(done.out);
  await assert.rejects(fetch(url + '/models'), 'the network is down again');
});

test('with --keep the network goes on, until the printed command ends it', async () => {
  const done = await run(QUICKSTART, ['--keep']);
  assert.equal(done.code, 0, done.out + done.err);
  const { url, model } = check(done.out);
  const [command, , state] = /kill ([\d ]+);.* rm -r (\S+)/.exec(done.out);
  const pids = /kill ([\d ]+);/.exec(command)[1].split(' ').map(Number);
  try {
    const sdk = new OpenAI({ apiKey: 'none', baseURL: url, maxRetries: 0 });
    const answer = await sdk.chat.completions.create(ask('still there?', { model }));
    assert.match(answer.choices[0].message.content, /still there/);
  } finally {
    const ended = await run('/bin/sh', ['-c', command]);
    assert.equal(ended.code, 0, ended.err);
  }
  await until('everything to be gone', () => pids.every((pid) => !isAlive(pid)));
  assert.equal(existsSync(state), false);
});

test('a wrong option is answered by how to use it', async () => {
  const done = await run(QUICKSTART, ['--wrong']);
  assert.equal(done.code, 2);
  assert.match(done.err, /quickstart \[--keep\]/);
});
