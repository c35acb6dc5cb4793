// Nodes that judge hardware. Nobody here has any: what can be seen is whom they ask, and whom not.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { killAll, layOut, run, start, startEngine, until } from './network.mjs';

let network;
let config;
let asked = 0;
const service = createServer((socket) => {
  ++asked;
  socket.destroy();
});

before(async () => {
  await new Promise((listening) => service.listen(0, '127.0.0.1', listening));
  network = await layOut(await startEngine());
  config = join(network.state, 'proxy.toml');
  const hardware = readFileSync(config, 'utf8').replace(
    /(\[worker_policy\]\n)root = .*\nsimulated_dir = .*\n/,
    '$1root = "intel"\n',
  );
  writeFileSync(config, hardware);
  appendFileSync(config, `[collateral]\nurl = "https://127.0.0.1:${service.address().port}"\n`);
});

after(() => {
  killAll();
  service.close();
  network.discard();
});

test('authorities that cannot be read end the program, which says so', async () => {
  const spoilt = join(network.state, 'spoilt.toml');
  writeFileSync(spoilt, readFileSync(config, 'utf8') + 'ca_file = "none.pem"\n');
  const { code, err } = await run('cocoon-proxy', ['--config', spoilt]);
  assert.equal(code, 1);
  assert.match(err, /cannot read the ca_file .*none\.pem/);
});

test('a simulated worker is refused with the reason, and the service is not asked for it', async () => {
  const proxy = start('cocoon-proxy', ['--config', config]);
  await proxy.line('listening ');
  start('cocoon-worker', ['--config', join(network.state, 'worker-1.toml')]);
  await until('the refusal', () =>
    /refused: the worker's quote does not verify: PCK_CHAIN_UNTRUSTED.* \(evidence_untrusted\)/
      .test(proxy.errors()),
  );
  assert.equal(asked, 0);
  assert.equal(existsSync(join(network.state, 'proxy', 'collateral')), false);
});
