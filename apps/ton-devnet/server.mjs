#!/usr/bin/env node
// A chain for development and tests: the real TVM behind toncenter's HTTP API (docs/ton.md "Devnet").

import { Chain, genesis } from './chain.mjs';
import { Clock } from './clock.mjs';
import { Control } from './control.mjs';
import { Faults } from './faults.mjs';
import { Http } from './http.mjs';
import { Journal } from './journal.mjs';
import { HELP, readOptions } from './options.mjs';
import { Tvm } from './tvm.mjs';

/** The chain of a state folder, or a new one. */
async function openChain(tvm, clock, journal) {
  const kept = journal?.read();
  const record = journal && ((block, isBase) => journal.append(block, isBase));
  const chain = new Chain(tvm, kept?.base ?? genesis(clock.now()), record);
  for (const block of kept?.blocks ?? []) chain.apply(block);
  journal?.begin(chain.dump());
  // While the server was away no time has passed for a chain that was ahead of it.
  if (chain.head.utime > clock.now()) clock.set(chain.head.utime);
  return chain;
}

/** Makes blocks until told to stop; each as late after the one before as is asked for. */
function makeBlocks({ chain, clock, faults }, everyMs, fail) {
  let timer;
  const next = () => {
    timer = setTimeout(() => chain.block(clock.now(), faults.hops()).then(next, fail), everyMs);
  };
  if (everyMs > 0) next();
  return () => clearTimeout(timer);
}

function stopOn(signals, stop) {
  for (const signal of signals) process.once(signal, stop);
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const clock = new Clock();
  const tvm = await Tvm.create();
  const journal = options.state === undefined ? undefined : new Journal(options.state);
  const chain = await openChain(tvm, clock, journal);
  const faults = new Faults();
  const control = new Control({ chain, clock, faults });
  const http = new Http({ chain, tvm, clock, faults, control, apiKey: options.apiKey, rate: options.rate });
  const at = await http.listen(options.host, options.port);
  const fail = (error) => {
    console.error(`ton-devnet: no more blocks: ${error.stack}`);
    process.exit(1);
  };
  const stopBlocks = makeBlocks({ chain, clock, faults }, options.blockMs, fail);
  stopOn(['SIGTERM', 'SIGINT'], () => {
    stopBlocks();
    http.close();
    chain.exclusive(() => {
      journal?.close();
      process.exit(0);
    });
  });
  console.log(`ready http://${at}/api/v2/`);
}

main().catch((error) => {
  console.error(`ton-devnet: ${error.message}`);
  process.exit(error.usage ? 2 : 1);
});
