#!/usr/bin/env node
// A chain for development and tests: the real TVM behind toncenter's HTTP API (libcocoon/docs/ton.md "Devnet").

import { HELP, readOptions } from './options.mjs';

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const { startDevnet } = await import('./devnet.mjs'); // not before: it takes long to load
  console.log(`ready http://${await startDevnet(options)}/api/v2/`);
}

main().catch((error) => {
  console.error(`ton-devnet: ${error.message}`);
  process.exit(error.usage ? 2 : 1);
});
