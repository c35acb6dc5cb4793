// The devnet as a whole: a chain that makes blocks, and the HTTP server before it.

import { Chain, genesis } from './chain.mjs';
import { Clock } from './clock.mjs';
import { Control } from './control.mjs';
import { Faults } from './faults.mjs';
import { Http } from './http.mjs';
import { Journal } from './journal.mjs';
import { Tvm } from './tvm.mjs';

/** The chain of a state folder, or a new one. */
async function openChain(clock, journal) {
  const kept = journal?.read(); // before the TVM, which takes long to start
  const tvm = await Tvm.create();
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

/**
 * Starts it; SIGTERM and SIGINT end the process.
 * @param options as readOptions() gives them
 * @return where it listens, "host:port"
 */
export async function startDevnet(options) {
  const clock = new Clock();
  const journal = options.state === undefined ? undefined : new Journal(options.state);
  const chain = await openChain(clock, journal);
  const faults = new Faults();
  const control = new Control({ chain, clock, faults });
  const http = new Http({ chain, clock, faults, control, apiKey: options.apiKey, rate: options.rate });
  const at = await http.listen(options.host, options.port);
  const stopBlocks = makeBlocks({ chain, clock, faults }, options.blockMs, (error) => {
    console.error(`ton-devnet: no more blocks: ${error.stack}`);
    process.exit(1);
  });
  const stop = () => {
    stopBlocks();
    http.close();
    chain.exclusive(() => {
      journal?.close();
      process.exit(0);
    });
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  return at;
}
