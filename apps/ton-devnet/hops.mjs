// In which order messages between contracts are delivered. On the real chain two contracts may be in
// different shards, so that a message that was sent later to one of them may arrive earlier than another's.
// Only what one contract sends to another arrives in the order in which it was sent, always.

import { createHash } from 'node:crypto';
import { Cell, loadMessage } from '@ton/core';

/**
 * @param queue messages (bags of cells in base64) in the order in which they were sent
 * @param hops `held`: a set of raw addresses whose messages wait; `order`: "reverse", or a seed
 * @return {ready, waiting}: what the block with this number executes, in order, and what stays
 */
export function inOrder(queue, seqno, { held = new Set(), order } = {}) {
  const waiting = [];
  const ready = [];
  for (const boc of queue) {
    const { src, dest } = loadMessage(Cell.fromBase64(boc).beginParse()).info;
    const to = dest.toRawString();
    (held.has(to) ? waiting : ready).push({ boc, pair: `${src?.toRawString()} ${to}` });
  }
  return { ready: shuffled(ready, seqno, order).map((m) => m.boc), waiting: waiting.map((m) => m.boc) };
}

function shuffled(messages, seqno, order) {
  if (order === undefined) return messages;
  const rank = (m, i) => order === 'reverse' ? -i
    : createHash('sha256').update(`${order} ${seqno} ${i}`).digest().readUIntBE(0, 6);
  const places = messages.map((m, i) => ({ pair: m.pair, rank: rank(m, i) })).sort((a, b) => a.rank - b.rank);
  // Each pair's places are filled in the order in which it sent.
  const left = new Map();
  for (const m of messages) left.set(m.pair, [...(left.get(m.pair) ?? []), m]);
  return places.map(({ pair }) => left.get(pair).shift());
}
