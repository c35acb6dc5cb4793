// The command line.

import { parseArgs } from 'node:util';

export const HELP = `A TON chain for development and tests: the real TVM behind toncenter's HTTP API.

  node server.mjs [--listen ADDRESS:PORT] [--state DIR] [--block-ms N] [--api-key KEY] [--rate N]

  --listen ADDRESS:PORT  where to listen; port 0: any that is free (default 127.0.0.1:8081)
  --state DIR            keep the chain in DIR, and go on with what is there (default: forget it)
  --block-ms N           a block every N milliseconds; 0: only when asked for (default 1000)
  --api-key KEY          refuse calls without this X-API-Key
  --rate N               refuse calls beyond N a second
  --help                 show this and end

Prints "ready http://ADDRESS:PORT/api/v2/" when it listens. Ends at SIGTERM and SIGINT. Exits with 0 when it
was told to end, 1 where it could not go on, 2 where the command line is wrong. What it can be told while it
runs is in libcocoon/docs/ton.md, "Devnet".
`;

const MAX_BLOCK_MS = 3_600_000;
const MAX_RATE = 1_000_000;

export class UsageError extends Error {
  usage = true;
}

function number(value, option, min, max) {
  if (!/^\d{1,9}$/.test(value) || Number(value) < min || Number(value) > max) {
    throw new UsageError(`${option}: expected a whole number from ${min} to ${max}, got "${value}"`);
  }
  return Number(value);
}

export function readOptions(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        listen: { type: 'string', default: '127.0.0.1:8081' }, state: { type: 'string' },
        'block-ms': { type: 'string', default: '1000' }, 'api-key': { type: 'string' },
        rate: { type: 'string' }, help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    throw new UsageError(`${error.message.split('\n')[0]} (--help shows the options)`);
  }
  const listen = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(values.listen);
  if (!listen) throw new UsageError(`--listen: expected ADDRESS:PORT, got "${values.listen}"`);
  return {
    help: values.help === true,
    host: listen[1] ?? listen[2],
    port: number(listen[3], '--listen', 0, 65_535),
    state: values.state,
    blockMs: number(values['block-ms'], '--block-ms', 0, MAX_BLOCK_MS),
    apiKey: values['api-key'],
    rate: values.rate === undefined ? undefined : number(values.rate, '--rate', 1, MAX_RATE),
  };
}
