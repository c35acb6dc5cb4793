// Every limit of the devnet, with its reason.

/** A message of 64 KiB in base64, with room for JSON around it. */
export const MAX_BODY = 256 * 1024;
/** The chain's own limit for an external message, as bytes of its bag of cells. */
export const MAX_MESSAGE = 65_535;
/** As toncenter: more must be asked for in pages. */
export const MAX_TRANSACTIONS = 100;
/** What a lite server grants to a get method. */
export const GET_METHOD_GAS = 1_000_000n;
/** More arguments than any get method takes. */
export const MAX_STACK = 64;
/** External messages that wait for a block: a sender that floods is told so instead of filling memory. */
export const MAX_POOL = 1_024;
/** Messages that one block executes, about three seconds of work; the rest wait for the next one. */
export const MAX_BLOCK_MESSAGES = 1_024;
/** Blocks that a stale answer may lag behind; older states are forgotten. */
export const MAX_STALE = 1_000;
/** Blocks made by one request. */
export const MAX_BLOCKS_AT_ONCE = 1_000;
/** Snapshots kept in memory; the oldest makes room. */
export const MAX_SNAPSHOTS = 16;
/** More than any message carries: keeps a faucet's sums within what wallets can send on. */
export const MAX_FAUCET = 10n ** 18n;
/** Ten years: time may run fast, but not out of the 32 bits that contracts have for it. */
export const MAX_ADVANCE = 10 * 365 * 86_400;
/** An answer that is later than this was lost, not late. */
export const MAX_DELAY_MS = 60_000;
/** Lies, error rules and held addresses of one setting. */
export const MAX_RULES = 64;
/** A request that is not there in full by then will not come. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Connections at a time: more are refused. */
export const MAX_CONNECTIONS = 1_024;
